"""Lay sheets of vertices between two edges that slide over a round disc.

A sheet has columns, each from its upper edge to its lower, and is laid twice: once for what lies
on the right of the disc's middle and once for what lies on its left, since where both meet over
the disc they observe what is apart. What an edge uncovers observes that part of its circle about
the middle of the disc which both edges leave visible.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.options import INNER, OUTER


class Edges(NamedTuple):
    """The upper and the lower edge of E sheets with C columns; y points up.

    Attributes
    ----------
    live, moved : ndarray of shape (2, E, C, 2), float32
        Points from the middle of the disc, before and after the edge moves; x rises.
    parted : ndarray of shape (2, E, C), float32
        How far the edge moves outwards; negative where it covers more.
    fringe : ndarray of shape (2, E, C), float32
        How deep into the sheet goes what goes with the edge.
    """

    live: NDArray[np.float32]
    moved: NDArray[np.float32]
    parted: NDArray[np.float32]
    fringe: NDArray[np.float32]


class Yielding(NamedTuple):
    """How what lies under an edge gives way.

    Attributes
    ----------
    giving_way : float
        Within this distance the fringe of an edge that covers more gives way to the disc.
    arc : float
        What is uncovered is taken from an arc longer than itself by this part of it.
    slides : int
        Rounds in which points find their place under an edge that is not level.
    uncovers : bool
        Whether any edge uncovers anything; otherwise all observe themselves.
    tiny : float
        Against division by zero.
    """

    giving_way: float
    arc: float
    slides: int
    uncovers: bool
    tiny: float = 1e-4


@numba.njit(**INNER)
def _clip_jit(x, low, high):  # type: ignore[no-untyped-def]
    return min(max(x, low), high)


@numba.njit(**INNER)
def _parts_jit(parts, upper_moved, lower_moved, parted, fringe, giving_way, tiny):  # type: ignore[no-untyped-def]
    """Write how far down its column each row lies: edge, fringe, settled, between, and so back."""
    rows = parts.shape[0]
    one = np.float32(1)
    height = max(upper_moved[1] - lower_moved[1], tiny)
    parts[0], parts[rows - 1] = 0, 1
    upper_way = _clip_jit(-parted[0], np.float32(0), giving_way)
    lower_way = _clip_jit(-parted[1], np.float32(0), giving_way)
    parts[1] = min(fringe[0] / height, np.float32(0.25))
    parts[rows - 2] = one - min(fringe[1] / height, np.float32(0.25))
    settled = min((fringe[0] + upper_way) / height, np.float32(0.4))
    lower_settled = min((fringe[1] + lower_way) / height, np.float32(0.4))
    between = rows - 5
    for row in range(2, rows - 2):
        parts[row] = settled + (one - lower_settled - settled) * np.float32((row - 2) / between)


@numba.njit(**INNER)
def _angle_jit(height, radius):  # type: ignore[no-untyped-def]
    return np.arcsin(_clip_jit(height / radius, np.float32(-1), np.float32(1)))


@numba.njit(**INNER)
def _turned_jit(up, radius, high, low, upper_parted, lower_parted, arc, tiny):  # type: ignore[no-untyped-def]
    """Return the angle at which a vertex on a circle observes it, and whether it has changed."""
    if high >= radius and low <= -radius:
        # A circle that is whole: the most of them, and arcs take long.
        return up, False
    top, bottom = _angle_jit(high, radius), _angle_jit(low, radius)
    turned, changed = _angle_jit(up, radius), False
    for lower in range(2):
        parted = lower_parted if lower else upper_parted
        end = bottom if lower else top
        sign = np.float32(-1) if lower else np.float32(1)
        if not parted > 0:
            continue
        gained = abs(_angle_jit((low if lower else high) + sign * parted, radius) - end)
        if not gained > 0:
            continue
        reach = min(arc * gained, (top - bottom) / np.float32(2))
        pivot = end - sign * reach
        if (turned - pivot) * sign > 0:
            turned = pivot + (turned - pivot) * (reach / max(reach + gained, tiny))
            changed = True
    return turned, changed


@numba.njit(**INNER)
def _between_jit(beside, up, radius, side, column, at, low, high, slides):  # type: ignore[no-untyped-def]
    """Move a point along its circle until it lies between the edges; return it.

    Edges fall towards their ends, so that a point which slides outwards under one slides on.
    """
    last = at.shape[0] - 2
    i = min(column, last)
    for turn in range(slides + 1):
        x = side * beside
        while i > 0 and x < at[i]:
            i -= 1
        while i < last and x >= at[i + 1]:
            i += 1
        width = at[i + 1] - at[i]
        part = (x - at[i]) / width if width > 0 else np.float32(0)
        part = _clip_jit(part, np.float32(0), np.float32(1))
        floor = low[i] + part * (low[i + 1] - low[i])
        ceiling = high[i] + part * (high[i + 1] - high[i])
        kept = _clip_jit(up, floor, ceiling)
        if kept == up:
            break
        up = kept
        if turn < slides:
            beside = np.sqrt(max(radius * radius - up * up, np.float32(0)))
    return beside, up


@numba.njit(**INNER)
def _observed_jit(  # type: ignore[no-untyped-def]
    x, y, side, column, at, low, high, upper_parted, lower_parted, arc, slides, tiny
):
    """Return what a vertex on one side of the disc's middle observes."""
    beside = max(side * x, np.float32(0))
    radius = max(np.hypot(beside, y), tiny)
    turned, changed = _turned_jit(
        y, radius, high[column], low[column], upper_parted, lower_parted, arc, tiny
    )
    seen_beside, seen_up = beside, y
    if changed:
        seen_beside, seen_up = radius * np.cos(turned), radius * np.sin(turned)
    seen_beside, seen_up = _between_jit(
        seen_beside, seen_up, radius, side, column, at, low, high, slides
    )
    return x + side * (seen_beside - beside), seen_up


