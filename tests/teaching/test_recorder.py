"""Live lessons: guidance, what is taken and what is not, undo. Frames are made up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from livexpr import pixel_map, presets
from livexpr.teaching.board import Board, drawn
from livexpr.teaching.live import LiveLesson, run
from livexpr.teaching.looks import Look
from livexpr.teaching.recorder import Recorder
from livexpr.types import FaceTrack, Frame, NoFace
from tests.teaching.made_up_looks import REST, look_of, track_of

SMILE = pixel_map.load(presets.map_path("happy")).offset_cm
RATE_S = 1 / 30


class Face:
    """Somebody before a camera, 30 times a second."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.index = 0

    def show(self, track: FaceTrack | NoFace, n: int = 1, luma: int = 140) -> bool:
        """Show the same face on `n` frames; return whether a look was taken."""
        taken = False
        for _ in range(n):
            frame = Frame(np.full((320, 320, 3), luma, np.uint8), self.index, self.index * RATE_S)
            self.index += 1
            taken |= self.recorder.feed(frame, track)
        return taken


def look_at(pixels: np.ndarray, track: FaceTrack) -> Look:
    """Look without drawing the picture in face space: nothing here depends on it."""
    from livexpr import head_pose

    return look_of(head_pose.to_head(track.landmarks_px[:468], track.frame_from_head))


@pytest.fixture
def face() -> Face:
    return Face(Recorder(look_at))


def taught(face: Face) -> None:
    """Show a neutral face and a smile, and have both taken."""
    for track in (track_of(), track_of(SMILE)):
        face.recorder.take()
        assert face.show(track, 30)


def test_a_lesson_from_first_to_last(face: Face):
    recorder = face.recorder
    assert not recorder.can_learn
    face.show(track_of())
    assert recorder.ready
    assert "neutral" in recorder.guidance
    taught(face)
    assert recorder.can_learn
    assert recorder.n_taken == 1
    assert recorder.stage == "neutral"
    taught(face)
    lesson = recorder.lesson()
    assert len(lesson.neutrals) == len(lesson.expressives) == 2
    # Frames after the key are taken, and on average.
    np.testing.assert_allclose(lesson.expressives[0].head_cm, REST + SMILE, atol=0.1)


BLINK = np.zeros(52, np.float32)
BLINK[[9, 10]] = 0.9
OPEN = np.zeros_like(REST)
OPEN[[14, 17, 87, 317, 178, 402], 1] = -0.8


@pytest.mark.parametrize(
    ("track", "luma", "told"),
    [
        (NoFace("no face found"), 140, "come before the camera"),
        (track_of(shift_px=(140, 0)), 140, "move into the middle"),
        (track_of(px_per_cm=4), 140, "come nearer"),
        (track_of(yaw_rad=0.5), 140, "look into the camera"),
        (track_of(), 20, "too dark"),
        (track_of(), 250, "too bright"),
        (track_of(OPEN), 140, "close your mouth"),
        (track_of(blendshapes=BLINK), 140, "open your eyes"),
    ],
)
def test_a_face_that_is_not_fit_is_told_why_and_is_not_taken(face: Face, track, luma, told):
    face.recorder.take()
    assert not face.show(track, 30, luma)
    assert told in face.recorder.guidance
    assert not face.recorder.ready
    assert face.show(track_of(), 30)  # as soon as it is fit


@pytest.mark.parametrize(
    ("track", "luma", "told"),
    [
        (track_of(SMILE, yaw_rad=0.2), 140, "turn your head back"),
        (track_of(SMILE, px_per_cm=9), 140, "come as near as before"),
        (track_of(SMILE, px_per_cm=16), 140, "move back"),
        (track_of(SMILE), 60, "light has changed"),
    ],
)
def test_an_expression_is_taken_as_the_neutral_face_was(face: Face, track, luma, told):
    face.recorder.take()
    face.show(track_of(), 30)
    face.recorder.take()
    assert not face.show(track, 30, luma)
    assert told in face.recorder.guidance


def test_a_face_that_does_not_hold_still_is_waited_for(face: Face):
    def moving() -> Iterator[FaceTrack]:
        for step in range(60):
            yield track_of(shift_px=(6 * np.sin(step), 0))

    face.recorder.take()
    assert not any(face.show(track) for track in moving())
    assert face.recorder.guidance == "hold still"
    assert face.show(track_of(), 40)


def test_what_is_hardly_an_expression_is_not_taken(face: Face):
    face.recorder.take()
    face.show(track_of(), 30)
    face.recorder.take()
    assert not face.show(track_of(), 30)
    assert "hardly an expression" in face.recorder.guidance
    assert not face.recorder.can_learn
    face.recorder.take()
    assert face.show(track_of(SMILE), 30)


def test_the_key_is_forgotten_after_a_while(face: Face):
    face.recorder.take()
    face.show(NoFace("no face found"), 250)
    assert not face.recorder.taking
    assert not face.show(track_of(), 60)


def test_undo_goes_back_step_by_step(face: Face):
    recorder = face.recorder
    taught(face)
    recorder.undo()
    assert (recorder.stage, recorder.n_taken) == ("expression", 0)
    recorder.undo()
    assert (recorder.stage, recorder.n_taken) == ("neutral", 0)
    recorder.undo()
    recorder.take()
    recorder.undo()
    assert not face.show(track_of(), 60)
    taught(face)
    assert recorder.can_learn


def test_the_board_tells_and_leaves_the_picture_alone(rng: np.random.Generator):
    pixels = rng.integers(0, 255, (120, 160, 3), np.uint8)
    before = pixels.copy()
    shown = drawn(pixels, Board("come nearer " * 10, False, "0/3"), (320, 240))
    assert shown.shape == (240, 320, 3)
    np.testing.assert_array_equal(pixels, before)
    ready = drawn(pixels, Board("come nearer " * 10, True, "0/3"), (320, 240))
    assert (shown != ready).any()


class Source:
    """Frames for ever, neutral ones and smiling ones as the lesson asks for them."""

    name, size, fps, live, notes = "fake", (320, 320), 30.0, False, ()

    def __init__(self) -> None:
        self.closed, self.index = False, 0

    def read(self) -> Frame | None:
        if self.closed:
            return None
        self.index += 1
        pixels = np.full((320, 320, 3), 140, np.uint8)
        return Frame(pixels, self.index, self.index * RATE_S)

    def close(self) -> None:
        self.closed = True


class Window:
    """Presses a key every so many pictures."""

    def __init__(self, keys: str, every: int = 40) -> None:
        self.closed, self.shown = False, 0
        self._keys, self._every = list(keys), every

    def picture_size(self, size):
        return size

    def show(self, pixels) -> None:
        self.shown += 1

    def keys(self) -> list[str]:
        if not self._keys:
            self.closed = self.shown > self._every * 20
        if self.shown % self._every or not self._keys:
            return []
        self.shown += 1
        return [self._keys.pop(0)]


def lesson_with(keys: str):
    recorder = Recorder(look_at)
    lesson = LiveLesson("mine", "auto", recorder)

    def detect(frame: Frame) -> FaceTrack:
        return track_of(SMILE if recorder.stage == "expression" else 0.0)

    source = Source()
    saved = run(source, Window(keys), detect, lesson)
    assert source.closed
    return saved


def test_keys_take_try_and_save():
    saved = lesson_with("  ts")
    assert saved is not None
    assert saved.metadata["expressive_looks"] == "1"


@pytest.mark.parametrize("keys", ["q", " sq", "  uq"])
def test_nothing_is_saved_by_who_leaves_or_shows_too_little(keys: str):
    assert lesson_with(keys) is None
