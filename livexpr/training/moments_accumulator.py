"""Moments of picture pairs as a value: parts made anywhere are merged to those of the whole."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels.moments import MOMENTS, accumulate
from livexpr.errors import FormatError

Shape = tuple[int, int, int]
WeightedPair = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Input picture x and output picture y, (H, W, C), and how much each pixel counts, (H, W)."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Weighted sums over pairs of pictures, per pixel and channel.

    Attributes
    ----------
    sums : ndarray of shape (6, H, W, C), float64
        Sums of w, w x, w y, w x², w x y, w y², as :data:`kernels.moments.MOMENTS` names them.

    Raises
    ------
    FormatError
        If the array has another shape or type.

    Examples
    --------
    >>> x, y = np.full((1, 1, 1), 2, np.float32), np.full((1, 1, 1), 3, np.float32)
    >>> once = Moments.of([(x, y, np.ones((1, 1), np.float32))], (1, 1, 1))
    >>> once.merge(once).sums.ravel().tolist()
    [2.0, 4.0, 6.0, 8.0, 12.0, 18.0]
    """

    sums: NDArray[np.float64]

    def __post_init__(self) -> None:
        sums = self.sums
        if sums.ndim != 4 or len(sums) != len(MOMENTS) or sums.dtype != np.float64:
            raise FormatError(
                f"expected moments of the shape ({len(MOMENTS)}, H, W, C) in float64, "
                f"got {sums.shape} in {sums.dtype}"
            )

    @classmethod
    def of(cls, pairs: Iterable[WeightedPair], shape: Shape) -> Moments:
        """Return the moments of pairs, summed one after the other.

        Parameters
        ----------
        pairs : iterable of WeightedPair
        shape : tuple of int
            (H, W, C), also of no pair at all, whose moments are 0.

        Raises
        ------
        ValueError
            If a picture or weight has another shape or type.
        """
        sums = np.zeros((len(MOMENTS), *shape))
        for x, y, weight in pairs:
            accumulate(sums, x, y, weight)
        return cls(sums)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of the pairs of both, which stay as they are.

        The last bit depends on how pairs are grouped and ordered, as with every sum of floats.

        Raises
        ------
        FormatError
            If the pictures were of another shape.
        """
        if self.sums.shape != other.sums.shape:
            raise FormatError(
                "moments of pictures of different shapes cannot be merged: "
                f"{self.sums.shape[1:]} and {other.sums.shape[1:]} (H, W, C)"
            )
        return Moments(self.sums + other.sums)


def merged(parts: Iterable[Moments], shape: Shape) -> Moments:
    """Return the moments of all parts, merged in their order; 0 of pictures of `shape` if none."""
    return functools.reduce(Moments.merge, parts, Moments.of((), shape))
