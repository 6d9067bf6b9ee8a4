"""What went out, told to whoever looks on: a log, a page. Lookers-on change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from livexpr.controls import Controls
from livexpr.errors import one_line
from livexpr.occlusion import Cover
from livexpr.preset_file import Preset
from livexpr.types import FaceTrack, Frame


@dataclass(frozen=True, slots=True)
class Published:
    """One frame that was just published.

    Attributes
    ----------
    before, after : Frame
        Without and with the filter; only `after` is mirrored, veiled and marked already. Neither
        may be written to.
    tracks : tuple of FaceTrack
        Faces that are followed, smoothed, in coordinates of `before`; empty without any.
    covers : tuple of Cover
        What is before each of them, as far as the filter has looked.
    time_s : float
        The frame's time for the filter, in s.
    strength : float
        Amount of the mix that was applied; 0 for none.
    presence : float or None
        How much of the effect the face can carry, in [0, 1]; None without a face.
    stages_s : Mapping of str to float
        Seconds spent in ``detect``, ``smooth``, ``place`` and ``apply``, as far as they ran.
    preset : Preset
        The one that is shown, as it was tuned.
    controls : Controls
        What the user has set.
    """

    before: Frame
    after: Frame
    tracks: tuple[FaceTrack, ...]
    covers: tuple[Cover, ...]
    time_s: float
    strength: float
    presence: float | None
    stages_s: Mapping[str, float]
    preset: Preset
    controls: Controls


class Observer(Protocol):
    """Is told of each frame in the main thread, between two frames."""

    def saw(self, published: Published) -> None:
        """Take note of a frame; at once, since the next one waits."""

    def tell(self, message: str) -> None:
        """Take note of what was just said to the user; '' is nothing."""

    def close(self) -> None:
        """Finish what was begun. A second call does nothing."""


class Audience:
    """All observers; one that fails is told no more, and nobody else notices.

    Parameters
    ----------
    observers : sequence of Observer
    say : callable
        Takes a line for the user.
    """

    def __init__(self, observers: Sequence[Observer], say: Callable[[str], None]) -> None:
        self._observers = list(observers)
        self._say = say

    def __bool__(self) -> bool:
        return bool(self._observers)

    def saw(self, published: Published) -> None:
        """Tell all of a frame."""
        self._each(lambda observer: observer.saw(published))

    def tell(self, message: str) -> None:
        """Tell all what was said to the user."""
        self._each(lambda observer: observer.tell(message))

    def _each(self, tell: Callable[[Observer], None]) -> None:
        for observer in tuple(self._observers):
            try:
                tell(observer)
            except Exception as error:
                # Who only looks on must not end a call.
                self._observers.remove(observer)
                self._say(one_line(error))
