"""Strips between two edges that move: over some what lies below stays, others show a picture.

The vertices of an edge follow each other, those of the lower edge upon those of the upper one.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.options import INNER, OUTER


class Showing(NamedTuple):
    """How a picture is shown between two edges.

    Attributes
    ----------
    edge_px : float
        Over so many pixels it fades in from the edges.
    least_height : float
        It is nowhere lower; in the unit of space.
    whole_until, none_from : float
        It gives way while edges that are apart by themselves go from the first to the second.
    faint : float
        Below this amount it shows less where edges are apart by themselves.
    """

    edge_px: float
    least_height: float
    whole_until: float
    none_from: float
    faint: float


@numba.njit(**INNER)
def _slide_jit(target, values, first, n):  # type: ignore[no-untyped-def]
    """Let what moved edges lie on observe itself; beyond the other edges, those observe theirs."""
    for k in range(n):
        x, y = values[first + k, 0], values[first + k, 1]
        ax, ay = values[first + n + k, 0] - x, values[first + n + k, 1] - y
        length = ax * ax + ay * ay
        # At a corner both edges meet and observe themselves.
        if not length >= 1:
            continue
        for row in range(2):
            v = first + row * n + k
            along = ((target[v, 0] - x) * ax + (target[v, 1] - y) * ay) / length
            excess = min(max(along, np.float32(0)), np.float32(1)) - along
            values[v, 0] = target[v, 0] + excess * ax
            values[v, 1] = target[v, 1] + excess * ay


@numba.njit(**INNER)
def _gap_jit(points, upper, lower, down):  # type: ignore[no-untyped-def]
    x, y = points[lower, 0] - points[upper, 0], points[lower, 1] - points[upper, 1]
    return x * down[0] + y * down[1]


@numba.njit(**INNER)
def _inset_jit(points, first, n, p, part):  # type: ignore[no-untyped-def]
    """Lay the two inner rows a part of the way inside the edges."""
    upper, lower = first + p, first + n + p
    for axis in range(2):
        high, low = points[upper, axis], points[lower, axis]
        points[upper + 2 * n, axis] = high + part * (low - high)
        points[lower + 2 * n, axis] = low + part * (high - low)


@numba.njit(**INNER)
def _rows_jit(values, first, n, p, top, bottom, part, shown):  # type: ignore[no-untyped-def]
    """Write what part of the picture the four rows show, and how opaque they are."""
    for row in range(4):
        lower = row % 2 == 1
        start = bottom if lower else top
        away = part * (top - bottom) if lower else part * (bottom - top)
        values[first + row * n + p, 3] = start if row < 2 else start + away
        values[first + row * n + p, 4] = np.float32(0) if row < 2 else shown


@numba.njit(**OUTER)
def _show_jit(target, values, heights, down, showing, now, n_slid, first_slid, first):  # type: ignore[no-untyped-def]
    """Fill strips; return how far the edges about the picture are apart in the end."""
    one, none = np.float32(1), np.float32(0)
    unit, amount, n = now[0], now[1], heights.shape[1]
    _slide_jit(target, values, first_slid, n_slid)
    live = widest = np.float32(-np.inf)
    for p in range(n):
        live = max(live, _gap_jit(values, first + p, first + n + p, down))
        widest = max(widest, _gap_jit(target, first + p, first + n + p, down))
    closed = (showing[3] - max(live, none) / unit) / (showing[3] - showing[2])
    apart = min(max(live, none) / max(widest, np.float32(1e-3)), one)
    shown = min(max(closed, none), one) * (one - (one - min(amount / showing[4], one)) * apart)
    for p in range(n):
        # The ends have no gap of their own and show what their neighbours show.
        q = min(max(p, 1), n - 2)
        height = max(heights[0, q] - heights[1, q], showing[1])
        meeting = min(max(heights[0, q] / height, none), one)
        top = meeting * (one - min(amount, one))
        gap = max(_gap_jit(target, first + q, first + n + q, down), none)
        bottom = top + gap / (height * unit * max(amount, one))
        gap = max(_gap_jit(target, first + p, first + n + p, down), np.float32(1e-3))
        part = min(showing[0] / gap, np.float32(0.4))
        _inset_jit(target, first, n, p, part)
        _inset_jit(values, first, n, p, part)
        _rows_jit(values, first, n, p, top, bottom, part, shown)
    return widest


@awaited_in("kernels.strips_reference")
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
    """Fill strips between moved edges, in place.

    Over one strip, what lies between its edges stays: an edge that moves observes what it comes to
    lie on. The other shows a picture, which hangs from the upper edge and keeps its size.

    Parameters
    ----------
    target : ndarray of shape (V, 2), float32
        Where vertices are drawn; edges have their places.
    values : ndarray of shape (V, 5), float32
        What they observe, x and y; x and y in the picture, of which y is written, and its opacity.
    slid : slice
        The edges of the first strip, upper and lower.
    pictured : slice
        Those of the second, and likewise two rows within them, which are written.
    heights : ndarray of shape (2, P), float32
        How far each end of its P pairs rises from where they meet to where the picture is whole.
    down : ndarray of shape (2,), float32
        From upper to lower edges, of length 1.
    unit : float
        Of `heights`, px.
    amount : float
        Part of the picture's own opening to which it is to open; not negative.
    showing : ndarray of shape (5,), float32
        :class:`Showing`, in that order.

    Returns
    -------
    float
        How far the edges about the picture are apart at most, px.

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    n = len(target)
    n_slid, pairs = (slid.stop - slid.start) // 2, (pictured.stop - pictured.start) // 4
    for array, shape in (
        (target, (n, 2)),
        (values, (n, 5)),
        (heights, (2, pairs)),
        (down, (2,)),
        (showing, (5,)),
    ):
        check_floats(array, shape)
    if pairs < 3 or not 0 <= slid.start <= slid.stop <= n or not 0 <= pictured.stop <= n:
        raise ValueError(f"{slid} and {pictured} are no strips of {n} vertices")
    now = np.array([unit, amount], np.float32)
    strips = (n_slid, slid.start, pictured.start)
    return float(_show_jit(target, values, plain(heights), plain(down), showing, now, *strips))
