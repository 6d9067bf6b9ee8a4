"""What :mod:`kernels.folds` and :mod:`kernels.settling` compute, in plain NumPy: their oracle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.folds import Limits
from kernels.pairs import Pairs, keep_apart
from kernels.settling import TURNS, Asking


def _edges(points: NDArray[np.float32], corners: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return two edges of each triangle: their x, y, x, y, (4, T)."""
    x, y = (np.take(points[:, axis], corners) for axis in (0, 1))
    return np.stack([x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]])


def doubled_areas(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return areas as :func:`kernels.folds.doubled_areas`."""
    ax, ay, bx, by = _edges(points, triangles.T)
    return np.asarray(ax * by - ay * bx, np.float32)


def unfold(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    n_free: int,
    rounds: int,
    limits: Limits,
) -> bool:
    """Move vertices apart as :func:`kernels.folds.unfold`."""
    for turn in range(rounds):
        missing = least - doubled_areas(points, triangles)
        short = np.flatnonzero(missing > limits.tolerance * np.abs(least) + limits.tiny)
        if not len(short):
            return turn > 0
        who = triangles[short].T
        ax, ay, bx, by = _edges(points, who)
        gradient = np.stack([[ay - by, by, -ay], [bx - ax, -bx, ax]])
        step = missing[short] / np.maximum((gradient * gradient).sum(axis=(0, 1)), limits.tiny)
        who = who.ravel()
        asked = np.bincount(who, minlength=len(points))
        share = limits.eagerness / np.maximum(asked, limits.eagerness)
        for axis in (0, 1):
            way = np.bincount(who, (gradient[axis] * step).ravel(), minlength=len(points)) * share
            points[:n_free, axis] += way[:n_free]
    return True


def hold_back(
    points: NDArray[np.float32],
    source: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    limit: NDArray[np.float32],
    goal: NDArray[np.float32],
    pairs: NDArray[np.int32],
    n_free: int,
    rounds: tuple[int, int, int],
    limits: Limits,
) -> None:
    """Hold vertices back as :func:`kernels.folds.hold_back`."""
    gentle_rounds, between, all_rounds = rounds
    corners = triangles.T
    source_area = doubled_areas(source, triangles)
    one, other = pairs.T
    for turn in range(all_rounds):
        area = doubled_areas(points, triangles)
        short = np.flatnonzero((area < limit) & (limit < source_area))
        if not len(short):
            return
        who = corners[:, short]
        ax, ay, bx, by = _edges(points, who) - _edges(source, who)
        square = ax * by - ay * bx
        linear = area[short] - source_area[short] - square
        spare = np.maximum(source_area[short] - goal[short], 0)
        root = np.sqrt(np.maximum(linear * linear - 4 * square * spare, 0))
        part = 2 * spare / np.maximum(root - linear, limits.tiny)
        part = np.clip(part, limits.least_kept if turn < gentle_rounds else 0, 1)
        kept = np.ones(len(points), np.float32)
        np.minimum.at(kept, who.ravel(), np.tile(part, 3))
        around = np.take(kept, corners).min(axis=0)
        np.minimum.at(kept, corners.ravel(), np.tile((1 + around) / 2, 3))
        kept[one] = kept[other] = np.minimum(kept[one], kept[other])
        points[:] = source + kept[:, None] * (points - source)
        if turn < gentle_rounds:
            unfold(points, triangles, least, n_free, between, limits)


def asked(
    source: NDArray[np.float32],
    triangles: NDArray[np.int32],
    rest_area: NDArray[np.float32],
    asking: NDArray[np.float32],
    unit: float,
    pairs: Pairs,
    parts: NDArray[np.float32],
    down: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say what is asked of a mesh as :func:`kernels.settling.asked`."""
    how = Asking(*asking.tolist())
    rest = rest_area * np.float32(unit * unit)
    areas = doubled_areas(source, triangles)
    facing = (areas / rest - how.facing_from) / (how.facing_to - how.facing_from)
    weight = np.minimum(np.maximum(facing, 0), 1)
    least = weight * (how.least_part * areas + how.freely * rest) - how.freely * rest
    gaps = (source[pairs.below, :2] - source[pairs.above, :2]) @ down
    kept = np.where(parts > 0, np.minimum(parts * gaps, gaps), 0)
    return np.asarray(least, np.float32), np.asarray(kept, np.float32)


def settle(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    pairs: Pairs,
    gaps: NDArray[np.float32],
    down: NDArray[np.float32],
    n_free: int,
    rounds: int,
    later: int,
    limits: Limits,
) -> bool:
    """Keep a mesh whole as :func:`kernels.settling.settle`."""
    keep_apart(points, pairs, gaps, down)
    for turn in range(TURNS):
        if not unfold(points, triangles, least, n_free, rounds, limits):
            return False
        keep_apart(points, pairs, gaps, down, later if turn else 0)
    return True
