"""The thread that finds the faces on each frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from livexpr.apart import Apart
from livexpr.carrying import Beside, Carrier, Pace
from livexpr.detector_thread import Detector
from livexpr.engine_start import EngineStart
from livexpr.following import Following
from livexpr.prediction import LIMIT_S
from livexpr.settings import Sync
from livexpr.slot import Detected, Slot
from livexpr.spare_copy import SPARE
from livexpr.stopping import Stop
from livexpr.supply import Supply
from livexpr.types import Faces, Frame, NoFace
from livexpr.watchdog import PATIENCE_S, WatchedDetector

_POLL_S = 0.1
"""How long a stop may go unnoticed."""

_HANDING_S = 0.001
"""The interpreter is left to whoever takes a frame for so long."""

_YIELD_S = 0.02
"""Detection beside the picture waits for so long until the newest frame has gone out."""

_END_LIMIT_S = 1.0
_NOT_YET = NoFace("the filter is still starting")


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
        on at once, with everybody carried to it, and detection runs beside on the newest; it waits
        only where that cannot be relied on and detection is quick.

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
        self._pace = Pace()
        self._predicts = sync == "predict"
        self._ahead = False
        self._until_next = 0
        self._took_s = 0.0
        self._beside_found: Detected | None = None
        self._looking = threading.RLock()
        self._looked_at = -1
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
            if self._fps is None:
                self._run_live()
            else:
                self._run_film()
        except Exception as error:
            self.bug = error
        finally:
            self.slot.finish()
            alone = self._beside is None or self._beside.close(_END_LIMIT_S)
            self._closed = alone and self._watched.close()

    def _run_live(self) -> None:
        while not self._stop.requested and not self._supply.ended:
            frame = self._supply.get(_POLL_S)
            if frame is not None:
                self._pass_on(frame)
                if not self._ahead:
                    # What a glance has left over, once the filter has begun.
                    time.sleep(_HANDING_S)
                    with self._looking:
                        self._following.finish()

    def _run_film(self) -> None:
        """Hand frames on while the detector is at the next one already."""
        apart = Apart()
        waiting: tuple[Frame, Frame] | None = None
        try:
            while not self._stop.requested and not (self._supply.ended and waiting is None):
                frame = self._supply.get(_POLL_S)
                coming = None if frame is None else (frame, self._to_look_at(frame))
                if waiting is not None:
                    if coming is not None and self._watched.begin(waiting[1]):
                        self._keep_apart(apart)
                        self._watched.begin(coming[1])
                    self.slot.put(self._detect(*waiting), self._stop)
                waiting = coming
        finally:
            apart.end()

    def _keep_apart(self, apart: Apart) -> None:
        engine = self._starting.engine
        # Until the kernels are compiled, all else is slow, and has a process of its own besides.
        if engine is not None and not engine.compiling:
            apart.look(self._watched.thread_id, late=self._watched.idle)

    def _pass_on(self, frame: Frame) -> None:
        """Hand a frame on with everybody on it: found there, or carried to it."""
        beside, every = self._beside, self.detect_every
        was_ahead = self._ahead
        self._ahead = beside is not None and (self._predicts or every > 1)
        if beside is None or not self._ahead:
            self.slot.put(self._detect(frame, self._to_look_at(frame)), self._stop)
            return
        if beside.bug is not None:
            raise beside.bug
        if not was_ahead:
            self.slot.put(self._noted(frame), self._stop)
            return
        self.slot.put(self._ahead_of_detection(frame, beside), self._stop)
        self._until_next = min(self._until_next, every) - 1
        if self._until_next <= 0:
            self._until_next = every
            beside.offer(frame)

    def _ahead_of_detection(self, frame: Frame, beside: Beside) -> Detected:
        """Carry everybody to a frame; or wait, where that is of no use and there is time."""
        self._pace.came(frame)
        time_s = self._time_s(frame)
        people, sure = self._carrier.carried(frame.pixels, time_s)
        if not sure and self.detect_every == 1 and beside.done(frame, self._pace.wait_s):
            assert self._beside_found is not None
            self._took_s = 0.0
            return self._beside_found
        took_s, self._took_s = self._took_s, 0.0
        return Detected(frame, time_s, took_s, people or self._nobody)

    def _look_beside(self, frame: Frame) -> None:
        with self._looking:
            if frame.index < self._looked_at:
                return  # detection runs beside no more, and has overtaken it
            found = self._beside_found = self._noted(frame, LIMIT_S)
        self._took_s = found.detect_s
        self._pace.took(found.detect_s)

    def _noted(self, frame: Frame, patience_s: float = PATIENCE_S) -> Detected:
        """Look at a frame from which others are going to be carried on."""
        detected = self._detect(frame, self._to_look_at(frame), patience_s)
        self._carrier.note(detected.people, frame.pixels, detected.time_s)
        return detected

    def _time_s(self, frame: Frame) -> float:
        return frame.captured_at_s if self._fps is None else frame.index / self._fps

    def _detector(self) -> Detector:
        assert self._starting.engine is not None
        return self._starting.engine.detector()

    def _to_look_at(self, frame: Frame) -> Frame:
        with self._looking:
            return replace(self._following.to_look_at(frame), captured_at_s=self._time_s(frame))

    def _detect(self, frame: Frame, seen: Frame, patience_s: float = PATIENCE_S) -> Detected:
        """Find who is on a frame, of which the detector is to see `seen`."""
        if self._starting.engine is None:
            return self._detected(frame, _NOT_YET, 0.0)
        with self._looking:
            self._looked_at = frame.index
            if not self._ahead:
                self._beside_found = None  # its frame is a picture that nobody needs any more
            started_s = time.perf_counter()
            meanwhile = None if self._ahead else partial(self._prepare, frame)
            found = self._watched.detect(seen, patience_s, meanwhile)
            waited_s = time.perf_counter() - started_s
            # Of a film the detector may have been done before.
            detect_s = waited_s if self._fps is None else self._watched.took_s
            return self._detected(frame, found, detect_s)

    def _prepare(self, frame: Frame) -> None:
        """Do what needs no faces, so that nobody waits for it afterwards."""
        self._following.sample(frame)
        SPARE.prepare(frame.pixels)

    def _detected(self, frame: Frame, faces: Faces, detect_s: float) -> Detected:
        time_s = self._time_s(frame)
        # A film's frames wait for each other anyway, and are to be the same every time.
        at_once = self._fps is None and not self._ahead
        people = self._following.found(frame, faces, time_s, at_once=at_once)
        return Detected(frame, time_s, detect_s, people)
