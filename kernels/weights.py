"""Weights of the four pixels in a row, or column, between the middle two of which one looks."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Positions are rounded to so many parts of a pixel.
PHASES = 64
# What whole-numbered weights add up to. DOWN is about as much as lets sums of bytes fit 16 bits,
# where the cubic overshoots, too. Both together make SAMPLED of a grey level: products with ACROSS
# lose 15 bits.
SAMPLED, DOWN = 64, 112
ACROSS = round(SAMPLED * 2**15 / DOWN)


class Weights(NamedTuple):
    """Weights for each phase, 0 to PHASES.

    Attributes
    ----------
    across : ndarray of shape (PHASES + 1, 4), int16
        For the four columns, adding up to ACROSS.
    down : ndarray of shape (PHASES + 1, 4), int8
        For the four rows, adding up to DOWN.
    """

    across: NDArray[np.int16]
    down: NDArray[np.int8]


@lru_cache(maxsize=2)
def weights(sharp: bool) -> Weights:
    """Return the weights of a cubic or of a linear sample.

    Parameters
    ----------
    sharp : bool
        Catmull-Rom's cubic, which keeps fine detail that a linear sample between pixels blurs and
        passes through the pixels themselves; else linear.

    Returns
    -------
    Weights
        Not to be written to.

    Notes
    -----
    Catmull & Rom, *A class of local interpolating splines* (1974); as a filter, Keys, *Cubic
    convolution interpolation for digital image processing*, IEEE TASSP 29 (1981), a = -1/2.
    """
    t = np.arange(PHASES + 1) / PHASES
    if sharp:
        exact = [
            -t * (1 - t) ** 2 / 2,
            1 + t * t * (3 * t - 5) / 2,
            t * (1 + t * (4 - 3 * t)) / 2,
            -t * t * (1 - t) / 2,
        ]
    else:
        exact = [0 * t, 1 - t, t, 0 * t]
    shares = np.stack(exact, axis=1)
    return Weights(_whole(shares, ACROSS).astype(np.int16), _whole(shares, DOWN).astype(np.int8))


def _whole(shares: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    """Round each row of `shares` times `total` to whole numbers that add up to `total`."""
    rounded = np.floor(shares * total)
    lost = shares * total - rounded
    # Those that lost most get one back each.
    rank = np.argsort(np.argsort(-lost, axis=1, kind="stable"), axis=1)
    whole: NDArray[np.float64] = rounded + (rank < np.rint(lost.sum(axis=1, keepdims=True)))
    return whole
