"""The way to one sink, in a thread of its own, so that none delays another or the filter."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import VirtualCameraError, one_line
from livexpr.letterbox import letterbox, placeholder
from livexpr.types import Frame

_STUCK_LIMIT_S, _SLICES = 10.0, 10
"""A sink that takes nothing for so long loses frames, also where none is to be lost."""

_FILM_BACKLOG = 8
"""Frames that a live film may lie behind before it loses some; at 1280x720 some 20 MB."""

_FAST_BACKLOG = 2
_TIMINGS_KEPT = 36_000
"""Twenty minutes at 30 fps, taken at the start: memory stays flat however long the filter runs."""


class Sink(Protocol):
    """Where frames go to; used by one thread at a time."""

    @property
    def name(self) -> str:
        """For people: ``"VirtualCam" (/dev/video10)``, ``film.mp4``, ``null``."""

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Take a frame: (H, W, 3) uint8 BGR, not to be written to.

        Raises
        ------
        VirtualCameraError
            When it can take no further frame.
        """

    def close(self) -> None:
        """Release the device or finish the file. A second call does nothing."""


@runtime_checkable
class RepeatingSink(Sink, Protocol):
    """A sink that always needs a picture, such as a camera: gets the last one again."""

    repeat_fps: float


@runtime_checkable
class TimedSink(Sink, Protocol):
    """A sink that keeps the time of each frame, such as a film."""

    def send_at(self, pixels: NDArray[np.uint8], time_s: float) -> None:
        """As :meth:`Sink.send`, with the frame's time on the monotonic clock in s."""


class NullSink:
    """A sink that takes everything and keeps nothing."""

    name = "null"

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Timings:
    """The last timings of one sink; written by its thread, read by any."""

    def __init__(self) -> None:
        self._kept_s: NDArray[np.float64] = np.full((2, _TIMINGS_KEPT), np.nan)
        self._count = 0

    def add(self, latency_s: float, send_s: float) -> None:
        """Keep the timings of one frame, in s."""
        self._kept_s[:, self._count % _TIMINGS_KEPT] = latency_s, send_s
        self._count += 1

    @property
    def latency_s(self) -> NDArray[np.float64]:
        """From capture until the sink had the frame: (N,), in s, newest last."""
        return self._in_order(self._kept_s[0])

    @property
    def send_s(self) -> NDArray[np.float64]:
        """What the sink took for each frame: (N,), in s, newest last."""
        return self._in_order(self._kept_s[1])

    def _in_order(self, kept_s: NDArray[np.float64]) -> NDArray[np.float64]:
        oldest = self._count % _TIMINGS_KEPT if self._count > _TIMINGS_KEPT else 0
        in_order: NDArray[np.float64] = np.roll(kept_s, -oldest)[: self._count]
        return in_order


class Lane(threading.Thread):
    """The way to one sink: frames that wait for it, and the thread that sends them."""

    def __init__(
        self,
        sink: Sink,
        size: tuple[int, int],
        live: bool,
        on_error: Callable[[Sink, VirtualCameraError], None] | None,
        timings: Timings | None,
    ) -> None:
        super().__init__(name=f"publish to {sink.name}", daemon=True)
        self.sink = sink
        self.working = True
        self.dropped = 0
        self.repeated = 0
        self._size = size
        self._live = live
        self._on_error = on_error
        self._timings = timings
        self._changed = threading.Condition()
        self._finishing = False
        self._waiting: deque[Frame] = deque()
        self._repeat_s: float | None = None
        self._last: NDArray[np.uint8] | None = None
        # Once: a protocol takes as long to look through as a frame to hand on.
        self._timed_sink = sink if live and isinstance(sink, TimedSink) else None
        if isinstance(sink, RepeatingSink):
            self._repeat_s = 1.0 / sink.repeat_fps
            self._last = placeholder(size)
        self._backlog = (
            _FAST_BACKLOG if not live else 1 if self._repeat_s is not None else _FILM_BACKLOG
        )
        self.start()

    def put(self, frame: Frame) -> None:
        """Have a frame sent; without waiting for it where the source is live."""
        with self._changed:
            if not self.working or self._finishing:
                return
            if len(self._waiting) >= self._backlog:
                # Not for ever: a sink that hangs would keep the program from ending. Bit by bit: a
                # process that was stopped meanwhile has lost no more than one of them.
                room = not self._live and any(
                    self._changed.wait_for(
                        lambda: len(self._waiting) < self._backlog or not self.working,
                        _STUCK_LIMIT_S / _SLICES,
                    )
                    for _ in range(_SLICES)
                )
                if not room:
                    self._waiting.popleft()
                    self.dropped += 1
            self._waiting.append(frame)
            self._changed.notify_all()

    def stand_in(self, pixels: NDArray[np.uint8]) -> None:
        """Have a camera show a picture that is no frame, from its next repetition on."""
        with self._changed:
            if self._last is not None and not self._waiting:
                self._last = pixels

    def finish(self) -> None:
        """Have the sink closed after what is waiting."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    def run(self) -> None:
        try:
            self._send_all()
            self.sink.close()
        except Exception as error:
            # Not swallowed: reported. Whatever is wrong with a sink, the others go on.
            if not isinstance(error, VirtualCameraError):
                error = VirtualCameraError(f"{self.sink.name} failed: {one_line(error)}")
            self._stop()
            self._close_broken()
            if self._on_error is not None:
                self._on_error(self.sink, error)
        finally:
            self._stop()

    def _send_all(self) -> None:
        # A camera that was just fed waits longer, or frames that come a little slower than
        # it asks for would each be followed by a repeated one.
        patience_s = 0.0 if self._repeat_s is not None else None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._finishing, patience_s)
                frame = self._waiting.popleft() if self._waiting else None
                self._changed.notify_all()
                if frame is None and self._finishing:
                    return
            if frame is not None:
                self._send_new(frame)
                patience_s = None if self._repeat_s is None else 2.0 * self._repeat_s
            elif self._last is not None:
                self.sink.send(self._last)
                self.repeated += 1
                patience_s = self._repeat_s

    def _send_new(self, frame: Frame) -> None:
        pixels = letterbox(frame.pixels, self._size)
        start_s = time.perf_counter()
        if self._timed_sink is not None:
            self._timed_sink.send_at(pixels, frame.captured_at_s)
        else:
            self.sink.send(pixels)
        end_s = time.perf_counter()
        if self._repeat_s is not None:
            self._last = pixels
        if self._timings is not None:
            self._timings.add(end_s - frame.captured_at_s, end_s - start_s)

    def _stop(self) -> None:
        with self._changed:
            self.working = False
            self._waiting.clear()
            self._changed.notify_all()

    def _close_broken(self) -> None:
        try:
            self.sink.close()
        except Exception:
            return  # that it failed is reported already
