"""Hands frames to sinks, each by a lane of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import VirtualCameraError
from livexpr.lane import Lane, NullSink, RepeatingSink, Sink, TimedSink, Timings
from livexpr.types import Frame

__all__ = ["NullSink", "Publisher", "RepeatingSink", "Sink", "TimedSink"]

_SENDING_S = 0.001
"""A live publisher leaves the interpreter to the lanes for so long: its caller would keep it, and a
lane that is woken would wait for a switch."""

_CLOSE_LIMIT_S = 10.0
"""Time for a film to be finished; a driver that hangs must not hold up the program's end."""


class Publisher:
    """Publishes frames to all its sinks from now on.

    A camera shows a placeholder until the first frame, and the last frame again while nothing
    new comes. All other sinks get each frame once.

    Parameters
    ----------
    size : tuple of int
        (width, height) in px that sinks see for life; other frames are letterboxed.
    fps : float
        Rate of the frames.
    live : bool
        Whether frames come by themselves. Then :meth:`publish` never waits for a sink: cameras get
        the newest frame only, and films lose frames when they lie too far behind. Otherwise it
        waits for the slowest sink, and every sink gets every frame.
    on_error : callable, optional
        Called once with each sink that failed and why, from that sink's thread. The sink is
        closed and dropped, the others go on.

    Attributes
    ----------
    published : int
        Frames handed to :meth:`publish`.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        fps: float,
        live: bool,
        on_error: Callable[[Sink, VirtualCameraError], None] | None = None,
    ) -> None:
        self.size = size
        self.fps = fps
        self.published = 0
        self._live = live
        self._on_error = on_error
        self._lanes: list[Lane] = []
        self._timings = Timings()

    def add(self, sink: Sink) -> None:
        """Publish to one more sink; a camera shows the placeholder at once.

        Parameters
        ----------
        sink : Sink
            Is closed by :meth:`close`, or when it fails.
        """
        timings = self._timings if not self._lanes else None
        self._lanes.append(Lane(sink, self.size, self._live, self._on_error, timings))

    def publish(self, frame: Frame) -> None:
        """Hand a frame to all sinks.

        Parameters
        ----------
        frame : Frame
            Its pixels must not be changed any more.
        """
        self.published += 1
        if not self._lanes:
            self._timings.add(time.perf_counter() - frame.captured_at_s, 0.0)
        for lane in self._lanes:
            lane.put(frame)
        if self._live and self._lanes:
            time.sleep(_SENDING_S)

    def stand_in(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture in place of frames, on cameras only, until the next frame.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3), uint8
            BGR, of the publisher's size; must not be changed any more.
        """
        for lane in self._lanes:
            lane.stand_in(pixels)

    def close(self) -> None:
        """Send what is waiting, then close all sinks; films can be played afterwards."""
        for lane in self._lanes:
            lane.finish()
        deadline_s = time.perf_counter() + _CLOSE_LIMIT_S
        for lane in self._lanes:
            lane.join(max(0.0, deadline_s - time.perf_counter()))

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """The sinks that still take frames."""
        return tuple(lane.sink for lane in self._lanes if lane.working)

    @property
    def dropped(self) -> int:
        """Frames that some sink never got, counted per sink."""
        return sum(lane.dropped for lane in self._lanes)

    @property
    def repeated(self) -> int:
        """Times that a camera got its last frame, or the placeholder, again."""
        return sum(lane.repeated for lane in self._lanes)

    @property
    def latency_s(self) -> NDArray[np.float64]:
        """Time from capture until the first sink had the frame: (N,), in s, newest last."""
        return self._timings.latency_s

    @property
    def send_s(self) -> NDArray[np.float64]:
        """Time that the first sink took for each frame: (N,), in s, newest last."""
        return self._timings.send_s
