"""What the process holds of the machine's memory beyond what it uses."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Returns freed memory to the system, where the C library can (glibc): after a large build half of what the process
    holds may be free. Takes milliseconds."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
