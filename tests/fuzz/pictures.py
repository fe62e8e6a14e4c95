"""Looks for files that the reader of photos does not survive: `python -m tests.fuzz.pictures [--seconds N] [ARGS]`.

Guided by what of `services.embedder.images` and of Pillow's Python a file reaches. Needs atheris, numpy and Pillow.
Further arguments are libFuzzer's; that of a file runs this file once. What is found is kept in var/fuzz.
"""
# ruff: noqa: T201 - it speaks to the person at the terminal

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

from tests.fuzz.damage import MARKERS

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "var" / "fuzz"
CORPUS: Final = KEPT / "pictures"
DICTIONARY: Final = KEPT / "pictures.dict"

MAX_SEED_BYTES: Final = 32 * 1024
SIDE: Final = 32
MAX_PIXELS: Final = 4_000_000
"""Less than the service reads: a file that is slow for its size is slow here, too, and the others are quick."""

LIBFUZZER: Final = ("-timeout=20", "-rss_limit_mb=1024", f"-max_len={4 * MAX_SEED_BYTES}", "-print_final_stats=1")
_INSIDE: Final = "VISREC_FUZZ_INSIDE"


def fuzz(arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["PIL", "services.embedder.images", "services.embedder.room"]):
        from PIL import (  # noqa: F401 - loaded to be instrumented
            BmpImagePlugin,
            GifImagePlugin,
            JpegImagePlugin,
            MpoImagePlugin,
            PngImagePlugin,
            TiffImagePlugin,
            WebPImagePlugin,
        )

        from services.embedder.framing import WHOLE, Box
    import numpy as np

    from services.embedder.images import Limits, read_picture
    from services.errors import InvalidInput

    limits = Limits(max_pixels=MAX_PIXELS)

    def one_file(data: bytes) -> None:
        """Whether there is a crop, then its edges, and the rest is the file."""
        given = atheris.FuzzedDataProvider(data)
        crop = Box(*(given.ConsumeFloatInRange(-0.1, 1.1) for _ in range(4))) if given.ConsumeBool() else WHOLE
        try:
            pixels = read_picture(given.ConsumeBytes(given.remaining_bytes()), SIDE, crop=crop, limits=limits)
        except InvalidInput:
            return
        assert pixels.shape == (SIDE, SIDE, 3), pixels.shape
        assert pixels.dtype == np.uint8, pixels.dtype

    # Decoders warn of what is odd in a file; here everything is.
    warnings.simplefilter("ignore")
    atheris.Setup([sys.argv[0], *arguments], one_file)
    atheris.Fuzz()


def prepare() -> None:
    """Seeds and words, beside what earlier runs have learned."""
    from tests.embedder.hostile import GOOD, cuts, named

    CORPUS.mkdir(parents=True, exist_ok=True)
    files = [(name, make()) for name, make in GOOD.items()]
    files += [(file.name, file.data) for file in (*named(slow=False), *cuts())]
    for number, (_, data) in enumerate(files):
        if len(data) <= MAX_SEED_BYTES:
            # An even byte: the whole picture.
            (CORPUS / f"seed-{number:04}").write_bytes(b"\0" + data)
    words = ("".join(f"\\x{byte:02x}" for byte in word) for word in MARKERS)
    DICTIONARY.write_text("".join(f'"{word}"\n' for word in words))


def findings() -> set[Path]:
    """Files that something was wrong with, as libFuzzer names them."""
    return {path for kind in ("crash", "timeout", "oom", "leak") for path in KEPT.glob(f"{kind}-*") if not path.suffix}


def main(arguments: list[str]) -> int:
    """Fuzzes in a process of its own, which may die, and says how to do again what it died of."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=int, default=60, help="how long to look; 60 unless told")
    asked, more = parser.parse_known_args(arguments)
    prepare()
    before = findings()
    again = [argument for argument in more if not argument.startswith("-")]
    searching = [] if again else [str(CORPUS), f"-max_total_time={asked.seconds}", f"-dict={DICTIONARY}"]
    command = [sys.executable, "-m", "tests.fuzz.pictures", *LIBFUZZER, f"-artifact_prefix={KEPT}/", *searching, *more]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {_INSIDE: "1"}, check=False)
    for found in sorted(findings() - before):
        repeat = shlex.join([sys.executable, "-m", "tests.fuzz.pictures", str(found.relative_to(ROOT))])
        found.with_name(f"{found.name}.txt").write_text(f"{repeat}\n")
        print(f"found something; to see it again:\n  {repeat}")
    if not searching:
        return done.returncode
    print("something was found" if findings() - before else f"nothing got through in {asked.seconds} s")
    return done.returncode


if __name__ == "__main__":
    if os.environ.get(_INSIDE):
        fuzz(sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
