"""The filter's start in the background, and the thread that finds the face on each frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from livexpr.plausible import why_not_a_face
from livexpr.stopping import Stop
from livexpr.supply import Supply
from livexpr.types import FaceTrack, Frame, NoFace
from livexpr.watchdog import Detector, WatchedDetector

if TYPE_CHECKING:
    from livexpr.pipeline import Effect, FilterState, Result
    from livexpr.presets import Preset

_POLL_S = 0.1
"""How long a stop may go unnoticed."""

_NOT_YET = NoFace("the filter is still starting")


class Engine(Protocol):
    """The filter, loaded and compiled."""

    def detector(self) -> Detector:
        """Return what finds faces; again, whenever one has failed. For any thread."""

    def process(
        self, frame: Frame, track: FaceTrack | NoFace, effect: Effect, state: FilterState
    ) -> Result:
        """As :func:`livexpr.pipeline.process`; for one thread."""

    def initial_state(self) -> FilterState:
        """As :func:`livexpr.pipeline.initial_state`."""

    def load_effect(self, preset: Preset) -> Effect:
        """As :func:`livexpr.pipeline.load_effect`."""

    def close(self) -> None:
        """Release a detector that nobody has asked for."""


class EngineStart:
    """Loads the engine in a thread of its own, from now on.

    Parameters
    ----------
    load : callable
        Returns the engine; may raise LivexprError, ImportError or OSError.

    Attributes
    ----------
    engine : Engine or None
        Once it is ready.
    error : Exception or None
        Why it will never be.
    """

    def __init__(self, load: Callable[[], Engine]) -> None:
        self.engine: Engine | None = None
        self.error: Exception | None = None
        self._load = load
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine start", daemon=True)
        self._thread.start()

    @property
    def finished(self) -> bool:
        """Whether it is ready, or has failed."""
        return self._finished.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is ready or has failed; False when it takes longer."""
        return self._finished.wait(timeout_s)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False when it takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.engine = self._load()
        except Exception as error:
            # Not swallowed: whoever started it raises or reports it.
            self.error = error
        finally:
            self._finished.set()


@dataclass(frozen=True, slots=True)
class Detected:
    """A frame with what was found on it.

    Attributes
    ----------
    frame : Frame
    track : FaceTrack or NoFace
    time_s : float
        The frame's time for the filter, in s: of a source that is not live, its place in the
        film, so that the same film always gives the same result.
    detect_s : float
        What detecting took; 0 where nothing was detected yet.
    """

    frame: Frame
    track: FaceTrack | NoFace
    time_s: float
    detect_s: float

    def timed(self) -> Frame:
        """Return the frame at the filter's time."""
        return replace(self.frame, captured_at_s=self.time_s)


class Slot:
    """Room for one detected frame between two threads.

    Parameters
    ----------
    live : bool
        Whether a newer frame replaces one that waits; else it waits in turn.

    Attributes
    ----------
    dropped : int
        Frames that were replaced.
    """

    def __init__(self, *, live: bool) -> None:
        self.dropped = 0
        self._live = live
        self._waiting: Detected | None = None
        self._finished = False
        self._changed = threading.Condition()

    def put(self, detected: Detected, stop: Stop) -> None:
        """Hand a frame on; gives up when everything is to stop."""
        with self._changed:
            while not self._live and self._waiting is not None and not stop.requested:
                self._changed.wait(_POLL_S)
            if self._waiting is not None:
                self.dropped += 1
            self._waiting = detected
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Detected | None:
        """Fetch a frame; None when none came in time, and at once after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._finished, timeout_s)
            detected, self._waiting = self._waiting, None
            self._changed.notify_all()
            return detected

    def finish(self) -> None:
        """Tell that no further frame comes."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether the last frame was fetched."""
        with self._changed:
            return self._finished and self._waiting is None


class DetectionThread:
    """Takes each frame from the supply, finds its face, and hands both on through `slot`.

    Parameters
    ----------
    supply : Supply
    starting : EngineStart
        Frames pass without detection until it is ready.
    fps : float or None
        Of a source that is not live: frames are this far apart for the filter.
    stop : Stop
    say : callable
        Takes a line for the user.

    Attributes
    ----------
    slot : Slot
    bug : Exception or None
        What went wrong that should not; for the main thread to raise.
    """

    def __init__(
        self,
        supply: Supply,
        starting: EngineStart,
        *,
        fps: float | None,
        stop: Stop,
        say: Callable[[str], None],
    ) -> None:
        self.slot = Slot(live=fps is None)
        self.bug: Exception | None = None
        self._supply = supply
        self._starting = starting
        self._fps = fps
        self._stop = stop
        self._watched = WatchedDetector(self._detector, say, live=fps is None)
        self._closed = True
        self._thread = threading.Thread(target=self._run, name="detection", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False when it takes longer."""
        self._thread.join(timeout_s)
        return self._closed and not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.requested and not self._supply.ended:
                frame = self._supply.get(_POLL_S)
                if frame is not None:
                    self.slot.put(self._detect(frame), self._stop)
        except Exception as error:
            self.bug = error
        finally:
            self.slot.finish()
            self._closed = self._watched.close()

    def _detector(self) -> Detector:
        assert self._starting.engine is not None
        return self._starting.engine.detector()

    def _detect(self, frame: Frame) -> Detected:
        time_s = frame.captured_at_s if self._fps is None else frame.index / self._fps
        if self._starting.engine is None:
            return Detected(frame, _NOT_YET, time_s, 0.0)
        started_s = time.perf_counter()
        track = self._watched.detect(replace(frame, captured_at_s=time_s))
        detect_s = time.perf_counter() - started_s
        if isinstance(track, FaceTrack):
            height, width = frame.pixels.shape[:2]
            if why := why_not_a_face(track, (width, height)):
                track = NoFace(f"what was found is no face: {why}")
        return Detected(frame, track, time_s, detect_s)
