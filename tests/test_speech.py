"""Lips that meet in speech meet under a smile too; a mouth at rest keeps its smile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import moves
from kernels.surfaces import Wish
from livexpr import face_mesh, head_pose, pixel_map, placement, presets, speech
from livexpr.speech import Speech, closing, followed

FRAME_S = 1 / 30


def open_by(track, opening_cm: float):
    """Return the face with its inner lips that far apart; 10 px are 1 cm."""
    landmarks = track.landmarks_px.copy()
    upper, lower = face_mesh.INNER_LIP_UPPER[5], face_mesh.INNER_LIP_LOWER[5]
    landmarks[lower, :2] = landmarks[upper, :2] + (0, 10 * opening_cm)
    return replace(track, landmarks_px=landmarks)


def heard(track, openings_cm) -> list[float]:
    """Return how much is taken back on each frame, 30 a second."""
    state, parts = None, []
    for opening in openings_cm:
        state = followed(state, open_by(track, opening), FRAME_S)
        parts.append(closing(state))
    return parts


def syllables(n: int, widest_cm: float = 1.0) -> np.ndarray:
    return widest_cm * (0.5 - 0.5 * np.cos(np.arange(n) * FRAME_S * 2 * np.pi * 3))


@pytest.fixture
def track(synthetic_face):
    return synthetic_face.track()


@pytest.mark.parametrize("opening_cm", [0.0, 0.3, 1.0, 3.0])
def test_a_mouth_at_rest_is_let_be(track, opening_cm: float) -> None:
    assert max(heard(track, [opening_cm] * 60)) == 0


def test_meeting_lips_are_brought_together_in_speech(track) -> None:
    openings = syllables(90)
    parts = np.array(heard(track, openings))[30:]
    openings = openings[30:]
    assert parts[openings < 0.05].min() > 0.4
    assert (parts[openings > 0.7] == 0).all()


def test_trembling_landmarks_are_no_speech(track, rng) -> None:
    assert max(heard(track, np.abs(rng.normal(0.1, 0.02, 120)))) < 0.1


def test_the_smile_comes_back_in_a_pause(track) -> None:
    parts = heard(track, [*syllables(60), *[0.0] * 60])
    assert max(parts[58:64]) > 0.4
    assert parts[66] > 0.3, "teeth would flash up between two words"
    assert (np.diff(parts[66:]) <= 0).all()
    assert parts[90] < 0.1
    assert parts[-1] < 0.01


def test_lips_that_close_are_taken_to_be_nearer_than_they_are(track) -> None:
    """Landmarks are late; what opens is not awaited, so that a still mouth does not tremble."""
    state = followed(None, open_by(track, 0.6), 0.0)
    assert state.soon_cm == state.opening_cm
    closing_on = followed(state, open_by(track, 0.4), FRAME_S)
    assert 0 <= closing_on.soon_cm < closing_on.opening_cm - 0.1
    opening_on = followed(closing_on, open_by(track, 0.6), FRAME_S)
    assert opening_on.soon_cm == opening_on.opening_cm
    assert followed(opening_on, open_by(track, 0.0), FRAME_S).soon_cm == 0


@pytest.mark.parametrize(("name", "left"), [("happy", 0.75), ("surprised", 0.2)])
def test_the_more_is_said_the_wider_the_target_opens(synthetic_face, name: str, left) -> None:
    """Openings as speech has them are told apart, also where the jaw has dropped already."""
    preset_map = pixel_map.load(presets.map_path(name))
    amounts = np.ones(face_mesh.N_LANDMARKS, np.float32)
    openings_cm = np.linspace(0.0, 1.2, 13)
    target_cm = [
        placement.place(
            synthetic_face.track(mouth_cm=float(one)), preset_map, amounts, speaking=1.0
        ).mouth_opening_cm
        for one in openings_cm
    ]
    assert (np.diff(target_cm) > left * np.diff(openings_cm)).all()


def test_frames_that_come_in_a_burst_do_not_shut_the_lips(track) -> None:
    """They were taken a thirtieth apart, though the second was read a moment after the first."""
    openings = [*syllables(60), 0.6, 0.5]
    parts = []
    for burst_s in (FRAME_S, 0.006):
        state = None
        for k, opening in enumerate(openings):
            dt_s = burst_s if k == len(openings) - 1 else FRAME_S
            state = followed(state, open_by(track, opening), dt_s)
        parts.append(closing(state))
    assert parts[1] == pytest.approx(parts[0], abs=0.2)


def test_no_opening_is_awaited_without_time(track) -> None:
    state = followed(None, open_by(track, 0.6), 0.0)
    assert followed(state, open_by(track, 0.2), 0.0).soon_cm == pytest.approx(0.2, abs=1e-5)


@given(st.lists(st.floats(0, 5), max_size=40))
def test_never_more_than_all_of_it(openings) -> None:
    state = None
    for opening in openings:
        widest = max(opening, 0.0 if state is None else state.widest_cm)
        state = Speech(opening, widest, 0.0, soon_cm=opening)
        assert 0 <= closing(state) < 1
    assert closing(None) == 0


def moved(track, offset_cm: np.ndarray, part: float) -> tuple[np.ndarray, float]:
    """Return where landmarks go whose opening is taken back by a part, and what is left of it."""
    target, values = (np.zeros((face_mesh.N_VERTICES, k), np.float32) for k in (2, 5))
    n = face_mesh.N_LANDMARKS
    wish = Wish(np.ones(n, np.float32), offset_cm, 0 * offset_cm, np.ones(n, np.bool_), part, 0.0)
    pose = track.frame_from_head
    scale = head_pose.scale_px_per_cm(pose)
    left_cm = moves.move(
        target, values, track.landmarks_px, pose, scale, wish, placement.surface(), placement.LIMITS
    )
    return target[:n], left_cm


@settings(max_examples=30)
@given(part=st.floats(0, 1))
@pytest.mark.parametrize("name", ["happy", "surprised", "fearful"])
def test_an_opening_is_taken_back_by_its_part(synthetic_face, name: str, part: float) -> None:
    track = synthetic_face.track(mouth_cm=1.0)
    offset_cm = pixel_map.load(presets.map_path(name)).offset_cm
    whole, before_cm = moved(track, offset_cm, 0.0)
    target, left_cm = moved(track, offset_cm, part)
    assert left_cm == pytest.approx((1 - part) * before_cm, abs=0.03)
    # The lips go straight towards each other.
    np.testing.assert_allclose(target[:, 0], whole[:, 0], atol=1e-3)


def test_what_does_not_part_the_lips_stays(synthetic_face) -> None:
    track = synthetic_face.track(mouth_cm=1.0)
    offset_cm = np.zeros((face_mesh.N_LANDMARKS, 3), np.float32)
    offset_cm[list(face_mesh.INNER_LIP_LOWER), 1] = 0.3
    np.testing.assert_array_equal(*(moved(track, offset_cm, part)[0] for part in (0.0, 1.0)))


def test_a_smile_placed_on_meeting_lips_is_shut(synthetic_face) -> None:
    track = synthetic_face.track(mouth_cm=-0.45)
    happy = pixel_map.load(presets.map_path("happy"))
    amounts = np.ones(face_mesh.N_LANDMARKS, np.float32)
    wide = placement.place(track, happy, amounts).mouth_opening_cm
    shut = placement.place(track, happy, amounts, closing=0.9).mouth_opening_cm
    assert wide > 0.3
    assert shut < 0.3 * wide


def test_size_and_tilt_of_the_head_do_not_matter(synthetic_face) -> None:
    found = [
        followed(None, synthetic_face.track(mouth_cm=1.0, px_per_cm=px, roll_rad=roll), 0.0)
        for px, roll in ((5.0, 0.0), (20.0, 0.8))
    ]
    assert found[0].opening_cm == pytest.approx(found[1].opening_cm, rel=0.01)
    assert speech.closing(found[0]) == 0
