"""Everybody who is followed, carried from the frame they were found on to newer ones."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livexpr import cuts, face_mesh
from livexpr.prediction import LIMIT_S, Anchor, anchored, carried
from livexpr.types import FaceTrack, Frame, NoFace, Person

# Both in parts of the face's height: how far the picture may disagree with where a face is taken
# to be, and by how much those before may have been wrong, for it to be relied on.
_DOUBT, _ERROR = 0.0042, 0.0027
_NEWEST = 0.2
"""How much the newest error counts beside those before."""

_ROOM = 0.6
"""There is time to wait for detection if it usually takes this part of the time between frames."""

_LONGEST_WAIT_S = 0.1
_USUAL_STEP = 0.2


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody as they were on the frame that was looked at last, and what is known besides.

    Attributes
    ----------
    person : Person
    anchor : Anchor or None
        None where they were not found.
    found_s : float
        When they were found last.
    error : float
        How far they were carried wrong lately, in parts of the face's height.
    """

    person: Person
    anchor: Anchor | None
    found_s: float
    error: float = 0.0


class _Scene(NamedTuple):
    """When a picture was taken, its shape, and what :func:`livexpr.cuts.sampled` says of it."""

    time_s: float
    shape: tuple[int, ...]
    sampled: NDArray[np.float32]

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], time_s: float) -> _Scene:
        return cls(time_s, pixels.shape, cuts.sampled(pixels))


class Carrier:
    """Remembers who was found where. One thread may note while another one carries."""

    def __init__(self) -> None:
        self._known: tuple[float, tuple[_Known, ...]] = (-math.inf, ())
        self._carried: tuple[float, tuple[Person, ...]] = (-math.inf, ())
        self._scene: _Scene | None = None
        self._cut_s = -math.inf

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
        if self._scene is None or self._scene.time_s < time_s:
            self._scene = _Scene.of(pixels, time_s)
        before = {known.person.number: known for known in self._known[1]}
        carried_s, guesses = self._carried
        guessed = {one.number: one.track for one in guesses} if carried_s == time_s else {}
        self._known = (
            time_s,
            tuple(
                _noted(one, pixels, time_s, before.get(one.number), guessed.get(one.number))
                for one in people
            ),
        )

    def carried(self, pixels: NDArray[np.uint8], time_s: float) -> tuple[tuple[Person, ...], bool]:
        """Return everybody as they are on a newer frame, and whether that can be relied on.

        Nobody before anything was noted, nor after a cut or a change of cameras until something
        was noted again. It cannot be relied on then, nor where the picture disagrees, where what
        was carried lately came out wrong, and where somebody was lost a moment ago.
        """
        self._watch_for_cuts(pixels, time_s)
        known_s, everybody = self._known
        if known_s < self._cut_s:
            return (), False
        people, sure = [], True
        for known in everybody:
            person, anchor = known.person, known.anchor
            if anchor is None:
                sure &= time_s - known.found_s > LIMIT_S
            else:
                guess = carried(anchor, pixels, time_s)
                person = replace(person, track=guess.track)
                sure &= guess.doubt <= _DOUBT and known.error <= _ERROR
            people.append(person)
        self._carried = time_s, tuple(people)
        return tuple(people), sure

    def _watch_for_cuts(self, pixels: NDArray[np.uint8], time_s: float) -> None:
        before, self._scene = self._scene, _Scene.of(pixels, time_s)
        if before is None:
            return
        if time_s < before.time_s:
            # Another camera's picture was taken earlier; what is found on its last one comes yet.
            self._cut_s = math.nextafter(before.time_s, math.inf)
        elif before.shape != pixels.shape or cuts.is_cut(before.sampled, self._scene.sampled):
            self._cut_s = time_s


def _noted(
    person: Person,
    pixels: NDArray[np.uint8],
    time_s: float,
    before: _Known | None,
    guess: FaceTrack | NoFace | None,
) -> _Known:
    if before is None or not person.number:
        before = _Known(person, None, -math.inf)
    error = before.error
    if isinstance(person.track, NoFace):
        return replace(before, person=person, anchor=None)
    anchor = anchored(person.track, pixels, time_s, before.anchor)
    if isinstance(guess, FaceTrack):
        off_px = (guess.landmarks_px - person.track.landmarks_px)[: face_mesh.N_LANDMARKS, :2]
        rms_px = math.sqrt(float(np.vdot(off_px, off_px)) / len(off_px))
        error += _NEWEST * (rms_px / anchor.height_px - error)
    return _Known(person, anchor, time_s, error)


class Pace:
    """Tells whether frames have the time to wait for their own detection."""

    def __init__(self) -> None:
        self._interval_s = 0.0
        self._usual_s = 0.0
        self._last: tuple[int, float] | None = None

    @property
    def wait_s(self) -> float:
        """How long a frame may wait; 0 where detection is too slow for that, or not known yet."""
        if not 0.0 < self._usual_s <= _ROOM * self._interval_s:
            return 0.0
        return min(self._interval_s, _LONGEST_WAIT_S)

    def came(self, frame: Frame) -> None:
        """Take note of a frame."""
        last, self._last = self._last, (frame.index, frame.captured_at_s)
        if last is not None and frame.index > last[0]:
            # Those that were lost count: their time was not free.
            self._interval_s = (frame.captured_at_s - last[1]) / (frame.index - last[0])

    def took(self, detect_s: float) -> None:
        """Take note of how long a detection took."""
        step = _USUAL_STEP if self._usual_s else 1.0
        self._usual_s += step * (detect_s - self._usual_s)


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
        self._got = -1
        self._done = -1
        self._working = False
        self._leaving = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="detection beside", daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Have something done to a frame that it has not got yet, unless a newer one comes."""
        with self._changed:
            self._take(frame)

    def done(self, frame: Frame, within_s: float) -> bool:
        """Have something done to a frame at once, and wait for that.

        False when it takes longer, but goes on then; and when there is other work or no time.
        """
        with self._changed:
            if self._newest is not None or self._working or within_s <= 0:
                return False
            self._take(frame)
            return self._changed.wait_for(lambda: self._done == frame.index, within_s)

    def close(self, timeout_s: float) -> bool:
        """End the thread; False when that takes longer."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _take(self, frame: Frame) -> None:
        if frame.index != self._got:
            self._newest, self._got = frame, frame.index
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while not self._leaving:
                with self._changed:
                    self._changed.wait_for(lambda: self._newest is not None or self._leaving)
                self._wait()
                with self._changed:
                    frame, self._newest = self._newest, None
                    self._working = frame is not None
                if frame is not None and not self._leaving:
                    self._work(frame)
                    with self._changed:
                        self._done, self._working = frame.index, False
                        self._changed.notify_all()
                del frame  # until the next one comes, which may be never
        except Exception as error:
            # Not swallowed: whoever offers frames raises it.
            self.bug = error
