"""What the preview shows on top of the picture; none of it is ever published."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.controls import Controls
from livexpr.keys import KEYS, KeyTable
from livexpr.types import FaceTrack

Colour = tuple[int, int, int]

# BGR. Text stands on a dark ground of its own, so that it reads on any picture.
_GROUND: Colour = (24, 20, 18)
_TEXT: Colour = (245, 245, 245)
_FAINT: Colour = (180, 176, 172)
_ACCENT: Colour = (110, 200, 255)
_LANDMARK: Colour = (160, 255, 120)
_LINE: Colour = (255, 255, 255)
_OPACITY = 0.8
_HELP_OPACITY = 0.88

_LINES_PER_PICTURE = 40
_TEXT_RANGE_PX = (13, 30)
_REGULAR, _BOLD = 450, 650
_FRACTION_BITS = 4


@dataclass(frozen=True, slots=True)
class Readings:
    """What the head-up display tells.

    Attributes
    ----------
    preset : str
        Its name.
    fps, latency_ms : float or None
        Frames published per second; from capture until published, in ms. None while unknown.
    message : str
        What has just happened; '' for nothing.
    keys : KeyTable
        The hotkeys, for the help.
    """

    preset: str
    fps: float | None = None
    latency_ms: float | None = None
    message: str = ""
    keys: KeyTable = KEYS


def draw_preview(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    tracks: Sequence[FaceTrack],
    controls: Controls,
    readings: Readings,
    size: tuple[int, int],
) -> NDArray[np.uint8]:
    """Draw what the preview window shows.

    Parameters
    ----------
    before, after : ndarray of shape (H, W, 3), uint8
        BGR, without and with the filter. Neither is written to. With ``controls.mirrored``
        both are mirrored already.
    tracks : sequence of FaceTrack
        The faces, in coordinates of the picture before it was mirrored.
    controls : Controls
    readings : Readings
    size : tuple of int
        (width, height) of the result in px.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        BGR, a new array.
    """
    picture = _scaled(after, size)
    if controls.split:
        middle = size[0] // 2
        picture[:, :middle] = _scaled(before, size)[:, :middle]
    for track in tracks if controls.landmarks else ():
        height, width = after.shape[:2]
        points = track.landmarks_px[:, :2].copy()
        if controls.mirrored:
            points[:, 0] = width - 1 - points[:, 0]
        points *= np.array([size[0] / width, size[1] / height], np.float32)
        _draw_landmarks(picture, points)
    if controls.split:
        _draw_split(picture)
    if controls.help_shown:
        _draw_help(picture, readings.keys)
    _draw_readings(picture, controls, readings)
    return picture


def text_size_px(height: int) -> int:
    """Return the size of the text on a picture of `height` px.

    >>> text_size_px(480), text_size_px(720), text_size_px(2160)
    (13, 18, 30)
    """
    low, high = _TEXT_RANGE_PX
    size: int = min(max(round(height / _LINES_PER_PICTURE), low), high)
    return size


def _scaled(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if (pixels.shape[1], pixels.shape[0]) == size:
        scaled: NDArray[np.uint8] = pixels.copy()
        return scaled
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


@functools.cache
def _font() -> cv2.FontFace:
    """Return a TrueType font that OpenCV brings along, so that it looks alike everywhere."""
    return cv2.FontFace("sans")


def _write(
    picture: NDArray[np.uint8],
    text: str,
    corner: tuple[int, int],
    size: int,
    colour: Colour,
    weight: int = _REGULAR,
) -> None:
    cv2.putText(picture, text, corner, colour, _font(), size, weight)


@functools.lru_cache(maxsize=512)
def _width(text: str, size: int, weight: int = _REGULAR) -> int:
    if not text:
        return 0
    # Measured up to a mark, since blanks at the end would not count.
    whole = cv2.getTextSize((0, 0), f"{text}|", (0, 0), _font(), size, weight)
    mark = cv2.getTextSize((0, 0), "|", (0, 0), _font(), size, weight)
    return int(whole[0] + whole[2] - mark[0] - mark[2])


def _shortened(text: str, size: int, room: int, weight: int = _REGULAR) -> str:
    if _width(text, size, weight) <= room:
        return text
    while text and _width(f"{text}…", size, weight) > room:
        text = text[:-1]
    return f"{text}…"


def _draw_ground(
    picture: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, opacity: float
) -> None:
    """Darken a box with round corners."""
    height, width = picture.shape[:2]
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if right - left < 2 or bottom - top < 2:
        return
    box = picture[top:bottom, left:right]
    radius = min(text_size_px(height) // 2, (right - left) // 2 - 1, (bottom - top) // 2 - 1)
    ground = box.copy()
    w, h = right - left - 1, bottom - top - 1
    cv2.rectangle(ground, (radius, 0), (w - radius, h), _GROUND, -1)
    cv2.rectangle(ground, (0, radius), (w, h - radius), _GROUND, -1)
    for centre in ((radius, radius), (w - radius, radius), (radius, h - radius)):
        cv2.circle(ground, centre, radius, _GROUND, -1, cv2.LINE_AA)
    cv2.circle(ground, (w - radius, h - radius), radius, _GROUND, -1, cv2.LINE_AA)
    cv2.addWeighted(ground, opacity, box, 1.0 - opacity, 0.0, dst=box)


def _draw_label(
    picture: NDArray[np.uint8], pieces: list[tuple[str, Colour, int]], left: int, bottom: int
) -> None:
    """Write pieces (text, colour, weight) side by side on a ground of their own."""
    size = text_size_px(picture.shape[0])
    pad, gap = round(size * 0.6), round(size * 0.9)
    widths = [_width(text, size, weight) for text, _, weight in pieces]
    right = left + sum(widths) + gap * (len(pieces) - 1) + 2 * pad
    _draw_ground(picture, left, bottom - size - 2 * round(pad * 0.6), right, bottom, _OPACITY)
    x, y = left + pad, bottom - round(pad * 0.6) - round(size * 0.18)
    for (text, colour, weight), width in zip(pieces, widths, strict=True):
        _write(picture, text, (x, y), size, colour, weight)
        x += width + gap


def _label_width(pieces: list[tuple[str, Colour, int]], size: int) -> int:
    pad, gap = round(size * 0.6), round(size * 0.9)
    return sum(_width(t, size, w) for t, _, w in pieces) + gap * (len(pieces) - 1) + 2 * pad


def _draw_readings(picture: NDArray[np.uint8], controls: Controls, readings: Readings) -> None:
    height, width = picture.shape[:2]
    size = text_size_px(height)
    margin = round(size * 0.8)
    amount = f"{controls.intensity:.1f}" if controls.on else "off"
    help_key = readings.keys.key_for("help")
    pieces = [
        (amount, _TEXT if controls.on else _ACCENT, _BOLD),
        *([("frozen", _ACCENT, _BOLD)] if controls.frozen else []),
        *([("mirrored", _FAINT, _REGULAR)] if controls.mirrored else []),
        *([(f"{readings.fps:.0f} fps", _FAINT, _REGULAR)] if readings.fps else []),
        *(
            [(f"{readings.latency_ms:.0f} ms", _FAINT, _REGULAR)]
            if readings.latency_ms is not None
            else []
        ),
        *([(f"{help_key}: help", _FAINT, _REGULAR)] if help_key else []),
    ]
    room = width - 2 * margin - _label_width(pieces, size) - round(size * 0.9)
    name = _shortened(readings.preset, size, max(room, 4 * size), _BOLD)
    bottom = height - margin
    _draw_label(picture, [(name, _TEXT, _BOLD), *pieces], margin, bottom)
    if readings.message:
        text = _shortened(readings.message, size, width - 4 * margin)
        _draw_label(picture, [(text, _TEXT, _REGULAR)], margin, bottom - round(size * 2.1))


def _draw_help(picture: NDArray[np.uint8], keys: KeyTable) -> None:
    """List all keys in the middle of the picture."""
    rows = keys.rows
    height, width = picture.shape[:2]
    size = text_size_px(height)
    # Small pictures get a list that fits, if it is to be read at all.
    step = max(min(round(size * 1.75), (height - 8 * size) // (len(rows) + 2)), 1)
    size = min(size, max(round(step * 0.7), 8))
    keys_width = max(_width(key.shown, size, _BOLD) for key in rows)
    meanings_width = max(_width(key.meaning, size) for key in rows)
    pad = round(size * 1.4)
    box_width = keys_width + 2 * size + meanings_width + 2 * pad
    box_height = step * len(rows) + 2 * pad - (step - size)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    _draw_ground(picture, left, top, left + box_width, top + box_height, _HELP_OPACITY)
    for row, key in enumerate(rows):
        y = top + pad + row * step + round(size * 0.8)
        _write(picture, key.shown, (left + pad, y), size, _ACCENT, _BOLD)
        _write(picture, key.meaning, (left + pad + keys_width + 2 * size, y), size, _TEXT)


def _draw_split(picture: NDArray[np.uint8]) -> None:
    height, width = picture.shape[:2]
    middle, size = width // 2, text_size_px(height)
    margin = round(size * 0.8)
    cv2.line(picture, (middle, 0), (middle, height - 1), _GROUND, 3)
    cv2.line(picture, (middle, 0), (middle, height - 1), _LINE, 1)
    before, after = [("before", _TEXT, _REGULAR)], [("after", _TEXT, _REGULAR)]
    bottom = margin + size + 2 * round(size * 0.36)
    _draw_label(picture, before, middle - margin - _label_width(before, size), bottom)
    _draw_label(picture, after, middle + margin, bottom)


def _draw_landmarks(picture: NDArray[np.uint8], points_px: NDArray[np.float32]) -> None:
    """Mark points (N, 2), x and y in px, to a fraction of a pixel."""
    scale = 1 << _FRACTION_BITS
    radius = max(round(picture.shape[0] / 720 * 1.2 * scale), scale)
    for x, y in np.rint(points_px * scale).astype(np.int64).tolist():
        cv2.circle(picture, (x, y), radius, _LANDMARK, -1, cv2.LINE_AA, _FRACTION_BITS)
