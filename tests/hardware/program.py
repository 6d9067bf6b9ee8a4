"""The program under test, and what is looked for in its pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LIMIT_S = 300
GRID = 8


def mosaic(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean colours of a picture's parts, (8, 8, 3): what a smile hardly changes."""
    height, width = (side // GRID * GRID for side in pixels.shape[:2])
    parts = pixels[:height, :width].reshape(GRID, height // GRID, GRID, width // GRID, 3)
    means: NDArray[np.float64] = parts.mean((1, 3))
    return means


def shows(expected: NDArray[np.float64]) -> Callable[[NDArray[np.uint8]], bool]:
    """A condition: the same scene as `expected` (8, 8, 3), in the same colours, not mirrored."""

    def condition(pixels: NDArray[np.uint8]) -> bool:
        seen = mosaic(pixels)
        likeness = np.abs(seen - expected).mean()
        exchanged = np.abs(seen[..., ::-1] - expected).mean()
        return bool(likeness < 20.0 and likeness < exchanged)

    return condition


def ended(program: subprocess.Popen[bytes]) -> str:
    """What a program said until its end."""
    return program.communicate(timeout=LIMIT_S)[0].decode(errors="replace")
