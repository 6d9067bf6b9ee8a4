"""The picture that the landmark model looks at, kept from frame to frame.

MediaPipe copies what a picture is made from. Colours turned right into the memory of one that is
there already cost one pass over it instead of two, and no memory for each frame.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class ModelPicture:
    """A picture in the model's colours. For one thread, and for one look at a time.

    Parameters
    ----------
    make : callable
        Returns a ``mediapipe.Image``, which is a copy, of a picture, (H, W, 3) uint8 RGB.

    Attributes
    ----------
    image : mediapipe.Image
        Of the last picture.
    """

    def __init__(self, make: Callable[[NDArray[np.uint8]], Any]) -> None:
        self._make = make
        self.image: Any = None
        self._rgb: NDArray[np.uint8] | None = None

    def showing(self, pixels: NDArray[np.uint8]) -> Any:
        """Return the image of a picture, (H, W, 3) uint8 BGR, until the next call."""
        # The one place where BGR becomes RGB.
        if self._rgb is not None and self._rgb.shape == pixels.shape:
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=self._rgb)
        else:
            rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
            self.image = self._make(np.asarray(rgb, np.uint8))
            self._rgb = _memory(self.image)
        return self.image


class ModelPictures:
    """The picture that the model looks at, and the next one, made ready in the meantime.

    Parameters
    ----------
    make : callable
        As :class:`ModelPicture` has it.
    """

    def __init__(self, make: Callable[[NDArray[np.uint8]], Any]) -> None:
        # One is looked at, one waits, and one is free for what takes the place of that.
        self._pictures = [ModelPicture(make) for _ in range(3)]
        self._looked_at = 0
        self._waiting: tuple[NDArray[np.uint8], int] | None = None
        self._filling = threading.Lock()

    def prepare(self, pixels: NDArray[np.uint8]) -> None:
        """Make a picture ready that is to be shown next and that nobody changes. For any thread."""
        with self._filling:
            free = self._free()
            self._pictures[free].showing(pixels)
            self._waiting = pixels, free

    def showing(self, pixels: NDArray[np.uint8]) -> Any:
        """As :meth:`ModelPicture.showing`; for the one thread that looks."""
        with self._filling:
            waiting, self._waiting = self._waiting, None
            if waiting is not None and waiting[0] is pixels:
                self._looked_at = waiting[1]
                return self._pictures[self._looked_at].image
            self._waiting = waiting
            return self._pictures[self._looked_at].showing(pixels)

    def _free(self) -> int:
        taken = {self._looked_at, -1 if self._waiting is None else self._waiting[1]}
        return next(i for i in range(len(self._pictures)) if i not in taken)


def _memory(image: Any) -> NDArray[np.uint8] | None:
    """Return an image's own memory, to be written to.

    None where its rows are padded, as they are unless their bytes are a multiple of 16: MediaPipe
    gives away a copy then.
    """
    view = image.numpy_view()
    row_bytes = view.shape[1] * view.shape[2]
    if view.size == 0 or image._lib.MpImageGetWidthStep(image._image_ptr) != row_bytes:
        return None
    memory = (ctypes.c_uint8 * view.size).from_address(view.ctypes.data)
    rgb: NDArray[np.uint8] = np.frombuffer(memory, np.uint8).reshape(view.shape)
    return rgb
