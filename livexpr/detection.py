"""The filter's start in the background, and the thread that finds the faces on each frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from livexpr.carrying import Beside, Carrier
from livexpr.following import Following
from livexpr.prediction import LIMIT_S
from livexpr.settings import Sync
from livexpr.slot import Detected, Slot
from livexpr.spare_copy import SPARE
from livexpr.stopping import Stop
from livexpr.supply import Supply
from livexpr.types import Faces, Frame, NoFace, Person
from livexpr.watchdog import PATIENCE_S, Detector, WatchedDetector

if TYPE_CHECKING:
    from livexpr.crowd import CrowdResult, CrowdState
    from livexpr.pipeline import Effect
    from livexpr.presets import Preset

_POLL_S = 0.1
"""How long a stop may go unnoticed."""

_YIELD_S = 0.02
"""Detection beside the picture waits for so long until the newest frame has gone out."""

_END_LIMIT_S = 1.0
_NOT_YET = NoFace("the filter is still starting")


class Engine(Protocol):
    """The filter, loaded and compiled."""

    def detector(self) -> Detector:
        """Return what finds faces; again, whenever one has failed. For any thread."""

    def process(
        self, frame: Frame, people: Sequence[Person], effect: Effect, state: CrowdState
    ) -> CrowdResult:
        """As :func:`livexpr.crowd.process`; for one thread."""

    def looked(self, state: CrowdState) -> CrowdState:
        """As :func:`livexpr.crowd.looked`."""

    def initial_state(self) -> CrowdState:
        """As :func:`livexpr.crowd.initial_state`."""

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


class DetectionThread:
    """Takes each frame from the supply, finds who is on it, and hands both on through `slot`.

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
    faces : int
        How many people are followed at most.
    sync : str
        Of a live source: ``exact``, frames wait until they were looked at; ``predict``, each goes
        on at once, with everybody carried to it, and detection runs beside on the newest.

    Attributes
    ----------
    detect_every : int
        Of a live source, faces are looked for on every so many frames at most; any thread may set
        it. Above 1, every frame goes on at once.
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
        faces: int = 1,
        sync: Sync = "exact",
    ) -> None:
        self.detect_every = 1
        self.slot = Slot(live=fps is None)
        self.bug: Exception | None = None
        self._supply = supply
        self._starting = starting
        self._fps = fps
        self._stop = stop
        self._watched = WatchedDetector(self._detector, say, live=fps is None)
        self._following = Following(faces)
        self._nobody = self._following.people
        self._carrier = Carrier()
        self._predicts = sync == "predict"
        self._ahead = False
        self._until_next = 0
        self._took_s = 0.0
        self._looking = threading.Lock()
        self._beside: Beside | None = None
        if fps is None:
            self._beside = Beside(self._look_beside, lambda: self.slot.wait_until_idle(_YIELD_S))
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
                    self._pass_on(frame)
        except Exception as error:
            self.bug = error
        finally:
            self.slot.finish()
            alone = self._beside is None or self._beside.close(_END_LIMIT_S)
            self._closed = alone and self._watched.close()

    def _pass_on(self, frame: Frame) -> None:
        """Hand a frame on with everybody on it: found there, or carried to it."""
        beside, every = self._beside, self.detect_every
        was_ahead = self._ahead
        self._ahead = beside is not None and (self._predicts or every > 1)
        if beside is None or not self._ahead:
            self.slot.put(self._detect(frame), self._stop)
            return
        if beside.bug is not None:
            raise beside.bug
        if not was_ahead:
            self.slot.put(self._noted(frame), self._stop)
            return
        self.slot.put(self._carried(frame), self._stop)
        self._until_next = min(self._until_next, every) - 1
        if self._until_next <= 0:
            self._until_next = every
            beside.offer(frame)

    def _carried(self, frame: Frame) -> Detected:
        time_s = self._time_s(frame)
        took_s, self._took_s = self._took_s, 0.0
        carried = self._carrier.carried(frame.pixels, time_s)
        return Detected(frame, time_s, took_s, carried or self._nobody)

    def _look_beside(self, frame: Frame) -> None:
        self._took_s = self._noted(frame, LIMIT_S).detect_s

    def _noted(self, frame: Frame, patience_s: float = PATIENCE_S) -> Detected:
        """Look at a frame from which others are going to be carried on."""
        detected = self._detect(frame, patience_s)
        self._carrier.note(detected.people, frame.pixels, detected.time_s)
        return detected

    def _time_s(self, frame: Frame) -> float:
        return frame.captured_at_s if self._fps is None else frame.index / self._fps

    def _detector(self) -> Detector:
        assert self._starting.engine is not None
        return self._starting.engine.detector()

    def _detect(self, frame: Frame, patience_s: float = PATIENCE_S) -> Detected:
        time_s = self._time_s(frame)
        if self._starting.engine is None:
            return self._detected(frame, _NOT_YET, time_s, 0.0)
        with self._looking:
            started_s = time.perf_counter()
            seen = self._following.to_look_at(frame)
            meanwhile = None if self._ahead else partial(self._prepare, frame)
            found = self._watched.detect(replace(seen, captured_at_s=time_s), patience_s, meanwhile)
            detect_s = time.perf_counter() - started_s
            return self._detected(frame, found, time_s, detect_s)

    def _prepare(self, frame: Frame) -> None:
        """Do what needs no faces, so that nobody waits for it afterwards."""
        self._following.sample(frame)
        SPARE.prepare(frame.pixels)

    def _detected(self, frame: Frame, faces: Faces, time_s: float, detect_s: float) -> Detected:
        people = self._following.found(frame, faces, time_s)
        return Detected(frame, time_s, detect_s, people)
