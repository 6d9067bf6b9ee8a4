"""Turn triangles into planes: what is observed and painted where, as affine functions of x and y.

The planes are all that :mod:`kernels.apply` needs of the triangles that it draws.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.options import INLINE, INNER

# A triangle that moves by less than this and changes no colour is left as it is; px.
STILL_PX = 1 / 64
# A triangle smaller than this is drawn without slopes, which would be noise; twice its area, px².
SLIVER_AREA = 1e-4

# How a triangle is drawn: moved only, moved and repainted by the map, covered by the picture.
MOVED, MAPPED, PICTURE = 0, 1, 2


class Planes(NamedTuple):
    """Room for triangles to be drawn, in their order.

    Attributes
    ----------
    kinds : ndarray of shape (N,), int32
        MOVED, MAPPED or PICTURE.
    rows : ndarray of shape (N, 2), int32
        First and past-last row, inside the picture and the row below it.
    edges : ndarray of shape (N, 7), float32
        x and y of the top corner; slope (x per y) of the edge from the top to the bottom corner,
        and from the top to the middle one; x and y of the middle corner; slope of the edge from
        there to the bottom corner. Corners are sorted by y, then x.
    fields : ndarray of shape (N, 5, 3), float32
        Of displacement x and y, px; column and row in the table; and amount: the value at the
        top corner, the slope along x, the slope along y.
    """

    kinds: NDArray[np.int32]
    rows: NDArray[np.int32]
    edges: NDArray[np.float32]
    fields: NDArray[np.float32]


@numba.njit(**INLINE)
def _clamp_jit(x, low, high):  # type: ignore[no-untyped-def]
    """Return `x`, at least `low` and at most `high`; `low` if it is not a number."""
    x = x if x > low else low
    return x if x < high else high


@numba.njit(**INLINE)
def _kind_jit(target, values, corners, is_picture, still_px):  # type: ignore[no-untyped-def]
    """Return how a triangle is drawn; -1 if it is turned away, empty, still or not finite."""
    a, b, c = corners[0], corners[1], corners[2]
    area = (target[b, 0] - target[a, 0]) * (target[c, 1] - target[a, 1])
    area -= (target[c, 0] - target[a, 0]) * (target[b, 1] - target[a, 1])
    still, plain, total = True, True, area
    for k in range(3):
        v = corners[k]
        dx, dy = abs(values[v, 0] - target[v, 0]), abs(values[v, 1] - target[v, 1])
        still = still and dx < still_px and dy < still_px
        plain = plain and values[v, 4] == 0
        total += dx + dy + abs(values[v, 2]) + abs(values[v, 3]) + abs(values[v, 4])
    # A sum that holds infinity or not-a-number is not below infinity.
    if not (area > 0 and total < np.inf):
        return -1
    if is_picture:
        return PICTURE
    if plain:
        return -1 if still else MOVED
    return MAPPED


@numba.njit(**INLINE)
def _upper_jit(target, a, b):  # type: ignore[no-untyped-def]
    """Return the upper corner and the lower one; without a branch, which nobody could predict."""
    above, level = target[b, 1] < target[a, 1], target[b, 1] == target[a, 1]
    turned = above | (level & (target[b, 0] < target[a, 0]))
    return (b if turned else a), (a if turned else b)


@numba.njit(**INLINE)
def _sorted_jit(target, corners):  # type: ignore[no-untyped-def]
    """Return a triangle's corners by y, then x: so two cut a shared edge by the same numbers."""
    a, b = _upper_jit(target, corners[0], corners[1])
    a, c = _upper_jit(target, a, corners[2])
    b, c = _upper_jit(target, b, c)
    return a, b, c


@numba.njit(**INLINE)
def _edges_jit(edges, target, top_down):  # type: ignore[no-untyped-def]
    """Write a triangle's edges."""
    a, b, c = top_down
    edges[0], edges[1] = target[a, 0], target[a, 1]
    edges[2] = (target[c, 0] - target[a, 0]) / (target[c, 1] - target[a, 1])
    edges[3] = (target[b, 0] - target[a, 0]) / (target[b, 1] - target[a, 1])
    edges[4], edges[5] = target[b, 0], target[b, 1]
    edges[6] = (target[c, 0] - target[b, 0]) / (target[c, 1] - target[b, 1])


@numba.njit(**INLINE)
def _fields_jit(fields, target, values, top_down, table_size):  # type: ignore[no-untyped-def]
    """Write a triangle's fields, from its corners from top to bottom."""
    a, b, c = top_down
    ab_x, ab_y = target[b, 0] - target[a, 0], target[b, 1] - target[a, 1]
    ac_x, ac_y = target[c, 0] - target[a, 0], target[c, 1] - target[a, 1]
    area = ab_x * ac_y - ac_x * ab_y
    inverse = np.float32(1) / area if abs(area) > np.float32(SLIVER_AREA) else np.float32(0)
    for k in range(5):
        at_a, at_b, at_c = values[a, k], values[b, k], values[c, k]
        if k < 2:
            # A displacement, so that its slopes are exact where there is none, on slivers too.
            at_a, at_b, at_c = at_a - target[a, k], at_b - target[b, k], at_c - target[c, k]
        scale = np.float32(table_size - 1) if 2 <= k < 4 else np.float32(1)
        fields[k, 0] = at_a * scale
        fields[k, 1] = ((at_b - at_a) * ac_y - (at_c - at_a) * ab_y) * inverse * scale
        fields[k, 2] = ((at_c - at_a) * ab_x - (at_b - at_a) * ac_x) * inverse * scale


@numba.njit(**INNER)
def _planes_jit(  # type: ignore[no-untyped-def]
    kinds, rows, edges, fields, box, target, values, triangles, n_map, sizes, height, width,
    still_px, begin, end,
):  # fmt: skip
    """Write the planes of those of the triangles begin to end that are to be drawn, and their box.

    From plane `begin` on. Return how many these are; less than none, and nothing is written, if a
    triangle names a vertex that does not exist. Several threads may do the same at the same time,
    since each element is written once, with what it is in the end.
    """
    for t in range(begin, end):
        for k in range(3):
            if not 0 <= triangles[t, k] < target.shape[0]:
                return -1
    drawn = begin
    low, high, past = np.float32(0), np.float32(height + 1), np.float32(width)
    left, top, right, bottom = width, height, 0, 0
    for t in range(begin, end):
        is_picture = t >= n_map
        kind = _kind_jit(target, values, triangles[t], is_picture, still_px)
        if kind < 0:
            continue
        top_down = _sorted_jit(target, triangles[t])
        first = int(np.ceil(_clamp_jit(target[top_down[0], 1], low, high)))
        last = int(np.ceil(_clamp_jit(target[top_down[2], 1], low, high)))
        if first == last:
            continue
        kinds[drawn], rows[drawn, 0], rows[drawn, 1] = kind, first, last
        _edges_jit(edges[drawn], target, top_down)
        size = sizes[1] if is_picture else sizes[0]
        _fields_jit(fields[drawn], target, values, top_down, size)
        top, bottom = min(top, first), max(bottom, min(last, height))
        for corner in top_down:
            x = _clamp_jit(target[corner, 0], low, past)
            left, right = min(left, int(x)), max(right, int(np.ceil(x)))
        drawn += 1
    box[0], box[1], box[2], box[3] = left, top, right, bottom
    return drawn - begin


def room(n: int) -> Planes:
    """Return room for the planes of `n` triangles."""
    return Planes(
        np.empty(n, np.int32),
        np.empty((n, 2), np.int32),
        np.empty((n, 7), np.float32),
        np.empty((n, 5, 3), np.float32),
    )
