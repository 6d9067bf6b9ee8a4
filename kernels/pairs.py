"""Keep pairs of points apart along one direction; others may follow them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.awaited import OTHERS_AWAITED
from kernels.checks import check_floats
from kernels.unfolding import _keep_apart_jit, _settle_jit

_NO_TRIANGLES, _NO_NUMBERS = np.empty((0, 3), np.int32), np.empty(0, np.int32)
_NO_AREAS, _NO_WAYS = np.empty(4, np.float32), np.empty((0, 2), np.float32)


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
    if OTHERS_AWAITED:
        # A loop over few pairs is quick enough in Python too.
        plain = getattr(_keep_apart_jit, "py_func", _keep_apart_jit)
        plain(points, *pairs[:5], least, down, max(first, 0), steps)
        return
    _settle_jit(
        points, _NO_TRIANGLES, _NO_AREAS, *pairs[:5], least, down, 0, 0, 0, max(first, 0), 0,
        _NO_AREAS, _NO_WAYS, _NO_NUMBERS, steps,
    )  # fmt: skip
