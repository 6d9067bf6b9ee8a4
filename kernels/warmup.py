"""Compile the kernels that a running filter needs, or load them from Numba's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import event
from numba.core.dispatcher import Dispatcher

from kernels import folds, pairs, planes, sheets, spans
from kernels.apply import apply


class _Progress(event.Listener):
    """Counts which of the kernels' functions have been compiled, as Numba tells of each."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._total = len(_functions())
        self._begun = False
        self._done = 0

    def on_start(self, event: Any) -> None:
        if not self._begun and _is_ours(event):
            self._begun = True
            self._tell(0, self._total)

    def on_end(self, event: Any) -> None:
        if _is_ours(event):
            self._done += 1
            self._tell(self._done, self._total)


def _functions() -> list[Dispatcher]:
    """Return the functions that are compiled, but for those that only become part of others."""
    found = [
        one
        for module in (planes, spans, folds, pairs, sheets)
        for one in vars(module).values()
        if isinstance(one, Dispatcher) and one.__module__ == module.__name__
    ]
    return [one for one in found if one.targetoptions.get("inline") != "always"]


def _is_ours(event: Any) -> bool:
    return str(event.data["dispatcher"].py_func.__module__).startswith("kernels.")


def warm_up(compiling: Callable[[int, int], None] | None = None) -> None:
    """Compile the kernels, unless the cache on disk already holds them.

    Takes seconds the first time and milliseconds from then on. :mod:`kernels.cache` says where
    the cache is.

    Parameters
    ----------
    compiling : callable, optional
        Told how many functions are compiled, and how many there are, before the first and after
        each; never, where the cache holds them all.

    Notes
    -----
    Kernels run on Numba's threads, so the thread that calls this is not to call them at the same
    time as another.
    """
    if compiling is None:
        _run_each()
        return
    with event.install_listener("numba:compile", _Progress(compiling)):
        _run_each()


def _run_each() -> None:
    """Call each kernel once, with arguments of the types that the filter has."""
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
