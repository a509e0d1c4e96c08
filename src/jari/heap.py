"""Giving memory back to the operating system."""

import ctypes


def give_back() -> None:
    """Return what is free on the C heap. This takes a few ms; other threads need not wait meanwhile.

    glibc by itself returns only what is free at the end of the heap, where something small always lies. Other C
    libraries have no such call; there this does nothing.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
