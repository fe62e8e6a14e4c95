"""Paintings put together again: gcompris has them as the pieces of jigsaw puzzles, whose outlines would give away that
they are paintings."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from PIL import Image, ImageFilter

from bench.quality.picture import Picture, file_of
from demo.qt_resources import ResourceFile

_SIZE = re.compile(r'"width"\s*:\s*(\d+),\s*"height"\s*:\s*(\d+)')
_PIECE = re.compile(r'"pixmapfile"\s*:\s*"(image/[^"]+\.webp)",\s*"x"\s*:\s*"?([\d.]+)"?,\s*"y"\s*:\s*"?([\d.]+)"?')
_SCULPTURE = "Pieta"

_SEAM_PIXELS = 8
_EDGE = 0.03
"""Share of each side that is cut off, where the outermost pieces are rounded."""


def paintings(files: Sequence[ResourceFile]) -> Iterator[Picture]:
    """A picture of `medium` painting for each board, which is a text that says where which piece lies."""
    by_path = {file.path: file for file in files}
    for path, file in sorted(by_path.items()):
        if path.suffix == ".qml" and path.parent.name == "board":
            board = file.read().decode()
            pieces = {name: by_path[path.parent.parent / name] for name, _, _ in _PIECE.findall(board)}
            if pieces and not any(_SCULPTURE in name for name in pieces):
                name = f"gcompris/paintings/{path.stem}"
                yield Picture(name, partial(_assembled, board, pieces), {"medium": "painting"}, name)


def _assembled(board: str, pieces: Mapping[str, ResourceFile]) -> bytes:
    size = _SIZE.search(board)
    width, height = (int(size[1]), int(size[2])) if size else (800, 520)
    canvas = Image.new("RGBA", (width, height))
    for name, x, y in _PIECE.findall(board):
        piece = Image.open(io.BytesIO(pieces[name].read())).convert("RGBA")
        left, top = float(x) * width - piece.width / 2, float(y) * height - piece.height / 2
        canvas.alpha_composite(piece, (max(0, round(left)), max(0, round(top))))
    canvas = canvas.crop(canvas.getbbox())
    # Seams take the colours around them: with alpha multiplied in, a blur averages only what is there.
    around = canvas.convert("RGBa").filter(ImageFilter.BoxBlur(_SEAM_PIXELS)).convert("RGBA")
    around.putalpha(255)
    whole = Image.alpha_composite(around, canvas).convert("RGB")
    x, y = (round(_EDGE * side) for side in whole.size)
    return file_of(whole.crop((x, y, whole.width - x, whole.height - y)))
