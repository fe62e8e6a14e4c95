from __future__ import annotations

import os
import subprocess
import sys

from services.__main__ import MATHS_THREADS

PROGRAM = """
import os, sys
import services.__main__ as entry
assert not {"numpy", "faiss"} & set(sys.modules), "what reads the variables is loaded too early"
entry.main(["settings"])
print({name: os.environ[name] for name in entry.MATHS_THREADS}, file=sys.stderr)
"""


def maths_threads(environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return done.stderr.strip()


def test_matrix_products_take_one_thread_each() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in MATHS_THREADS}
    assert maths_threads(environment) == str(dict.fromkeys(MATHS_THREADS, "1"))


def test_whoever_starts_a_service_may_say_otherwise() -> None:
    given = dict.fromkeys(MATHS_THREADS, "2")
    assert maths_threads({**os.environ, **given}) == str(given)