@numba.njit(**INNER)
def _edge_rows_jit(source, live, parted, fringe):  # type: ignore[no-untyped-def]
    """Write what edges observe, themselves; and so the fringe of an edge that covers more."""
    _, n_edges, rows, n_columns, _ = source.shape
    for half in range(2):
        for e in range(n_edges):
            for c in range(n_columns):
                for lower in range(2):
                    row, fringe_row = (rows - 1, rows - 2) if lower else (0, 1)
                    into = fringe[lower, e, c] if lower else -fringe[lower, e, c]
                    # One by one, since to compile the copy of an array takes two seconds.
                    for axis in range(2):
                        source[half, e, row, c, axis] = live[lower, e, c, axis]
                    if parted[lower, e, c] < 0:
                        source[half, e, fringe_row, c, 0] = live[lower, e, c, 0]
                        source[half, e, fringe_row, c, 1] = live[lower, e, c, 1] + into


@numba.njit(**INNER)
def _turn_back_jit(sheets, centres, down):  # type: ignore[no-untyped-def]
    """Give points along the axes, from the middle of a disc, their places in the picture."""
    for half in range(2):
        for e in range(sheets.shape[1]):
            for row in range(sheets.shape[2]):
                for c in range(sheets.shape[3]):
                    x = sheets[half, e, row, c, 0] + centres[e, 0]
                    y = sheets[half, e, row, c, 1] + centres[e, 1]
                    sheets[half, e, row, c, 0] = x * down[1] - y * down[0]
                    sheets[half, e, row, c, 1] = -(x * down[0] + y * down[1])


