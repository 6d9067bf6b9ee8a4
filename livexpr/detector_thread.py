"""A detector of faces and the thread that makes it, uses it and closes it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from livexpr import memory
from livexpr.types import Faces, Frame

_USUAL_STEP = 0.1


class Detector(Protocol):
    """Finds faces on one frame after another; made, used and closed by one thread."""

    def prepare(self, frame: Frame) -> None:
        """Do in advance what :meth:`detect_all` need not do on that frame. For another thread."""

    def detect_all(self, frame: Frame) -> Faces:
        """Find the faces. If it goes on raising, whatever it is, it is thrown away."""

    def close(self) -> None:
        """Release the model."""


class DetectorThread(threading.Thread):
    """One detector and its thread; frames are handed to it one at a time.

    Attributes
    ----------
    error : Exception or None
        Why it could not be made.
    took_s, usual_s : float
        What the last frame took; averaged.
    made : bool
        Whether the detector was made.
    """

    def __init__(self, make: Callable[[], Detector]) -> None:
        super().__init__(name="landmarks", daemon=True)
        self.error: Exception | None = None
        self.took_s = 0.0
        self.usual_s = 0.0
        self.made = False
        self._make = make
        self._changed = threading.Condition()
        self._detector: Detector | None = None
        self._coming: deque[Frame] = deque()
        self._given: list[Frame] = []
        self._done: list[tuple[Frame, Faces | Exception]] = []
        self._leaving = False
        self._busy_since_s: float | None = time.perf_counter()
        self.start()

    @property
    def busy_s(self) -> float:
        """For how long it has been at work on what it does now."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.perf_counter() - since_s

    def begin_anew(self) -> None:
        """Count from now on for how long it has been at work."""
        with self._changed:
            if self._busy_since_s is not None:
                self._busy_since_s = time.perf_counter()

    @property
    def idle(self) -> bool:
        """Whether it waits for a frame."""
        return self._busy_since_s is None

    def has(self, frame: Frame) -> bool:
        """Whether it was given this frame, whose result nobody has asked for yet."""
        return any(frame is given for given in self._given)

    def prepare(self, frame: Frame) -> None:
        """Have the detector do in advance what it can; for the thread that hands frames in."""
        detector = self._detector
        if detector is not None:
            detector.prepare(frame)

    def take(self, frame: Frame, end_s: float, *, queue: bool = False) -> bool:
        """Give it a frame; False when it is at work on another one until `end_s`.

        With `queue` one frame may wait behind the one at work; else what is left over from earlier
        ones is forgotten.
        """
        with self._changed:
            if not self._wait_for(
                lambda: not self._coming if queue else self._busy_since_s is None, end_s
            ):
                return False
            if not queue:
                self._given.clear()
                self._done.clear()
            self._given.append(frame)
            self._coming.append(frame)
            if self._busy_since_s is None:
                self._busy_since_s = time.perf_counter()
            self._changed.notify_all()
            return True

    def result(self, frame: Frame, end_s: float) -> Faces | Exception | None:
        """Wait for what was found on `frame`, or raised; None when it has not come by `end_s`."""
        with self._changed:
            self._wait_for(lambda: self._found(frame) is not None, end_s)
            found = self._found(frame)
            if found is not None:
                self._given = [given for given in self._given if given is not frame]
                self._done = [done for done in self._done if done[0] is not frame]
            return found

    def leave(self, timeout_s: float) -> bool:
        """Have it close its detector and end; False when that takes longer."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self.join(timeout_s)
        return not self.is_alive()

    def run(self) -> None:
        try:
            detector = self._make()
            try:
                self._work(detector)
            finally:
                self._detector = None
                detector.close()
                del detector
                # One that hung goes when the next one lies above it already.
                memory.give_back()
        except Exception as error:
            # Not swallowed: whoever waits for the result says or raises it.
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _found(self, frame: Frame) -> Faces | Exception | None:
        return next((found for done, found in self._done if done is frame), None)

    def _wait_for(self, condition: Callable[[], bool], end_s: float) -> bool:
        self._changed.wait_for(
            lambda: condition() or self.error is not None, max(0.0, end_s - time.perf_counter())
        )
        return condition()

    def _work(self, detector: Detector) -> None:
        self._detector = detector
        with self._changed:
            self.made, self._busy_since_s = True, None
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._coming or self._leaving)
                if self._leaving:
                    return
                frame = self._coming.popleft()
            started_s = time.perf_counter()
            found: Faces | Exception
            try:
                found = detector.detect_all(frame)
            except Exception as error:
                found = error
            self.took_s = time.perf_counter() - started_s
            self.usual_s += (_USUAL_STEP if self.usual_s else 1.0) * (self.took_s - self.usual_s)
            with self._changed:
                self._done.append((frame, found))
                self._busy_since_s = time.perf_counter() if self._coming else None
                self._changed.notify_all()
