"""Keep pairs of points apart along one direction; others may follow them."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.checks import check_floats


class Pairs(NamedTuple):
    """P pairs of points, seen to one after another, and F points that follow them.

    Attributes
    ----------
    above, below : ndarray of shape (P,), int32
        The points of each pair.
    followers, leaders : ndarray of shape (F,), int32
        A point, and the pair that it follows.
    following : ndarray of shape (F,), float32
        What part of the lower point's way it goes; negative with the upper one.
    n_points : int
        So many points there must be.
    """

    above: NDArray[np.int32]
    below: NDArray[np.int32]
    followers: NDArray[np.int32]
    leaders: NDArray[np.int32]
    following: NDArray[np.float32]
    n_points: int


def make_pairs(
    above: ArrayLike,
    below: ArrayLike,
    followers: ArrayLike = (),
    leaders: ArrayLike = (),
    following: ArrayLike = (),
) -> Pairs:
    """Check and make pairs; see :class:`Pairs`.

    Raises
    ------
    ValueError
        If lengths differ, or an index is negative or names no pair.
    """
    ints = [np.array(each, np.int32).ravel() for each in (above, below, followers, leaders)]
    parts = np.array(following, np.float32).ravel()
    if len(ints[0]) != len(ints[1]) or not len(ints[2]) == len(ints[3]) == len(parts):
        raise ValueError(f"lengths differ: {[len(each) for each in (*ints, parts)]}")
    if any(each.min(initial=0) < 0 for each in ints) or ints[3].max(initial=-1) >= len(ints[0]):
        raise ValueError("an index is negative, or names no pair")
    n_points = 1 + max(int(each.max(initial=-1)) for each in ints[:3])
    return Pairs(ints[0], ints[1], ints[2], ints[3], parts, n_points)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep_apart_jit(points, pairs, least, down, first, steps):  # type: ignore[no-untyped-def]
    above, below, followers, leaders, following = pairs
    for p in range(first, above.shape[0]):
        a, b = above[p], below[p]
        gap = (points[b, 0] - points[a, 0]) * down[0] + (points[b, 1] - points[a, 1]) * down[1]
        steps[p] = max(least[p] - gap, np.float32(0)) / np.float32(2)
        if steps[p] > 0:
            for axis in range(2):
                points[a, axis] -= steps[p] * down[axis]
                points[b, axis] += steps[p] * down[axis]
    for f in range(followers.shape[0]):
        p = leaders[f]
        if p >= first and steps[p] > 0:
            for axis in range(2):
                points[followers[f], axis] += following[f] * steps[p] * down[axis]


def keep_apart(
    points: NDArray[np.float32],
    pairs: Pairs,
    least: NDArray[np.float32],
    down: NDArray[np.float32],
    first: int = 0,
) -> None:
    """Move pairs of points apart, half each, until their gaps are at least `least`. In place.

    Parameters
    ----------
    points : ndarray of shape (V, 2), float32
        Written to.
    pairs : Pairs
        Who occurs in several is moved for the earlier ones first.
    least : ndarray of shape (P,), float32
        How far each lower point is to lie below its upper one, along `down`.
    down : ndarray of shape (2,), float32
        A direction, of length 1.
    first : int
        Pairs before this one are left as they are, and so are those who follow them.

    Raises
    ------
    ValueError
        If an array has another shape or type, or there are too few points.
    """
    n = len(pairs.above)
    for array, shape in ((points, (len(points), 2)), (least, (n,)), (down, (2,))):
        check_floats(array, shape)
    if pairs.n_points > len(points):
        raise ValueError(f"expected at least {pairs.n_points} points, got {len(points)}")
    steps = np.empty(n, np.float32)
    _keep_apart_jit(points, tuple(pairs[:5]), least, down, max(first, 0), steps)
