"""Memory that stays flat for days: what the C library and Python's collector are told."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys

_M_ARENA_MAX = -8
"""Of glibc's malloc.h, for mallopt."""


def keep_in_one_pool() -> None:
    """Have all threads take memory from one pool of glibc's; elsewhere nothing.

    Otherwise each of up to eight pools per processor comes to hold the most that any thread has
    ever taken from it, and a landmark model is some 35 MB from pools that chance chooses: memory
    would grow with every model that is built anew. To be called before there are many threads;
    what the user has set counts.

    References
    ----------
    mallopt(3), M_ARENA_MAX.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Have glibc give what it holds in reserve back to the system; elsewhere nothing.

    Without it what little stays of a landmark model keeps the heap from shrinking. Takes some
    10 ms, in which other threads wait for memory.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def settle() -> None:
    """Have Python's collector leave alone what was loaded, which stays until the end.

    It would look through all of it now and then, a tenth of a second during which nothing else
    runs and no picture goes out.
    """
    gc.freeze()
