"""Cuts in a film: after one, nobody is where they were."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 18, 32
_LEAST_CORRELATION = 0.6
"""Frames that follow each other stay above 0.8, even with a hand waved before the camera."""

_LEAST_CONTRAST = 2.0
"""Standard deviation, grey levels: in what is darker or plainer, nothing can be compared."""


def sampled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a grid of the green of a picture, (H, W, 3) uint8 BGR, less its mean; float32."""
    grid = pixels.ravel().take(_grid(*pixels.shape[:2])).astype(np.float32)
    grid -= grid.mean()
    return grid


@lru_cache(maxsize=2)
def _grid(height: int, width: int) -> NDArray[np.intp]:
    """Return where in a flat picture the green of the grid is, (18 * 32,)."""
    rows = np.linspace(0, height - 1, _ROWS).astype(np.intp)
    columns = np.linspace(0, width - 1, _COLUMNS).astype(np.intp)
    return np.asarray(3 * (rows[:, None] * width + columns).ravel() + 1, np.intp)


def is_cut(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two pictures, as :func:`sampled`, have so little in common that a cut is between.

    Light that is switched on or off is none: what was brighter than the rest stays so.
    """
    squares = float(before @ before), float(now @ now)
    if min(squares) < _LEAST_CONTRAST**2 * before.size:
        return False
    return float(before @ now) < _LEAST_CORRELATION * math.sqrt(squares[0] * squares[1])
