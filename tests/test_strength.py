"""How much of an expression a frame gets: bounded, without jumps, less for who smiles already."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.strength import already_shown, easing_step, signature, topped_up, visibility

SIZE = 240
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "mouthPucker": -0.1}


def test_a_face_that_looks_into_the_camera_is_fully_visible(synthetic_face) -> None:
    assert visibility(synthetic_face.track(), SIZE, SIZE) == 1.0


@pytest.mark.parametrize("axis", ["yaw_rad", "pitch_rad"])
def test_a_turning_head_fades_out_without_a_jump(synthetic_face, axis: str) -> None:
    degrees = np.arange(-60, 61)
    seen = np.array(
        [visibility(synthetic_face.track(**{axis: math.radians(d)}), SIZE, SIZE) for d in degrees]
    )
    assert (seen[np.abs(degrees) <= 24] == 1).all()
    assert (seen[np.abs(degrees) >= 46] == 0).all()
    assert (np.abs(np.diff(seen)) < 0.1).all()
    assert (np.diff(seen[degrees >= 0]) <= 0).all()


def test_rolling_the_head_costs_nothing(synthetic_face) -> None:
    assert visibility(synthetic_face.track(roll_rad=0.7, px_per_cm=7), SIZE, SIZE) == 1.0


@pytest.mark.parametrize("towards", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_face_that_leaves_the_frame_fades_out_without_a_jump(synthetic_face, towards) -> None:
    from dataclasses import replace

    track = synthetic_face.track()
    seen = []
    for distance in range(0, 160, 2):
        shift = np.array([*towards, 0], np.float32) * distance
        seen.append(visibility(replace(track, landmarks_px=track.landmarks_px + shift), SIZE, SIZE))
    assert seen[0] == 1
    assert seen[-1] == 0
    assert (np.diff(seen) <= 0).all()
    assert (np.abs(np.diff(seen)) < 0.15).all()


@given(st.lists(st.floats(0, 1, width=32), min_size=52, max_size=52))
def test_what_is_shown_lies_between_nothing_and_all(blendshapes) -> None:
    assert 0 <= already_shown(np.array(blendshapes, np.float32), signature(SMILE)) <= 1


def test_a_real_smile_counts_and_other_faces_do_not() -> None:
    def face(**raised: float) -> np.ndarray:
        return np.array([raised.get(name, 0) for name in BLENDSHAPE_NAMES], np.float32)

    assert already_shown(face(), signature(SMILE)) == 0
    assert already_shown(
        face(mouthSmileLeft=0.8, mouthSmileRight=0.8), signature(SMILE)
    ) == pytest.approx(1)
    assert already_shown(face(mouthSmileLeft=0.8), signature(SMILE)) == pytest.approx(0.5)
    assert already_shown(face(jawOpen=1.0, mouthPucker=1.0), signature(SMILE)) == 0
    assert already_shown(face(mouthSmileLeft=1.0), signature({})) == 0
    assert already_shown(face(mouthSmileLeft=1.0), signature({"mouthSmileLeft": -0.5})) == 0


@given(amount=st.floats(-1, 2), shown=st.floats(0, 1))
def test_topping_up_never_adds_nor_turns_round(amount: float, shown: float) -> None:
    added = topped_up(amount, shown)
    assert min(amount, 0) <= added <= max(amount, 0)
    if amount <= 0:
        assert added == amount


@given(amount=st.floats(0, 2), less=st.floats(0, 1), more=st.floats(0, 1))
def test_who_shows_more_gets_less(amount: float, less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert topped_up(amount, more) <= topped_up(amount, less)


def test_a_whole_smile_needs_little_more() -> None:
    assert topped_up(1.0, 0.0) == 1
    assert topped_up(1.0, 1.0) == pytest.approx(0.15)
    assert topped_up(2.0, 1.0) == pytest.approx(1.15), "exaggeration stays exaggeration"


def test_easing_comes_to_within_five_percent_in_the_time_stated() -> None:
    assert easing_step(0.35, 0.35) == pytest.approx(0.95, abs=0.001)


@given(easing_s=st.floats(0.05, 5), frames=st.integers(1, 60))
def test_easing_does_not_depend_on_the_frame_rate(easing_s: float, frames: int) -> None:
    left = math.prod(1 - easing_step(easing_s / frames, easing_s) for _ in range(frames))
    assert 1 - left == pytest.approx(easing_step(easing_s, easing_s))


@given(dt_s=st.floats(0, 10), easing_s=st.floats(0.01, 5))
def test_a_step_never_goes_back_nor_too_far(dt_s: float, easing_s: float) -> None:
    assert 0 <= easing_step(dt_s, easing_s) <= 1


def test_no_time_no_step_and_no_easing_no_delay() -> None:
    assert easing_step(0.0, 0.35) == 0
    assert easing_step(0.0, 0.0) == 1