@numba.njit(**OUTER)
def _sheets_jit(  # type: ignore[no-untyped-def]
    target, source, edges, middle, centres, down, giving_way, arc, slides, uncovers, tiny, parts,
    low, high,
):  # fmt: skip
    live, moved, parted, fringe = edges
    _, n_edges, n_columns, _ = live.shape
    rows = parts.shape[0]
    none = np.float32(0)
    for e in range(n_edges):
        at = live[0, e, :, 0]
        for c in range(n_columns):
            high[c] = live[0, e, c, 1] - (fringe[0, e, c] if parted[0, e, c] > 0 else none)
            low[c] = live[1, e, c, 1] + (fringe[1, e, c] if parted[1, e, c] > 0 else none)
            low[c] = min(low[c], high[c])
        for c in range(n_columns):
            top, bottom, ways = moved[0, e, c], moved[1, e, c], parted[:, e, c]
            _parts_jit(parts, top, bottom, ways, fringe[:, e, c], giving_way, tiny)
            for row in range(rows):
                x = top[0] + parts[row] * (bottom[0] - top[0])
                y = top[1] + parts[row] * (bottom[1] - top[1])
                for half in range(2):
                    target[half, e, row, c, 0], target[half, e, row, c, 1] = x, y
                    source[half, e, row, c, 0], source[half, e, row, c, 1] = x, y
                    inside = c <= middle[e] if half == 0 else c >= middle[e]
                    if uncovers and inside and 0 < row < rows - 1:
                        side = np.float32(2 * half - 1)
                        seen = _observed_jit(
                            x, y, side, c, at, low, high, ways[0], ways[1], arc, slides, tiny
                        )
                        source[half, e, row, c, 0], source[half, e, row, c, 1] = seen
    _edge_rows_jit(source, live, parted, fringe)
    _turn_back_jit(target, centres, down)
    _turn_back_jit(source, centres, down)


@awaited_in("kernels.sheets_reference")
def lay(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    edges: Edges,
    middle: NDArray[np.int64],
    centres: NDArray[np.float32],
    down: NDArray[np.float32],
    yielding: Yielding,
) -> None:
    """Lay the sheets between the moved edges.

    Parameters
    ----------
    target : ndarray of shape (2, E, R, C, 2), float32
        Written: where the vertices lie in the picture, of the sheet for the disc's right, of that
        for its left. Of the R rows, at least 6, each edge takes itself, the end of its fringe and
        where that has given way.
    values : ndarray of shape (2, E, R, C, 5), float32
        Of it, the first two are written: what the vertices observe. Where a sheet is not to be
        used, it observes itself.
    edges : Edges
    middle : ndarray of shape (E,), int64
        The column over the middle of the disc. Right of it only the first of the two sheets is
        to be used, left of it the second.
    centres : ndarray of shape (E, 2), float32
        The middles of the discs along the axes: right, and up.
    down : ndarray of shape (2,), float32
        The downward axis in the picture, of length 1.
    yielding : Yielding

    Raises
    ------
    ValueError
        If an array has another shape or type, or there are too few rows or columns.
    """
    shape, rows = edges.live.shape, target.shape[2] if target.ndim == 5 else 0
    if len(shape) != 4 or shape[0] != 2 or shape[3] != 2 or shape[2] < 2 or rows < 6:
        raise ValueError(
            f"edges must be (2, E, C, 2), C and rows at least 2 and 6, got {shape}, {rows}"
        )
    laid = (2, shape[1], rows, shape[2])
    for array, wanted in zip(
        (*edges, target, values, centres, down),
        (shape, shape, shape[:3], shape[:3], (*laid, 2), (*laid, 5), (shape[1], 2), (2,)),
        strict=True,
    ):
        check_floats(array, wanted)
    if middle.shape != shape[1:2] or middle.dtype != np.int64:
        raise ValueError(f"middle must be int64 {shape[1:2]}, got {middle.dtype} {middle.shape}")
    scratch = np.empty((3, max(rows, shape[2])), np.float32)
    _sheets_jit(
        target,
        values,
        tuple(map(plain, edges)),
        plain(middle),
        plain(centres),
        plain(down),
        np.float32(yielding.giving_way),
        np.float32(yielding.arc),
        yielding.slides,
        yielding.uncovers,
        np.float32(yielding.tiny),
        scratch[0, :rows],
        scratch[1],
        scratch[2],
    )
