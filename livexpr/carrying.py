"""Everybody who is followed, carried from the frame they were found on to newer ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from livexpr.prediction import Anchor, anchored, carried
from livexpr.types import Frame, NoFace, Person

_POLL_S = 0.1


class Carrier:
    """Remembers who was found where. One thread may note while another one carries."""

    def __init__(self) -> None:
        self._known: tuple[tuple[Person, Anchor | None], ...] = ()

    def note(self, people: Sequence[Person], pixels: NDArray[np.uint8], time_s: float) -> None:
        """Take over what was found on a frame.

        Parameters
        ----------
        people : sequence of Person
        pixels : ndarray of shape (H, W, 3), uint8
            The frame, BGR.
        time_s : float
            Of the frame.
        """
        before = {one.number: anchor for one, anchor in self._known}
        self._known = tuple(
            (
                one,
                None
                if isinstance(one.track, NoFace)
                else anchored(one.track, pixels, time_s, before.get(one.number)),
            )
            for one in people
        )

    def carried(self, pixels: NDArray[np.uint8], time_s: float) -> tuple[Person, ...]:
        """Return everybody as they are on a newer frame; empty before anything was noted."""
        return tuple(
            one if anchor is None else replace(one, track=carried(anchor, pixels, time_s))
            for one, anchor in self._known
        )


class Beside:
    """Does a slow thing to frames in a thread of its own: always to the newest, never in a queue.

    Parameters
    ----------
    work : callable
        Takes a frame.
    wait : callable
        Returns when it is time to begin, after some milliseconds at most.

    Attributes
    ----------
    bug : Exception or None
        What `work` has raised; it does nothing more then.
    """

    def __init__(self, work: Callable[[Frame], None], wait: Callable[[], None]) -> None:
        self.bug: Exception | None = None
        self._work = work
        self._wait = wait
        self._newest: Frame | None = None
        self._leaving = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="detection beside", daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Have something done to a frame, unless a newer one comes before its turn."""
        with self._changed:
            self._newest = frame
            self._changed.notify_all()

    def close(self, timeout_s: float) -> bool:
        """End the thread; False when that takes longer."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._leaving:
                with self._changed:
                    self._changed.wait_for(lambda: self._newest is not None or self._leaving)
                self._wait()
                with self._changed:
                    frame, self._newest = self._newest, None
                if frame is not None and not self._leaving:
                    self._work(frame)
        except Exception as error:
            # Not swallowed: whoever offers frames raises it.
            self.bug = error
