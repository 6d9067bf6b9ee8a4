"""What the window of a live lesson shows over the picture; none of it is taken into the lesson."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

# BGR.
_GROUND: Colour = (24, 20, 18)
_TEXT: Colour = (245, 245, 245)
_FAINT: Colour = (180, 176, 172)
_READY: Colour = (120, 230, 140)
_WAIT: Colour = (110, 180, 255)
_OPACITY = 0.8
_LINES_PER_PICTURE, _TEXT_RANGE_PX = 30, (14, 34)
_BOLD, _REGULAR = 650, 450

KEYS = "space: take   u: undo   t: try it   s: save   q: quit"


@dataclass(frozen=True, slots=True)
class Board:
    """What is told.

    Attributes
    ----------
    guidance : str
        What to do now.
    ready : bool
        Whether the face is fit to be taken.
    count : str
        How far the lesson has come.
    """

    guidance: str
    ready: bool
    count: str


@functools.cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def drawn(pixels: NDArray[np.uint8], board: Board, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture as in a mirror, with what is told below it.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    board : Board
    size : tuple of int
        (width, height) of the result, px.
    """
    mirrored = cv2.flip(pixels, 1)
    picture = np.asarray(cv2.resize(mirrored, size, interpolation=cv2.INTER_AREA), np.uint8)
    low, high = _TEXT_RANGE_PX
    text_px = min(max(round(size[1] / _LINES_PER_PICTURE), low), high)
    bar = picture[-round(3.6 * text_px) :]
    bar[:] = cv2.addWeighted(np.full_like(bar, _GROUND), _OPACITY, bar, 1 - _OPACITY, 0)
    colour = _READY if board.ready else _WAIT
    first, second = (size[1] - round(part * text_px) for part in (2.2, 0.8))
    cv2.circle(picture, (text_px, first - text_px // 3), text_px // 3, colour, -1, cv2.LINE_AA)
    _write(picture, board.guidance, (2 * text_px, first), text_px, _TEXT, _BOLD)
    _write(picture, f"{board.count}   {KEYS}", (2 * text_px, second), text_px - 2, _FAINT, _REGULAR)
    return picture


def _write(
    picture: NDArray[np.uint8],
    text: str,
    at_px: tuple[int, int],
    text_px: int,
    colour: Colour,
    weight: int,
) -> None:
    """Write a line, smaller where it would not fit."""
    room = picture.shape[1] - at_px[0] - text_px // 2
    while text_px > 8:
        if cv2.getTextSize((0, 0), text, (0, 0), _font(), text_px, weight)[2] <= room:
            break
        text_px -= 1
    cv2.putText(picture, text, at_px, colour, _font(), text_px, weight)
