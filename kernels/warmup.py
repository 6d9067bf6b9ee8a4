"""Compile the kernels that a running filter needs, or load them from Numba's cache."""

from __future__ import annotations

import numpy as np

from kernels.apply import apply


def warm_up() -> None:
    """Compile the kernels, unless the cache on disk already holds them.

    Takes seconds the first time and milliseconds from then on. Numba keeps the cache beside the
    source, in ``NUMBA_CACHE_DIR`` where that is set, and in the user's own cache folder where
    the source's folder cannot be written to.

    Notes
    -----
    Kernels run on Numba's threads, so the thread that calls this is not to call them at the same
    time as another.
    """
    src = np.zeros((2, 2, 3), np.uint8)
    corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
    values = np.zeros((3, 5), np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    table = np.zeros((2, 2, 4), np.float32)
    light = np.zeros(4, np.float32)
    apply(src.copy(), src, corners, values, triangles, 0, table, table, light)
