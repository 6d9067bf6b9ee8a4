"""Pictures of any size in a frame of a fixed one, and the picture shown before the first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_BACKGROUND_BGR = (32, 28, 26)
_TEXT_BGR = (200, 196, 190)


def letterbox(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Fit a picture into a fixed size, whole and undistorted, with black bars.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        Not written to.
    size : tuple of int
        (width, height) wanted, in px.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        C-contiguous; `pixels` itself when it has that size already.

    Examples
    --------
    >>> letterbox(np.full((10, 10, 3), 255, np.uint8), (30, 10))[5, ::5, 0]
    array([  0,   0, 255, 255,   0,   0], dtype=uint8)
    """
    width, height = size
    source_height, source_width = pixels.shape[:2]
    if (source_width, source_height) == size:
        return np.ascontiguousarray(pixels)
    scale = min(width / source_width, height / source_height)
    inner_width = max(1, min(width, round(source_width * scale)))
    inner_height = max(1, min(height, round(source_height * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    boxed = np.zeros((height, width, 3), np.uint8)
    boxed[top : top + inner_height, left : left + inner_width] = cv2.resize(
        pixels, (inner_width, inner_height), interpolation=method
    )
    return boxed


def placeholder(size: tuple[int, int], notice: str = "starting") -> NDArray[np.uint8]:
    """Draw what a camera shows while there are no frames: dark, with the program's name.

    Parameters
    ----------
    size : tuple of int
        (width, height) in px.
    notice : str
        Why; a few words.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        BGR.
    """
    width, height = size
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = _BACKGROUND_BGR
    big, small = height / 240.0, height / 480.0
    for text, scale, line in (("livexpr", big, 0.48), (notice, small, 0.62)):
        thickness = max(1, round(scale * 1.5))
        (text_width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        corner = ((width - text_width) // 2, round(height * line))
        cv2.putText(
            pixels, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, _TEXT_BGR, thickness, cv2.LINE_AA
        )
    return pixels
