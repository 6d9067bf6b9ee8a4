"""A frame with everybody who was found on it, and its way from one thread to another."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from livexpr.stopping import Stop
from livexpr.types import FaceTrack, Frame, Person

_POLL_S = 0.1
"""How long a stop may go unnoticed."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A frame with what was found on it.

    Attributes
    ----------
    frame : Frame
    time_s : float
        The frame's time for the filter, in s: of a source that is not live, its place in the
        film, so that the same film always gives the same result.
    detect_s : float
        What the detection took that ended last, if none did before; else 0.
    people : tuple of Person
        One for each place there is; the same person keeps the same place.
    """

    frame: Frame
    time_s: float
    detect_s: float
    people: tuple[Person, ...]

    @property
    def tracks(self) -> tuple[FaceTrack, ...]:
        """The faces that were found of those who are followed."""
        return tuple(one.track for one in self.people if isinstance(one.track, FaceTrack))

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
        self._asked_for = False
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
            self._asked_for = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting is not None or self._finished, timeout_s)
            detected, self._waiting = self._waiting, None
            self._asked_for = False
            self._changed.notify_all()
            return detected

    def wait_until_idle(self, timeout_s: float) -> None:
        """Wait until the last frame was fetched and is done with: the next one is asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked_for and self._waiting is None, timeout_s)

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
