"""Accumulate the weighted moments of picture pairs, pixel by pixel.

Moments add up over pairs, processes and machines, so a fit needs one pass and little memory.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from kernels import ONE_CALLER

# What is summed, in the order of the first axis.
MOMENTS = ("n", "x", "y", "xx", "xy", "yy")


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _accumulate_jit(moments, x, y, weight):  # type: ignore[no-untyped-def]
    """Add one pair to `moments`; a row writes only itself."""
    height, width, channels = x.shape
    for row in numba.prange(height):
        for column in range(width):
            w = np.float64(weight[row, column])
            for c in range(channels):
                a, b = np.float64(x[row, column, c]), np.float64(y[row, column, c])
                moments[0, row, column, c] += w
                moments[1, row, column, c] += w * a
                moments[2, row, column, c] += w * b
                moments[3, row, column, c] += w * a * a
                moments[4, row, column, c] += w * a * b
                moments[5, row, column, c] += w * b * b


def accumulate(
    moments: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> None:
    """Add one pair of pictures to the moments.

    Parameters
    ----------
    moments : ndarray of shape (6, H, W, C), float64
        Written to: sums of w, w x, w y, w x², w x y, w y². Start with zeros.
    x, y : ndarray of shape (H, W, C), float32
        Input and output picture.
    weight : ndarray of shape (H, W), float32
        How much each pixel of this pair counts; 0 leaves it out.

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    if x.ndim != 3 or x.shape != y.shape or weight.shape != x.shape[:2]:
        raise ValueError(
            f"x and y must be (H, W, C) and weight (H, W), got {x.shape}, {y.shape}, {weight.shape}"
        )
    if moments.shape != (len(MOMENTS), *x.shape) or moments.dtype != np.float64:
        raise ValueError(
            f"moments must be float64 {(len(MOMENTS), *x.shape)}, "
            f"got {moments.dtype} {moments.shape}"
        )
    with ONE_CALLER:
        _accumulate_jit(moments, x, y, weight)
