"""A lesson beside the running filter, as those see it who show it frames and ask it for things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from livexpr.types import FaceTrack, Frame, NoFace

Stage: TypeAlias = Literal["neutral", "expression"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a lesson is.

    Attributes
    ----------
    guidance : str
        What the user is to do now, in a few words.
    ready : bool
        Whether the face could be taken now.
    stage : str
        ``neutral`` or ``expression``: what is to be shown next.
    taking : bool
        Whether a look was asked for and is not there yet.
    n_taken, enough : int
        How often the expression was shown, and how often it best is.
    """

    guidance: str
    ready: bool
    stage: Stage
    taking: bool
    n_taken: int
    enough: int


class Lesson(Protocol):
    """For one thread; only :meth:`take`, :meth:`undo` and :meth:`learn` fail."""

    @property
    def progress(self) -> Progress:
        """How far it is."""

    def see(self, frame: Frame, track: FaceTrack | NoFace) -> None:
        """Take note of a frame without the filter, and the face on it; may take seconds."""

    def take(self, stage: Stage) -> None:
        """Have the next good look taken as a neutral face or as the expression.

        Raises
        ------
        LivexprError
            When it is not the time for it.
        """

    def undo(self) -> None:
        """Forget the last look."""

    def learn(self, name: str) -> str:
        """Keep what was shown as a preset; return what was learned, in one line.

        Raises
        ------
        LivexprError
            When the name is unfit or taken, too little was shown, or nothing can be written.
        """

    def rest(self) -> None:
        """Give back what is not needed until the next frame."""


OpenLesson: TypeAlias = Callable[[], Lesson]
"""Begins a lesson; may take a second."""
