"""Detection that cannot hold up the picture: it may fail or hang, and is then built anew."""

from __future__ import annotations

import time
from collections.abc import Callable

from livexpr.detector_thread import Detector, DetectorThread
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

_STOOD_STILL_S = 1.0
"""Who wakes so much later than asked was stopped, with the whole process: a closed laptop."""

_BEAR_S = 1.0
"""A detector that raises is thrown away when it has done nothing else for so long."""

_LATE = NoFace("detection is late")
_END_LIMIT_S = 1.0

_LONG_S, _BEGINNING_S = 0.004, 0.001
"""Detection takes so long that there is time for more, and so long before it is in the model."""


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
        self._worker: DetectorThread | None = None
        self._reason = NoFace("the filter is still starting")
        self._retrying = Retrying(
            say, "the picture goes on unfiltered", "the face is looked for again"
        )

    @property
    def took_s(self) -> float:
        """What the detector itself took for a frame, the last that it has finished, s."""
        return 0.0 if self._worker is None else self._worker.took_s

    @property
    def thread_id(self) -> int | None:
        """The system's number of the detector's thread; None while there is no detector."""
        worker = self._worker
        return worker.native_id if worker is not None and worker.made else None

    @property
    def idle(self) -> bool:
        """Whether the detector has done whatever it was given."""
        return self._worker is not None and self._worker.idle

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
            self._worker = DetectorThread(self._make)
        worker = self._worker
        while True:
            wait_s = self._patience_s(worker, patience_s) - worker.busy_s
            end_s = time.perf_counter() + max(0.0, wait_s)
            found = None
            if worker.has(frame) or worker.take(frame, end_s):
                if meanwhile is not None and self._live and worker.usual_s > _LONG_S:
                    # Whoever detects needs the interpreter for a moment.
                    time.sleep(_BEGINNING_S)
                    meanwhile()
                found = worker.result(frame, end_s)
            overslept_s = time.perf_counter() - end_s
            if found is not None or worker.error is not None or overslept_s < _STOOD_STILL_S:
                break
            # The detector stood still, too: it does not hang.
            worker.begin_anew()
            if self._live:
                break
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

    def _patience_s(self, worker: DetectorThread, least_s: float) -> float:
        if not self._live:
            return _FILM_LIMIT_S
        return max(least_s, _PATIENCE_TIMES * worker.usual_s)

    def _limit_s(self, worker: DetectorThread) -> float:
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
