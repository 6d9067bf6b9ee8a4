"""From what was shown to a personal map: the same for photographs, films and live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from livexpr.errors import LivexprError
from livexpr.pixel_map import PixelMap
from livexpr.teaching import shape
from livexpr.teaching.looks import Look
from livexpr.teaching.nearest import AUTOMATIC, chosen_map
from livexpr.teaching.personal_map import fit

# What moves landmarks by less than this on average, cm, is the landmark model's own unrest.
_LEAST_MOVEMENT_CM = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Looks at one person.

    Attributes
    ----------
    neutrals, expressives : tuple of Look
    """

    neutrals: tuple[Look, ...]
    expressives: tuple[Look, ...]


def movement_cm(expressive: Look, neutrals: Sequence[Look]) -> float:
    """Return by how much an expression moves landmarks on average, seen from the front."""
    moved = shape.displacement(expressive, neutrals)[:, :2]
    return float(np.linalg.norm(moved, axis=1).mean())


def shows_something(expressive: Look, neutrals: Sequence[Look]) -> bool:
    """Whether an expression differs from the neutral face by more than noise."""
    return movement_cm(expressive, neutrals) >= _LEAST_MOVEMENT_CM


def learned(lesson: Lesson, name: str, like: str = AUTOMATIC) -> PixelMap:
    """Return the personal map of a lesson.

    Parameters
    ----------
    lesson : Lesson
        At least one look of each kind.
    name : str
        Of the expression.
    like : str
        The shipped map to shrink towards; see :func:`livexpr.teaching.nearest.chosen_map`.

    Raises
    ------
    LivexprError
        If a kind of look is missing, none of the expressive ones differs from the neutral ones,
        or no map is called `like`.
    """
    if not lesson.neutrals or not lesson.expressives:
        raise LivexprError("expected at least one neutral face and one with the expression")
    shown = [one for one in lesson.expressives if shows_something(one, lesson.neutrals)]
    if not shown:
        raise LivexprError(
            "the expression does not differ from the neutral face: show it more strongly"
        )
    towards = chosen_map(lesson.neutrals, shown, like)
    metadata = {"expression": name, "taught_on": date.today().isoformat()}
    return fit(lesson.neutrals, shown, towards, metadata)
