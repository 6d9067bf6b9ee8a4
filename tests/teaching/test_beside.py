"""A lesson beside the running filter, with made-up frames: what is taken, kept and refused."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr import pixel_map, presets
from livexpr.errors import LivexprError
from livexpr.teaching.beside import LessonBeside
from livexpr.types import FaceTrack, Frame
from tests.teaching.made_up_looks import track_of
from tests.teaching.test_recorder import RATE_S, SMILE, look_at


class Class:
    """A lesson, and somebody before the camera."""

    def __init__(self) -> None:
        self.lesson = LessonBeside(look_at)
        self.index = 0

    def show(self, track: FaceTrack, n: int = 40) -> None:
        for _ in range(n):
            pixels = np.full((320, 320, 3), 140, np.uint8)
            # Long pauses between presses are usual.
            self.lesson.see(Frame(pixels, self.index, 1000 + self.index * RATE_S), track)
            self.index += 1

    def teach(self) -> None:
        self.lesson.take("neutral")
        self.show(track_of())
        self.lesson.take("expression")
        self.show(track_of(SMILE))


@pytest.fixture
def shown() -> Class:
    return Class()


def test_a_lesson_becomes_a_preset_and_may_grow(shown: Class):
    shown.teach()
    progress = shown.lesson.progress
    assert (progress.stage, progress.n_taken, progress.taking) == ("neutral", 1, False)
    assert shown.lesson.learn("mine") == "learned mine, shown 1 time"
    assert presets.load("mine").mix == {"mine": 1.0}
    shown.teach()
    assert shown.lesson.learn("mine") == "learned mine, shown 2 times"
    learned = pixel_map.load(presets.map_path("mine"))
    assert learned.metadata["expressive_looks"] == "2"


def test_guidance_speaks_of_buttons(shown: Class):
    shown.show(track_of(), 2)
    assert "press its button" in shown.lesson.progress.guidance
    assert "space" not in shown.lesson.progress.guidance


def test_an_expression_first_is_refused(shown: Class):
    with pytest.raises(LivexprError, match="first your neutral face"):
        shown.lesson.take("expression")
    assert not shown.lesson.progress.taking


def test_a_neutral_face_again_replaces_the_one_before(shown: Class):
    for _ in range(2):
        shown.lesson.take("neutral")
        assert shown.lesson.progress.taking
        shown.show(track_of())
        assert shown.lesson.progress.stage == "expression"
    # Also while the expression is waited for.
    shown.lesson.take("expression")
    shown.lesson.see(Frame(np.full((320, 320, 3), 140, np.uint8), 0, 2000.0), track_of())
    shown.lesson.take("neutral")
    assert shown.lesson.progress.stage == "neutral"


def test_undo(shown: Class):
    shown.lesson.take("neutral")
    shown.lesson.undo()
    shown.show(track_of())
    assert shown.lesson.progress.stage == "neutral"
    shown.teach()
    shown.lesson.undo()
    assert shown.lesson.progress.n_taken == 0


@pytest.mark.parametrize("name", ["", "../evil", "happy", "a b"])
def test_names_that_cannot_be(shown: Class, name: str):
    shown.teach()
    with pytest.raises(LivexprError):
        shown.lesson.learn(name)
    assert not presets.user_dir().exists()


def test_what_is_there_already_is_kept(shown: Class):
    shown.teach()
    shown.lesson.learn("mine")
    other = Class()
    other.teach()
    with pytest.raises(LivexprError, match=r"already: choose another name$"):
        other.lesson.learn("mine")


def test_too_little_is_told(shown: Class):
    with pytest.raises(LivexprError, match="at least one neutral face"):
        shown.lesson.learn("mine")
