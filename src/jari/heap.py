"""Giving memory back to the operating system."""

import ctypes


def give_back() -> None:
    """Return what is free on the C heap; a few ms in which nobody else of the process need wait.

    glibc does so by itself only from the end of the heap, where something small always lies. Other C libraries
    have no such call, and are left alone.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
