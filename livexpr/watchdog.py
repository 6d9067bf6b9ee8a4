"""Detection that cannot hold up the picture: it may fail or hang, and is then built anew."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from livexpr.errors import LivexprError, one_line
from livexpr.retrying import Retrying
from livexpr.types import Faces, Frame, NoFace

PATIENCE_S = 0.15
_PATIENCE_TIMES = 3.0
"""How long a live frame waits: so long, or so many times what detection usually takes."""

_STALL_LIMIT_S, _STALL_TIMES = 1.5, 10.0
"""After which it is taken to hang, likewise."""

_FILM_LIMIT_S = 30.0
"""As the last, where frames are no more worth for being early, and for making a detector."""

_BEAR_S = 1.0
"""A detector that raises is thrown away when it has done nothing else for so long."""

_LATE = NoFace("detection is late")
_USUAL_STEP = 0.1
_END_LIMIT_S = 1.0

_LONG_S, _BEGINNING_S = 0.004, 0.001
"""Detection takes so long that there is time for more, and so long before it is in the model."""


class Detector(Protocol):
    """Finds faces on one frame after another; made, used and closed by one thread."""

    def prepare(self, frame: Frame) -> None:
        """Do in advance what :meth:`detect_all` need not do on that frame. For another thread."""

    def detect_all(self, frame: Frame) -> Faces:
        """Find the faces. If it goes on raising, whatever it is, it is thrown away."""

    def close(self) -> None:
        """Release the model."""


class WatchedDetector:
    """A detector in a thread of its own, and another one whenever it fails or hangs.

    For one thread.

    Parameters
    ----------
    make : callable
        Returns a detector; called in the thread that will use it.
    say : callable
        Takes a line for the user.
    live : bool
        Whether frames that wait for too long pass without a face, and bugs are said in one line;
        else each waits for its result, and bugs are raised.
    """

    def __init__(
        self, make: Callable[[], Detector], say: Callable[[str], None], *, live: bool
    ) -> None:
        self._make = make
        self._live = live
        self._worker: _Worker | None = None
        self._reason = NoFace("the filter is still starting")
        self._retrying = Retrying(
            say, "the picture goes on unfiltered", "the face is looked for again"
        )

    @property
    def took_s(self) -> float:
        """What the detector itself took for a frame, the last that it has finished, s."""
        return 0.0 if self._worker is None else self._worker.took_s

    def begin(self, frame: Frame) -> bool:
        """Have a frame looked at as soon as the one at work is done; False if that cannot be.

        For sources that are not live: else the detector waits until its result has been taken.
        Frames must be begun in the order in which they are asked for.
        """
        worker = self._worker
        if worker is None or not worker.made or self._retrying.waiting:
            return False
        if worker.has(frame):
            return True
        worker.prepare(frame)
        return worker.take(frame, time.perf_counter() + _FILM_LIMIT_S, queue=True)

    def detect(
        self,
        frame: Frame,
        patience_s: float = PATIENCE_S,
        meanwhile: Callable[[], None] | None = None,
    ) -> Faces:
        """Return the faces of a frame, or why there is none; never waits for long when live.

        Parameters
        ----------
        frame : Frame
        patience_s : float
            For so long it waits when live, or for longer where detection usually takes its time.
        meanwhile : callable, optional
            Something short to do while it waits, when live and detection usually takes longer.

        Raises
        ------
        Exception
            What a detector raised that is no LivexprError, unless live.
        """
        if self._retrying.waiting:
            return self._reason
        if self._worker is None:
            self._worker = _Worker(self._make)
        worker = self._worker
        patience_s = self._patience_s(worker, patience_s)
        end_s = time.perf_counter() + max(0.0, patience_s - worker.busy_s)
        found = None
        if worker.has(frame) or worker.take(frame, end_s):
            if meanwhile is not None and self._live and worker.usual_s > _LONG_S:
                # Whoever detects needs the interpreter for a moment.
                time.sleep(_BEGINNING_S)
                meanwhile()
            found = worker.result(frame, end_s)
        if worker.error is not None:
            self._throw_away()
            return self._failed(worker.error)
        if isinstance(found, Exception):
            # A detector may be well that could not bear one picture, and another takes time.
            if self._retrying.outage_s > _BEAR_S:
                self._throw_away()
            return self._failed(found)
        if found is not None:
            self._retrying.worked()
            return found
        if worker.busy_s > self._limit_s(worker):
            self._throw_away()
            return self._failed(LivexprError("detection hangs"))
        return _LATE if worker.made else self._reason

    def close(self) -> bool:
        """End the thread; False when it hangs."""
        worker, self._worker = self._worker, None
        return worker is None or worker.leave(_END_LIMIT_S)

    def _patience_s(self, worker: _Worker, least_s: float) -> float:
        if not self._live:
            return _FILM_LIMIT_S
        return max(least_s, _PATIENCE_TIMES * worker.usual_s)

    def _limit_s(self, worker: _Worker) -> float:
        if not self._live or not worker.made:
            return _FILM_LIMIT_S
        return max(_STALL_LIMIT_S, _STALL_TIMES * worker.usual_s)

    def _throw_away(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.leave(0.0)

    def _failed(self, error: Exception) -> NoFace:
        """Say why, and have it tried again in a while."""
        if not self._live and not isinstance(error, LivexprError):
            raise error
        self._reason = NoFace(one_line(error))
        # Its trace leads back to the detector, whose memory is not Python's to see: nothing would
        # collect that circle for long.
        error.__traceback__ = None
        self._retrying.failed(self._reason.reason)
        return self._reason


class _Worker(threading.Thread):
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

    def has(self, frame: Frame) -> bool:
        """Whether it was given this frame, whose result nobody has asked for yet."""
        return any(frame is given for given in self._given)

    def prepare(self, frame: Frame) -> None:
        """Have the detector do in advance what it can; for the thread that hands frames in."""
        if self._detector is not None:
            self._detector.prepare(frame)

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
                detector.close()
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
