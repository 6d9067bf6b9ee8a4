"""Has a slow machine leave out what a run can do without, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

from livexpr.detection import DetectionThread
from livexpr.engine_start import EngineStart
from livexpr.filtering import Filtering
from livexpr.quality import Quality
from livexpr.slot import Detected
from livexpr.supply import Supply

_SETTLING_S = 2.0
"""The first frames with the filter tell nothing."""


class KeepingUp:
    """Sets detection and filter to what holds the camera's frame rate.

    Parameters
    ----------
    supply, detection, filtering
        What is counted, and what is set.
    starting : EngineStart
        Nothing is counted before the filter works, nor while its kernels are being compiled.
    say : callable
        Takes a line for the user; told once.

    Attributes
    ----------
    text : str
        What is left out, for people; '' for nothing.
    """

    def __init__(
        self,
        supply: Supply,
        detection: DetectionThread,
        filtering: Filtering,
        starting: EngineStart,
        say: Callable[[str], None],
    ) -> None:
        self.text = ""
        self._supply = supply
        self._detection = detection
        self._filtering = filtering
        self._starting = starting
        self._say = say
        self._said = False
        self._quality = Quality()
        self._from_s: float | None = None

    def look(self, detected: Detected) -> None:
        """Take a frame into account that has just gone out."""
        now_s = time.perf_counter()
        engine = self._starting.engine
        if not self._supply.live or engine is None:
            return
        if engine.compiling:
            self._from_s = None
            return
        if self._from_s is None:
            self._from_s = now_s + _SETTLING_S
        if now_s < self._from_s:
            return
        lost = self._supply.dropped + self._detection.slot.dropped
        if self._quality.look(now_s, self._supply.frames_in, lost, detected.detect_s):
            level = self._quality.level
            self._detection.detect_every = level.detect_every
            self._filtering.coarse = level.coarse
            self.text = f"quality: {level.name}" if level.name else ""
            if not self._said:
                self._said = True
                self._say(f"to hold the camera's frame rate, {self.text}; --quality full never")
