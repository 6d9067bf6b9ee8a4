"""What the preview window shows, and when."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from livexpr import hud
from livexpr.controls import Controls
from livexpr.edges import Window
from livexpr.keys import KEYS, KeyTable
from livexpr.types import FaceTrack, Frame

_INTERVAL_S = 1.0 / 61.0
"""No display shows more, however fast a file goes through."""

_MESSAGE_S = 2.5
_RATE_FRAMES = 30
_LATENCY_STEP = 0.1
_MOST_MORE_MS = 200.0


class Preview:
    """Draws the last frame, with what is to be told about it, in a window.

    Parameters
    ----------
    window : Window
    keys : KeyTable
        For the help.
    """

    def __init__(self, window: Window, keys: KeyTable = KEYS) -> None:
        self.window = window
        self._keys = keys
        self._kept: tuple[Frame, Frame, Sequence[FaceTrack]] | None = None
        self._mirrored = False
        self._latency_ms: float | None = None
        self._published_s: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._shown_s = 0.0
        self._text = ""
        self._text_until_s = 0.0

    def tell(self, message: str) -> None:
        """Show a message for a while."""
        if message:
            self._text, self._text_until_s = message, time.perf_counter() + _MESSAGE_S

    def take(
        self, before: Frame, after: Frame, tracks: Sequence[FaceTrack], *, mirrored: bool
    ) -> bool:
        """Take a frame that was just published.

        Parameters
        ----------
        before, after : Frame
            Without and with the filter; only `after` is mirrored already.
        tracks : sequence of FaceTrack
        mirrored : bool

        Returns
        -------
        bool
            Whether it is time to draw it.
        """
        now_s = time.perf_counter()
        self._published_s.append(now_s)
        latency_ms = (now_s - after.captured_at_s) * 1000
        smoothed = latency_ms if self._latency_ms is None else self._latency_ms
        # One frame that a suspended machine held back is not to be seen for seconds.
        latency_ms = min(latency_ms, smoothed + _MOST_MORE_MS)
        self._latency_ms = smoothed + _LATENCY_STEP * (latency_ms - smoothed)
        if now_s - self._shown_s < _INTERVAL_S:
            return False
        self._kept, self._mirrored = (before, after, tracks), mirrored
        self._shown_s = now_s
        return True

    def draw(self, preset: str, controls: Controls, notice: str = "", state: str = "") -> None:
        """Draw the last frame taken; `notice` goes before any message, that before `state`."""
        if self._kept is None:
            return
        before, after, tracks = self._kept
        if self._mirrored and controls.split:
            flipped = np.asarray(cv2.flip(before.pixels, 1), np.uint8)
            before = replace(before, pixels=flipped)
        message = notice or self._message() or state
        readings = hud.Readings(preset, self._fps(), self._latency_ms, message, self._keys)
        height, width = after.pixels.shape[:2]
        size = self.window.picture_size((width, height))
        # The picture on show may be older than the last key.
        controls = replace(controls, mirrored=self._mirrored)
        self.window.show(
            hud.draw_preview(before.pixels, after.pixels, tracks, controls, readings, size)
        )

    def _fps(self) -> float | None:
        times = self._published_s
        if len(times) < 2 or times[-1] <= times[0]:
            return None
        return (len(times) - 1) / (times[-1] - times[0])

    def _message(self) -> str:
        return self._text if time.perf_counter() < self._text_until_s else ""
