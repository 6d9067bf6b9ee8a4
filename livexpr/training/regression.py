"""Ridge regression from moments: each output pixel observes one input pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ridge(
    moments: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve ``y = g x + b`` per pixel and channel as the paper does, pulled towards zero.

    Minimises ``Σ w (y - g x - b)² + penalty (g² + b²)``.

    Parameters
    ----------
    moments : ndarray of shape (6, H, W, C), float64
        As :func:`kernels.moments.accumulate` sums them.
    penalty : float
        The paper's λ; positive.

    Returns
    -------
    gain, bias : ndarray of shape (H, W, C), float64

    References
    ----------
    Akram & Khan (2020), Pixel-based Facial Expression Synthesis, arXiv 2010.14397, eq. 7.
    """
    n, x, y, xx, xy, _ = moments
    a, d = xx + penalty, n + penalty
    determinant = a * d - x * x
    return (d * xy - x * y) / determinant, (a * y - x * xy) / determinant


def ridge_towards_no_change(
    moments: NDArray[np.float64], gain_penalty: float, bias_penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve ``y = g x + b`` per pixel and channel, pulled towards g = 1, b = 0.

    Minimises ``Σ w (y - g x - b)² + gain_penalty (g - 1)² + bias_penalty b²``.

    Parameters
    ----------
    moments : ndarray of shape (6, H, W, C), float64
        As :func:`kernels.moments.accumulate` sums them.
    gain_penalty, bias_penalty : float
        In the unit of the weights times squared intensity; positive.

    Returns
    -------
    gain, bias : ndarray of shape (H, W, C), float64

    References
    ----------
    Akram & Khan (2020), Pixel-based Facial Expression Synthesis, arXiv 2010.14397, eq. 7, whose
    ridge pulls towards zero; here it is solved for the change ``y - x``.
    """
    n, x, y, xx, xy, _ = moments
    change_x, change_1 = xy - xx, y - x
    a, d = xx + gain_penalty, n + bias_penalty
    determinant = a * d - x * x
    gain = 1 + (d * change_x - x * change_1) / determinant
    bias = (a * change_1 - x * change_x) / determinant
    return gain, bias
