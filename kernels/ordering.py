"""Order triangles by depth, so that near ones are drawn over far ones."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, check_indices, plain
from kernels.options import INNER, OUTER

_NO_GROUPS = np.empty((0, 0, 3), np.int32)
STEPS = 2**16 - 1
"""Depths are told apart in so many steps: enough for triangles, and few digits sort quickly."""


@numba.njit(**INNER)
def _keys_jit(keys, depths, points, corners, n_alone, per_group):  # type: ignore[no-untyped-def]
    """Write how near each triangle, and each group of those after the first ones, lies."""
    near, far = np.float32(np.inf), np.float32(-np.inf)
    for i in range(keys.shape[0]):
        start = i if i < n_alone else n_alone + (i - n_alone) * per_group
        stop = start + (1 if i < n_alone else per_group)
        depth = np.float32(0)
        for t in range(start, stop):
            a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
            depth += points[a, 2] + points[b, 2] + points[c, 2]
        depths[i] = depth / np.float32(stop - start)
        near, far = min(near, depths[i]), max(far, depths[i])
    step = max(far - near, np.float32(1e-6)) / np.float32(STEPS)
    for i in range(keys.shape[0]):
        # What is not finite comes in any order.
        keys[i] = np.int32(min(max((far - depths[i]) / step, np.float32(0)), np.float32(STEPS)))


@numba.njit(**INNER)
def _sort_jit(order, spare, keys, counts):  # type: ignore[no-untyped-def]
    """Write the numbers of the keys in rising order, equal ones as they come: by two digits."""
    for i in range(keys.shape[0]):
        spare[i] = i
    for digit in range(2):
        for k in range(counts.shape[0]):
            counts[k] = 0
        for i in range(keys.shape[0]):
            counts[((keys[i] >> (8 * digit)) & 255) + 1] += 1
        for k in range(1, counts.shape[0]):
            counts[k] += counts[k - 1]
        for i in range(keys.shape[0]):
            one = spare[i] if digit == 0 else order[i]
            k = (keys[one] >> (8 * digit)) & 255
            if digit == 0:
                order[counts[k]] = one
            else:
                spare[counts[k]] = one
            counts[k] += 1


@numba.njit(**OUTER)
def _order_jit(  # type: ignore[no-untyped-def]
    out, points, corners, triangles, n_first, groups, first_vertex, n_alone, per_group, depths,
    keys, order, spare, counts,
):  # fmt: skip
    _keys_jit(keys, depths, points, corners, n_alone, per_group)
    _sort_jit(order, spare, keys, counts)
    at = 0
    for t in range(n_first):
        for corner in range(3):
            out[at, corner] = triangles[corners.shape[0] + t, corner]
        at += 1
    for i in range(keys.shape[0]):
        t = spare[i]
        size = 1 if t < n_alone else groups.shape[1]
        for k in range(size):
            for corner in range(3):
                if t < n_alone:
                    out[at, corner] = triangles[t, corner]
                else:
                    out[at, corner] = groups[t - n_alone, k, corner] + first_vertex
            at += 1
    for t in range(corners.shape[0] + n_first, triangles.shape[0]):
        for corner in range(3):
            out[at, corner] = triangles[t, corner]
        at += 1


@awaited_in("kernels.ordering_reference")
def far_first(
    points: NDArray[np.float32],
    corners: NDArray[np.int32],
    triangles: NDArray[np.int32],
    n_first: int,
    per_group: int,
    groups: NDArray[np.int32] | None = None,
    first_vertex: int = 0,
) -> NDArray[np.int32]:
    """Return triangles in drawing order: some first, others far ones first, the rest last.

    Parameters
    ----------
    points : ndarray of shape (L, 3), float32
        Their last number is the depth, away from the viewer.
    corners : ndarray of shape (S, 3), int32
        The points that tell how deep each of the triangles lies that are sorted.
    triangles : ndarray of shape (T, 3), int32
        Those that are sorted, those that come first, those that come last.
    n_first : int
        How many come first.
    per_group : int
        So many of the last sorted ones, for each group, lie where the group does.
    groups : ndarray of shape (G, M, 3), int32, optional
        Triangles that take their place, each group as a whole.
    first_vertex : int, optional
        Added to the vertices of `groups`.

    Returns
    -------
    ndarray of shape (U, 3), int32

    Raises
    ------
    ValueError
        If an array has another shape or type, or names a point that does not exist.
    """
    groups = _NO_GROUPS if groups is None else groups
    n_sorted, n_groups = len(corners), len(groups)
    n_alone = n_sorted - n_groups * per_group
    if not 0 <= n_first <= len(triangles) - n_sorted or n_alone < 0:
        raise ValueError(f"{n_first} and {n_sorted} triangles are not among {len(triangles)}")
    check_floats(points, (len(points), 3))
    check_indices(corners, (n_sorted, 3), len(points))
    numbers = np.empty((3, n_alone + n_groups), np.int32)
    drawn = len(triangles) - n_groups * per_group + groups.shape[0] * groups.shape[1]
    out = np.empty((drawn, 3), np.int32)
    _order_jit(
        out, plain(points), plain(corners), plain(triangles), n_first, plain(groups), first_vertex,
        n_alone, per_group, np.empty(numbers.shape[1], np.float32), *numbers,
        np.empty(257, np.int32),
    )  # fmt: skip
    return out
