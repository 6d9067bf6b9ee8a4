"""Compile the kernels that a running filter needs, or load them from Numba's cache."""

from __future__ import annotations

import numpy as np

from kernels import folds, pairs, sheets
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
    areas = np.zeros(1, np.float32)
    limits = folds.Limits(tolerance=0.1, eagerness=2, least_kept=0.9)
    folds.doubled_areas(corners, triangles)
    folds.unfold(corners.copy(), triangles, areas, 3, 1, limits)
    folds.hold_back(
        corners.copy(), corners, triangles, areas, areas, areas, triangles[:, :2].copy(), 3,
        (1, 1, 1), limits,
    )  # fmt: skip
    pairs.keep_apart(corners.copy(), pairs.make_pairs([0], [1]), areas, corners[0])
    points, ways = np.zeros((2, 1, 2, 2), np.float32), np.zeros((2, 1, 2), np.float32)
    yielding = sheets.Yielding(giving_way=1, arc=1, slides=1, uncovers=False)
    sheets.lay(sheets.Edges(points, points, ways, ways), 6, np.zeros(1, np.int64), yielding)
