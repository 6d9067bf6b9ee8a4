"""A copy of a picture, made before it is asked for, while its thread has nothing else to do."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray


class SpareCopy:
    """Room for one picture and its copy. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = False
        self._made: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None

    def prepare(self, pixels: NDArray[np.uint8]) -> None:
        """Copy a picture, which nobody changes any more, if one was asked for since the last."""
        with self._lock:
            wanted, self._wanted, self._made = self._wanted, False, None
        if wanted:
            made = (pixels, pixels.copy())
            with self._lock:
                self._made = made

    def take(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a copy of a picture, for whoever asks alone: the one prepared, or a new one."""
        with self._lock:
            made, self._made = self._made, None
            self._wanted = True
        return made[1] if made is not None and made[0] is pixels else pixels.copy()


SPARE = SpareCopy()
"""Of the frame that is being filtered."""
