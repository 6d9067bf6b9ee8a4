"""Frames for the filter, whatever happens to the camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from livexpr.capture_thread import CaptureThread, Source
from livexpr.errors import CameraError
from livexpr.types import Frame

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 5.0


class FirstFrames:
    """The first frames of a source, as a source of their own.

    Parameters
    ----------
    source : Source
    count : int
        How many frames to take.
    """

    def __init__(self, source: Source, count: int) -> None:
        self.name = source.name
        self.size = source.size
        self.fps = source.fps
        self.live = source.live
        self.notes = source.notes
        self._source = source
        self._left = count

    def read(self) -> Frame | None:
        """Return the next frame, None after the last of them."""
        if self._left <= 0:
            return None
        self._left -= 1
        return self._source.read()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class Supply:
    """The frames of a source; a live one that breaks is opened again until it works.

    For one thread, but for :meth:`close` and the attributes.

    Parameters
    ----------
    source : Source
        Is closed by :meth:`close`.
    reopen : callable
        Opens a broken source again, or raises a CameraError.
    say : callable
        Takes a line for the user.

    Attributes
    ----------
    lost : bool
        Whether the source is away at the moment.
    error : CameraError or None
        Why the source ended, if it broke and cannot come back.
    """

    def __init__(
        self, source: Source, reopen: Callable[[Source], Source], say: Callable[[str], None]
    ) -> None:
        self.lost = False
        self.error: CameraError | None = None
        self._source = source
        self._reopen = reopen
        self._say = say
        self._capture = CaptureThread(source)
        self._frames_in = 0
        self._dropped = 0
        self._first_index = 0
        self._next_index = 0
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._closing = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether no further frame will come."""
        return self._closing.is_set() or (
            self._capture.ended and not self.lost and not self._broken()
        )

    @property
    def frames_in(self) -> int:
        """Frames read so far."""
        return self._frames_in + self._capture.frames_in

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced."""
        return self._dropped + self._capture.dropped

    def get(self, timeout_s: float) -> Frame | None:
        """Return the newest frame; None when there was none in `timeout_s`.

        Opening a source again may take longer.
        """
        if self.lost:
            self._try_again(timeout_s)
            if self.lost:
                return None
        frame = self._capture.get(timeout_s)
        if frame is None:
            if self._capture.ended and self._broken():
                self._lose()
            return None
        self._retry_s = FIRST_RETRY_S
        # A camera that came back counts from 0 again.
        self._next_index = self._first_index + frame.index + 1
        return replace(frame, index=self._first_index + frame.index) if self._first_index else frame

    def close(self) -> None:
        """Release the source."""
        self._closing.set()
        self._capture.close()

    def _broken(self) -> bool:
        if self._capture.error is None:
            return False
        if not self._source.live:
            self.error = self._capture.error
            return False
        return True

    def _lose(self) -> None:
        self._say(f"{self._capture.error}; the last picture stays until it is back")
        self._capture.close()
        self.lost = True
        self._retry_at_s = time.perf_counter() + self._retry_s

    def _try_again(self, timeout_s: float) -> None:
        wait_s = self._retry_at_s - time.perf_counter()
        if wait_s > 0:
            self._closing.wait(min(wait_s, timeout_s))
        if time.perf_counter() < self._retry_at_s or self._closing.is_set():
            return
        try:
            source = self._reopen(self._source)
        except CameraError:
            self._retry_s = min(2.0 * self._retry_s, LAST_RETRY_S)
            self._retry_at_s = time.perf_counter() + self._retry_s
            return
        self._frames_in += self._capture.frames_in
        self._dropped += self._capture.dropped
        self._first_index = self._next_index
        self._source = source
        self._capture = CaptureThread(source)
        self.lost = False
        if self._closing.is_set():  # while it was being opened
            self._capture.close()
            return
        self._say(f"{source.name} is back")
