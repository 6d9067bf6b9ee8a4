"""Tells a camera that gives the same picture for ever from one that looks at a still scene."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from livexpr.types import Frame

FIRST_LIMIT_S, LAST_LIMIT_S = 2.0, 60.0
"""Equal pictures are given this long; longer each time that opening the camera anew was no help."""

_FEWEST_FRAMES = 10
_MOVES_FOR_S = 1.0
"""Opening a camera was of help if its pictures differ when it has been open for so long: even one
that never moves may begin with others."""
_ROW_STEP = 16


class FreezeWatch:
    """Looks at each picture of a camera; for one thread.

    A lens never gives two pictures that are equal to the last bit: its sensor is noisy. Some
    webcams and drivers stop in just that way, after a suspended laptop or a bad plug, and go on
    delivering their last picture.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._since_s = 0.0
        self._equal = 0
        self._limit_s = FIRST_LIMIT_S
        self._told = self._opened_anew = False
        self._helped_from_s = -math.inf

    def thawed(self, frame: Frame) -> bool:
        """Return whether a picture differs from the one before it, which makes it the last."""
        if self._opened_anew:
            self._opened_anew = False
            self._helped_from_s = frame.captured_at_s + _MOVES_FOR_S
        if self._last is not None and _equal(self._last, frame.pixels):
            self._equal += 1
            return False
        moving = self._last is not None
        self._last, self._since_s, self._equal = frame.pixels, frame.captured_at_s, 0
        if moving and frame.captured_at_s >= self._helped_from_s:
            self._limit_s = FIRST_LIMIT_S
        return True

    def frozen(self, frame: Frame) -> bool:
        """Return whether the picture, given to :meth:`thawed` before, has stayed for too long."""
        stayed_s = frame.captured_at_s - self._since_s
        self._told = self._equal >= _FEWEST_FRAMES and stayed_s >= self._limit_s
        return self._told

    def opened_anew(self, now_s: float) -> None:
        """Begin anew: the camera was opened, at `now_s` on the clock of the frames.

        If that was because it had frozen, be more patient from now on.
        """
        if self._told:
            self._limit_s = min(2.0 * self._limit_s, LAST_LIMIT_S)
        self._since_s, self._equal = now_s, 0
        self._told, self._opened_anew = False, True


def _equal(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    # A few rows tell nearly always.
    return np.array_equal(a[::_ROW_STEP], b[::_ROW_STEP]) and np.array_equal(a, b)
