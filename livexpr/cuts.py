"""Cuts in a film: after one, nobody is where they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 18, 32
_LEAST_CORRELATION = 0.6
"""Frames that follow each other stay above 0.8, even with a hand waved before the camera."""

_LEAST_CONTRAST = 2.0
"""Standard deviation, grey levels: in what is darker or plainer, nothing can be compared."""


def sampled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a grid of the green of a picture, (H, W, 3) uint8 BGR, less its mean; float32."""
    rows = np.linspace(0, pixels.shape[0] - 1, _ROWS).astype(np.intp)
    columns = np.linspace(0, pixels.shape[1] - 1, _COLUMNS).astype(np.intp)
    grid = pixels[rows[:, None], columns, 1].astype(np.float32).ravel()
    return np.asarray(grid - grid.mean(), np.float32)


def is_cut(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two pictures, as :func:`sampled`, have so little in common that a cut is between.

    Light that is switched on or off is none: what was brighter than the rest stays so.
    """
    lengths = float(np.linalg.norm(before)), float(np.linalg.norm(now))
    if min(lengths) < _LEAST_CONTRAST * np.sqrt(before.size):
        return False
    return float(before @ now) < _LEAST_CORRELATION * lengths[0] * lengths[1]
