"""What :mod:`kernels.strips` computes, in plain NumPy: the oracle of its tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.strips import Showing


def show(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    slid: slice,
    pictured: slice,
    heights: NDArray[np.float32],
    down: NDArray[np.float32],
    unit: float,
    amount: float,
    showing: NDArray[np.float32],
) -> float:
    """Fill strips as :func:`kernels.strips.show`."""
    _slide(target[slid], values[slid])
    upper, lower, upper_inset, lower_inset = (
        slice(start, start + heights.shape[1])
        for start in range(pictured.start, pictured.stop, heights.shape[1])
    )
    how = Showing(*showing.tolist())
    gaps_live = (values[lower, :2] - values[upper, :2]) @ down
    gaps = (target[lower] - target[upper]) @ down
    widest = float(gaps.max())
    rise, fall = heights
    opened = np.maximum(rise - fall, how.least_height)
    meeting = np.minimum(np.maximum(rise / opened, 0), 1)
    gap = np.maximum(gaps, 0)
    top = meeting * (1 - min(amount, 1.0))
    bottom = top + gap / (opened * unit * max(amount, 1.0))
    for array in (top, bottom):
        array[0], array[-1] = array[1], array[-2]
    live = max(float(gaps_live.max()), 0.0)
    closed = (how.none_from - live / unit) / (how.none_from - how.whole_until)
    faint = 1 - min(amount / how.faint, 1.0)
    shown = min(max(closed, 0.0), 1.0) * (1 - faint * min(live / max(widest, 1e-3), 1.0))
    inset = np.minimum(how.edge_px / np.maximum(gap, 1e-3), 0.4)
    for points in (target, values[:, :2]):
        way = inset[:, None] * (points[lower] - points[upper])
        points[upper_inset], points[lower_inset] = points[upper] + way, points[lower] - way
    for row, down_it, opacity in (
        (upper, top, 0.0),
        (upper_inset, top + inset * (bottom - top), shown),
        (lower_inset, bottom + inset * (top - bottom), shown),
        (lower, bottom, 0.0),
    ):
        values[row, 3], values[row, 4] = down_it, opacity
    return widest


def _slide(target: NDArray[np.float32], values: NDArray[np.float32]) -> None:
    """Let edges that moved observe what they lie on. In place."""
    live, moved = values[:, :2].reshape(2, -1, 2), target.reshape(2, -1, 2)
    axis = live[1] - live[0]
    length = (axis * axis).sum(axis=1)
    along = ((moved - live[0]) * axis).sum(axis=2) / np.maximum(length, 1)
    excess = np.minimum(np.maximum(along, 0), 1) - along
    observed = moved + excess[..., None] * axis
    values[:, :2] = np.where((length < 1)[:, None], live, observed).reshape(-1, 2)
