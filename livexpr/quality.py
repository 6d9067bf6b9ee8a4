"""How much a slow machine leaves out, so that it holds the camera's frame rate.

What is lost tells that a machine is too slow; how long detection takes tells whether a better level
is worth a try. Steps down come within seconds, steps up only after a while, and later and
later where they did not hold, so that levels do not take turns.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """What is left out.

    Attributes
    ----------
    name : str
        For people; '' where nothing is left out.
    detect_every : int
        Faces are looked for on every so many frames at most, and carried to those between.
    coarse : bool
        Whether the eyes are drawn with the few triangles that the face's mesh has there.
    """

    name: str
    detect_every: int = 1
    coarse: bool = False


LEVELS = (
    Level(""),
    Level("detection every 2nd frame", 2),
    Level("detection every 3rd frame", 3),
    Level("detection every 3rd frame, coarse eyes", 3, coarse=True),
)

_WINDOW_S, _LEAST_FRAMES = 1.0, 5
"""Frames are counted for so long, and were too few to tell anything below this."""

_STALE_WINDOWS = 3.0
"""After so many times the window without a look the source was away: counting begins anew."""

_BORNE, _TOO_MUCH = 0.04, 0.25
"""This share of the frames may be lost; what is beyond adds up, and so much is too slow: after a
second if a third is lost, after five if a tenth."""

_HELD = 0.03
"""At most so many may be lost while a better level is thought of."""

_ROOM = 0.8
"""Detection may take this part of the time it would have at the better level."""

_FIRST_HOLD_S, _LONGEST_HOLD_S = 5.0, 160.0
"""The rate is held for so long before a better level is tried; twice as long after each failure."""

_PROVEN_S = 20.0
"""A better level at which the rate was held for so long was no failure."""


class Quality:
    """Chooses the level by what is counted.

    Attributes
    ----------
    level : Level
    """

    def __init__(self) -> None:
        self._rank = 0
        self._hold_s = _FIRST_HOLD_S
        self._on_trial = False
        self._too_much = 0.0
        self._held_since_s: float | None = None
        self._window: tuple[float, int, int] | None = None
        self._detect_s = 0.0

    @property
    def level(self) -> Level:
        """The level to go by now."""
        return LEVELS[self._rank]

    def look(self, now_s: float, frames_in: int, frames_lost: int, detect_s: float) -> bool:
        """Take in what was counted; to be called with each frame.

        Parameters
        ----------
        now_s : float
            On a clock that does not go back.
        frames_in, frames_lost : int
            Since the beginning: read from the camera, and replaced by newer ones.
        detect_s : float
            What detection took for this frame; 0 where nothing was detected.

        Returns
        -------
        bool
            Whether the level has changed.
        """
        if detect_s > 0.0:
            self._detect_s += 0.1 * (detect_s - self._detect_s) if self._detect_s else detect_s
        if self._window is None or now_s - self._window[0] > _STALE_WINDOWS * _WINDOW_S:
            self._begin(now_s, frames_in, frames_lost)
            return False
        since_s, before_in, before_lost = self._window
        if now_s - since_s < _WINDOW_S:
            return False
        came, lost = frames_in - before_in, frames_lost - before_lost
        self._window = (now_s, frames_in, frames_lost)
        if came < _LEAST_FRAMES:
            return False
        changed = self._step(now_s, lost / came, (now_s - since_s) / came)
        if changed:
            self._begin(now_s, frames_in, frames_lost)
        return changed

    def _begin(self, now_s: float, frames_in: int, frames_lost: int) -> None:
        self._window = (now_s, frames_in, frames_lost)
        self._too_much, self._held_since_s = 0.0, None

    def _step(self, now_s: float, lost: float, interval_s: float) -> bool:
        """Go a level down or up, by what part of the frames was lost in a window."""
        self._too_much = max(self._too_much + lost - _BORNE, 0.0)
        if lost > _HELD:
            self._held_since_s = None
        elif self._held_since_s is None:
            self._held_since_s = now_s
        if self._too_much > _TOO_MUCH:
            return self._down()
        return self._up(now_s, interval_s)

    def _down(self) -> bool:
        if self._rank == len(LEVELS) - 1:
            self._too_much = 0.0  # what added up here would keep it from going up for hours
            return False
        if self._on_trial:
            self._hold_s = min(2 * self._hold_s, _LONGEST_HOLD_S)
        self._on_trial = False
        self._rank += 1
        return True

    def _up(self, now_s: float, interval_s: float) -> bool:
        if self._held_since_s is None:
            return False
        held_s = now_s - self._held_since_s
        if self._on_trial and held_s >= _PROVEN_S:
            self._on_trial, self._hold_s = False, _FIRST_HOLD_S
        if self._rank == 0 or held_s < self._hold_s:
            return False
        better = LEVELS[self._rank - 1]
        if self._detect_s > _ROOM * better.detect_every * interval_s:
            return False
        self._rank -= 1
        self._on_trial = True
        return True
