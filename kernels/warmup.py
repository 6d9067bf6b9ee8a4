"""Compile the kernels that a running filter needs, or load them from Numba's cache."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core import event
from numba.core.dispatcher import Dispatcher

from kernels import (
    bands,
    calming,
    drawing,
    folds,
    moves,
    noting,
    ordering,
    overlay,
    painting,
    pairs,
    planes,
    sampling,
    seams,
    settling,
    sheets,
    strips,
    surfaces,
    tints,
    unfolding,
)
from kernels.apply import apply
from kernels.awaited import AWAITED, OTHERS_AWAITED, Awaited

_MODULES = (
    *(planes, noting, tints, sampling, painting, overlay, bands, drawing),
    *(unfolding, settling, moves, calming, ordering, seams, sheets, strips),
)
_NICENESS = 5
"""The compiling process leaves the processor to whoever shows pictures."""


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


class _Missing(Exception):
    """Something would have to be compiled."""


class _Refusal(event.Listener):
    """Has nothing compiled."""

    def on_start(self, event: Any) -> None:
        if _is_ours(event):
            raise _Missing

    def on_end(self, event: Any) -> None:
        pass


def _functions() -> list[Dispatcher]:
    """Return the functions that are compiled, but for those that only become part of others."""
    found = [
        one
        for module in _MODULES
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
        each; never, where the cache holds them all. What it raises ends compiling.

    Notes
    -----
    Another thread that calls kernels meanwhile waits for some of them, and this one for it.
    """
    with telling(compiling):
        for step in STEPS:
            step.run()


@contextlib.contextmanager
def telling(compiling: Callable[[int, int], None] | None) -> Iterator[None]:
    """Tell how far compiling is, as :func:`warm_up` does."""
    if compiling is None:
        yield
    else:
        with event.install_listener("numba:compile", _Progress(compiling)):
            yield


def load() -> bool:
    """Load the kernels from the cache; False, sooner or later, where something is missing."""
    if not numba.config.DISABLE_JIT and not _kept_at_all():  # type: ignore[attr-defined]
        # To find out by trying takes a third of a second.
        return False
    with contextlib.suppress(_Missing), event.install_listener("numba:compile", _Refusal()):
        warm_up()
        return True
    return False


def _kept_at_all() -> bool:
    """Tell whether the cache holds anything of the first kernel that is called."""
    first = drawing._draw_jit
    folder = first.stats.cache_path
    return folder is None or any(Path(folder).glob(f"*{first.py_func.__name__}*.nbi"))


def main() -> None:
    """Compile the kernels for another process, which reads from stdout how far it is.

    An empty line tells that one of STEPS is done. Ends when its stdin is closed, as it is when
    that other process ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    with telling(lambda done, total: _tell(f"{done} {total}")):
        for step in STEPS:
            step.run()
            _tell("")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _end_with_stdin() -> None:
    with contextlib.suppress(OSError):
        os.read(0, 1)
    os._exit(1)


def _draw() -> None:
    """Call the kernels that draw once, with arguments of the types that the filter has."""
    src = np.zeros((2, 2, 3), np.uint8)
    corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
    values = np.zeros((3, 5), np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    table = np.zeros((2, 2, 4), np.float32)
    light = np.zeros(4, np.float32)
    apply(src.copy(), src, corners, values, triangles, 0, table, table, light)


# What is computed makes no sense; where nothing is compiled, NumPy would say so.
@np.errstate(all="ignore")
def _place() -> None:
    """Call the others once, likewise."""
    corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    areas = np.zeros(1, np.float32)
    limits = folds.Limits(tolerance=0.1, eagerness=2, least_kept=0.9)
    folds.hold_back(
        corners.copy(), corners, triangles, areas, areas, areas, triangles[:, :2].copy(), 3,
        (1, 1, 1), limits,
    )  # fmt: skip
    pair, down = pairs.make_pairs([0], [1]), corners[0]
    settling.asked(corners, triangles, areas, np.ones(4, np.float32), 1, pair, areas, down)
    settling.settle(corners.copy(), triangles, areas, pair, areas, down, 3, 1, 0, limits)
    _move()


def _move() -> None:
    points, pose, ints = np.zeros((4, 3), np.float32), np.eye(4, dtype=np.float32), np.zeros
    target, values = np.zeros((6, 2), np.float32), np.zeros((6, 5), np.float32)
    surface = surfaces.Surface(
        np.zeros((15, 4), np.float32), ints((2, 1), np.int32), ints(1, np.int32),
        ints((4, 2), np.int32), ints(3, np.int32), ints(5, np.int32), 1, 4,
    )  # fmt: skip
    wish = surfaces.Wish(points[:, 0].copy(), points, points, points[:, 0] > 0, 0.0, 0.0)
    moves.move(target, values, points, pose, 1.0, wish, surface, np.ones(15, np.float32))
    still = points[:, 0].copy()
    calming.calm_down(points, pose, (points, points), still, np.ones(5, np.float32), 1)
    heights, down, five = np.zeros((2, 3), np.float32), pose[1, :2].copy(), np.ones(5, np.float32)
    long, wide = np.zeros((12, 2), np.float32), np.zeros((12, 5), np.float32)
    strips.show(long, wide, slice(0, 0), slice(0, 12), heights, down, 1.0, 1.0, five)
    corners = np.zeros((1, 3), np.int32)
    ordering.far_first(points, corners, corners, 0, 1)
    edges = seams.Seams(np.zeros((2, 1, 2), np.int32), corners, 1, 1, 1)
    cut = seams.cut(points, target, edges, five, down)
    laid = np.zeros((2, 1, 6, 2, 2), np.float32), np.zeros((2, 1, 6, 2, 5), np.float32)
    yielding = sheets.Yielding(giving_way=1, arc=1, slides=1, uncovers=False)
    sheets.lay(*laid, cut.edges, cut.middle, cut.centres, down, yielding)


class Step(NamedTuple):
    """Some of the kernels.

    Attributes
    ----------
    awaited : Awaited
        Whether these are still awaited.
    run : callable
        Calls each of them once.
    """

    awaited: Awaited
    run: Callable[[], None]


STEPS = (Step(AWAITED, _draw), Step(OTHERS_AWAITED, _place))
"""All kernels, in the order in which they are compiled."""
