"""Frames for the filter, whatever happens to the camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from livexpr.capture_thread import CaptureThread, Source
from livexpr.errors import CameraError
from livexpr.freezing import FreezeWatch
from livexpr.types import Frame

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 2.0


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
    """The frames of a source; a live one that breaks or freezes is opened again until it works.

    For one thread, but for :meth:`switch`, :meth:`close` and the attributes.

    Parameters
    ----------
    source : Source
        Is closed by :meth:`close`.
    reopen : callable
        Opens a broken source again, or raises a CameraError.
    say : callable
        Takes a line for the user.
    may_freeze : callable, optional
        Whether equal pictures of a source mean that it has stopped; never by default.
    wanted : callable, optional
        Whether anybody wants frames now. While not, the source is closed. Whoever gives it gives
        a source that is not open yet.

    Attributes
    ----------
    lost : bool
        Whether the source is away at the moment, though it is wanted.
    idle : bool
        Whether it is closed because nobody wants its frames.
    absent_since_s : float or None
        Since when it is either, on the clock of ``time.perf_counter``.
    error : CameraError or None
        Why the source ended, if it broke and cannot come back.
    on_demand : bool
        Whether the source is closed while nobody wants frames.
    expecting : bool
        Whether another source is being opened, so that the end of this one is not the end.
    """

    def __init__(
        self,
        source: Source,
        reopen: Callable[[Source], Source],
        say: Callable[[str], None],
        *,
        may_freeze: Callable[[Source], bool] = lambda source: False,
        wanted: Callable[[], bool] | None = None,
    ) -> None:
        self.lost = False
        self.idle = wanted is not None
        self.absent_since_s: float | None = time.perf_counter() if self.idle else None
        self.error: CameraError | None = None
        self.on_demand = wanted is not None
        self.expecting = False
        self._source = source
        self._reopen = reopen
        self._say = say
        self._may_freeze = may_freeze
        self._wanted = wanted or (lambda: True)
        self._freeze_watch: FreezeWatch | None = None
        self._silent = False
        self._capture: CaptureThread | None = None if self.idle else CaptureThread(source)
        self._frames_in = 0
        self._dropped = 0
        self._first_index = 0
        self._next_index = 0
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._coming: Source | None = None
        self._exchange = threading.Lock()
        self._closing = threading.Event()

    @property
    def name(self) -> str:
        """What its source is called, or the one that is about to take its place."""
        return (self._coming or self._source).name

    @property
    def live(self) -> bool:
        """Whether the source goes on by itself."""
        return self._source.live

    @property
    def notice(self) -> str:
        """Why no frames come, for people; empty while they do."""
        if self.idle:
            return "nobody watches"
        return "the camera is away" if self.lost else ""

    @property
    def ended(self) -> bool:
        """Whether no further frame will come."""
        if self._closing.is_set():
            return True
        if self.expecting or self._coming is not None:
            return False
        return self._capture is not None and self._capture.ended and not self._broken()

    @property
    def frames_in(self) -> int:
        """Frames read so far."""
        capture = self._capture
        return self._frames_in + (0 if capture is None else capture.frames_in)

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced."""
        capture = self._capture
        return self._dropped + (0 if capture is None else capture.dropped)

    def get(self, timeout_s: float) -> Frame | None:
        """Return the newest frame; None when there was none in `timeout_s`.

        Opening a source again may take longer.
        """
        self._take_over()
        if not self._wanted():
            self._rest(timeout_s)
            return None
        if self._capture is None:
            self._try_again(timeout_s)
            if self._capture is None:
                return None
        frame = self._capture.get(timeout_s)
        if frame is None:
            if self._capture.ended and self._broken():
                self._lose(str(self._capture.error))
            elif self._capture.ended and self.expecting:
                self._closing.wait(timeout_s)
            return None
        if not self._fresh(frame):
            return None
        self._retry_s = FIRST_RETRY_S
        # A camera that came back counts from 0 again.
        self._next_index = self._first_index + frame.index + 1
        return replace(frame, index=self._first_index + frame.index) if self._first_index else frame

    def switch(self, source: Source) -> None:
        """Go on with another source, from any thread; the one before is closed.

        Parameters
        ----------
        source : Source
            Live and open; closed by this supply from now on.
        """
        with self._exchange:
            replaced, self._coming = self._coming, source
            if self._closing.is_set():
                replaced, self._coming = source, None
        if replaced is not None:
            replaced.close()

    def close(self) -> bool:
        """Release the source; False when its thread still hangs in a driver."""
        with self._exchange:
            self._closing.set()
            coming, self._coming = self._coming, None
        if coming is not None:
            coming.close()
        capture = self._capture
        return capture is None or capture.close()

    def _take_over(self) -> None:
        """Let go of the source for one that was handed in."""
        with self._exchange:
            if self._coming is None:
                return
            # In this order, so that `name` is never that of the one before.
            source = self._source = self._coming
            self._coming = None
        self._let_go()
        self._first_index = self._next_index
        self._freeze_watch = None
        self.lost, self._retry_s, self._retry_at_s = False, FIRST_RETRY_S, 0.0
        if self.idle:
            source.close()  # until it is wanted
            return
        self.absent_since_s = None
        self._capture = CaptureThread(source)
        if self._closing.is_set():
            self._capture.close()

    def _broken(self) -> bool:
        if self._capture is None or self._capture.error is None:
            return False
        if not self._source.live:
            self.error = self._capture.error
            return False
        return True

    def _fresh(self, frame: Frame) -> bool:
        """Tell whether a frame is to go out; a camera that has frozen is lost."""
        if not self._may_freeze(self._source):
            self._back()
            return True
        if self._freeze_watch is None:
            self._freeze_watch = FreezeWatch()
        if self._freeze_watch.thawed(frame):
            self._back()
        elif self._freeze_watch.frozen(frame):
            self._lose(f"{self._source.name} shows the same picture for ever")
            return False
        # After it was lost, its old picture is no sign of life.
        return not self.lost

    def _lose(self, why: str) -> None:
        if not self.lost:
            self._say(f"{why}; the last picture stays until it is back")
            self.absent_since_s = time.perf_counter()
        self.lost = True
        self._let_go()
        self._retry_at_s = time.perf_counter() + self._retry_s

    def _back(self) -> None:
        if self.lost:
            self._say(f"{self._source.name} is back")
        self.lost, self.absent_since_s = False, None

    def _let_go(self) -> None:
        """Close the source, and keep what it has counted."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
            self._frames_in += capture.frames_in
            self._dropped += capture.dropped

    def _rest(self, timeout_s: float) -> None:
        """Have the source closed while nobody wants it."""
        if not self.idle:
            self._let_go()
            self.idle, self.lost, self.absent_since_s = True, False, time.perf_counter()
            self._retry_at_s, self._retry_s = 0.0, FIRST_RETRY_S
        self._closing.wait(timeout_s)

    def _try_again(self, timeout_s: float) -> None:
        self.idle = False
        wait_s = self._retry_at_s - time.perf_counter()
        if wait_s > 0:
            self._closing.wait(min(wait_s, timeout_s))
        if time.perf_counter() < self._retry_at_s or self._closing.is_set():
            return
        self._retry_s, retry_s = min(2.0 * self._retry_s, LAST_RETRY_S), self._retry_s
        try:
            source = self._reopen(self._source)
        except CameraError as error:
            if not self.lost:
                self._lose(str(error))
            self._retry_at_s = time.perf_counter() + retry_s
            return
        self._first_index = self._next_index
        self._source = source
        if self._freeze_watch is not None:
            self._freeze_watch.opened_anew(time.perf_counter())
        self._capture = CaptureThread(source)
        if self._closing.is_set():  # while it was being opened
            self._capture.close()
