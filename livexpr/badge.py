"""A small mark in the corner of the published picture: it tells that the face is filtered."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

TEXT = "filtered"

# Of the picture's height; smaller is no longer read on a call.
_LINES_PER_PICTURE = 36
_LEAST_TEXT_PX = 9
_WEIGHT = 550
_GROUND, _LETTERS = (24, 20, 18), (235, 235, 235)
_OPACITY = 0.55
_SMOOTH = 4


@functools.lru_cache(maxsize=8)
def _patch(height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mark for pictures of `height` px: colour times opacity, and what is let through.

    Both (h, w, 3), float32; what is let through is in [0, 1].
    """
    size = max(round(height / _LINES_PER_PICTURE), _LEAST_TEXT_PX) * _SMOOTH
    font, pad = cv2.FontFace("sans"), round(size * 0.5)
    left, _, width, _ = cv2.getTextSize((0, 0), TEXT, (0, 0), font, size, _WEIGHT)
    w, h = width + 2 * pad, size + pad
    w, h = w - w % _SMOOTH, h - h % _SMOOTH
    ground = np.zeros((h, w), np.uint8)
    radius = h // 2
    cv2.rectangle(ground, (radius, 0), (w - 1 - radius, h - 1), 255, -1)
    for x in (radius, w - 1 - radius):
        cv2.circle(ground, (x, radius), radius, 255, -1)
    letters = np.zeros((h, w, 3), np.uint8)
    baseline = round(h / 2 + size * 0.27)
    cv2.putText(letters, TEXT, (pad - left, baseline), (255, 255, 255), font, size, _WEIGHT)
    small = (w // _SMOOTH, h // _SMOOTH)
    alpha = cv2.resize(ground, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    ink = cv2.resize(letters[..., 0], small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    opacity = np.maximum(_OPACITY * alpha, ink * alpha)[..., None]
    colour = (1 - ink[..., None]) * np.array(_GROUND, np.float32) + ink[..., None] * np.array(
        _LETTERS, np.float32
    )
    return np.asarray(colour * opacity, np.float32), np.asarray(1 - opacity, np.float32)


def box(width: int, height: int) -> tuple[int, int, int, int]:
    """Return where the mark is on a picture: left, top, right and bottom in px, ends excluded."""
    marked = _patch(height)[0]
    h, w = min(marked.shape[0], height), min(marked.shape[1], width)
    margin = round(height * 0.02)
    right, bottom = max(width - margin, w), max(height - margin, h)
    return right - w, bottom - h, right, bottom


def marked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy of a picture with the mark in its lower right corner.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    """
    height, width = pixels.shape[:2]
    colour, through = _patch(height)
    left, top, right, bottom = box(width, height)
    copy: NDArray[np.uint8] = pixels.copy()
    h, w = bottom - top, right - left
    under = copy[top:bottom, left:right].astype(np.float32)
    copy[top:bottom, left:right] = np.rint(under * through[:h, :w] + colour[:h, :w])
    return copy
