"""A lesson in front of a camera: fed with frames, it says what to do and takes what it sees.

Knows no camera, no window and no clock; time is that of the frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from livexpr.teaching import checks
from livexpr.teaching.checks import Bearing
from livexpr.teaching.lesson import Lesson, shows_something
from livexpr.teaching.looks import Look, average, look
from livexpr.types import FaceTrack, Frame, NoFace

Stage = Literal["neutral", "expression"]

ENOUGH = 3
"""So many times an expression is best shown."""

# A look is the average of frames over this time, which begins when it is asked for; after the
# other, nothing has come of it.
_LOOK_S, _GIVES_UP_S = 0.4, 6.0
_NOTE_S = 3.0
_FRAMES_OF_LOOK, _LEAST_FRAMES = 4, 3

LookAt = Callable[[NDArray[np.uint8], FaceTrack], Look]


class Recorder:
    """Takes looks at a neutral face and at an expression in turn.

    Parameters
    ----------
    look_at : callable
        Makes a look of a picture and its face.
    press : str
        How a user asks for a look.

    Attributes
    ----------
    guidance : str
        What the user is to do now, in a few words.
    ready : bool
        Whether the face could be taken now.
    """

    def __init__(self, look_at: LookAt = look, press: str = "press space") -> None:
        self.guidance = "show your face"
        self.ready = False
        self._look_at = look_at
        self._press = press
        self._neutrals: list[tuple[Look, Bearing]] = []
        self._expressives: list[Look] = []
        self._seen: deque[tuple[Frame, FaceTrack]] = deque()
        self._asked_s: float | None = None
        self._now_s = 0.0
        self._note, self._note_until_s = "", 0.0

    @property
    def stage(self) -> Stage:
        """What is to be shown next: a neutral face before each expression."""
        return "neutral" if len(self._neutrals) == len(self._expressives) else "expression"

    @property
    def taking(self) -> bool:
        """Whether a look was asked for and is not there yet."""
        return self._asked_s is not None

    @property
    def n_taken(self) -> int:
        """How often the expression has been shown."""
        return len(self._expressives)

    @property
    def can_learn(self) -> bool:
        """Whether there is enough for a map."""
        return bool(self._expressives)

    def lesson(self) -> Lesson:
        """Return what was taken so far."""
        return Lesson(tuple(one for one, _ in self._neutrals), tuple(self._expressives))

    def take(self) -> None:
        """Ask for a look: it is taken as soon as the face has held still for a moment."""
        self._asked_s = self._now_s
        self._seen.clear()

    def undo(self) -> None:
        """Forget the last look, or the one that was asked for."""
        if self._asked_s is not None:
            self._asked_s = None
        elif self.stage == "expression":
            self._neutrals.pop()
        elif self._expressives:
            self._expressives.pop()

    def feed(self, frame: Frame, track: FaceTrack | NoFace) -> bool:
        """See a frame and the face on it.

        Returns
        -------
        bool
            Whether a look was taken with it.
        """
        self._now_s = frame.captured_at_s
        wrong = self._what_is_wrong(frame, track)
        self.ready = not wrong
        self.guidance = wrong or self._wanted()
        if self._asked_s is None:
            return False
        if self._now_s - self._asked_s > _GIVES_UP_S:
            self._asked_s = None
            self._tell(f"that took too long: {self._press} again")
            return False
        if not self.ready or not self._held_long_enough():
            return False
        return self._taken()

    def _what_is_wrong(self, frame: Frame, track: FaceTrack | NoFace) -> str:
        if isinstance(track, NoFace):
            self._seen.clear()
            return "come before the camera"
        held = checks.bearing(frame, track)
        wrong = checks.ill_placed(frame, track, held)
        if not wrong and self.stage == "neutral":
            wrong = checks.not_neutral(track)
        if not wrong and self.stage == "expression":
            wrong = checks.unlike_before(held, self._neutrals[-1][1])
        if wrong:
            self._seen.clear()
            return wrong
        self._seen.append((frame, track))
        while self._now_s - self._seen[0][0].captured_at_s > _LOOK_S and len(self._seen) > (
            _LEAST_FRAMES
        ):
            self._seen.popleft()
        return checks.restless([one for _, one in self._seen])

    def _wanted(self) -> str:
        if self.taking:
            return "hold it"
        if self._now_s < self._note_until_s:
            return self._note
        if self.stage == "expression":
            return f"now the expression, then {self._press} and hold it"
        if not self._expressives:
            return f"a neutral face, then {self._press} and hold it"
        return f"{self.n_taken} of {ENOUGH} shown; neutral again, then {self._press}"

    def _held_long_enough(self) -> bool:
        began_s = self._seen[0][0].captured_at_s
        return len(self._seen) >= _LEAST_FRAMES and self._now_s - began_s >= 0.9 * _LOOK_S

    def _taken(self) -> bool:
        seen = list(self._seen)
        at = np.unique(np.linspace(0, len(seen) - 1, _FRAMES_OF_LOOK).round().astype(int))
        new = average([self._look_at(seen[i][0].pixels, seen[i][1]) for i in at])
        self._asked_s = None
        self._seen.clear()
        if self.stage == "neutral":
            self._neutrals.append((new, checks.bearing(*seen[-1])))
        elif shows_something(new, self.lesson().neutrals):
            self._expressives.append(new)
        else:
            self._tell(f"that was hardly an expression: more of it, and {self._press} again")
            return False
        return True

    def _tell(self, note: str) -> None:
        self._note, self._note_until_s = note, self._now_s + _NOTE_S
