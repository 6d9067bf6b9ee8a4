"""Faces carried forward: where they truly went, whatever speed or picture alone would say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livexpr import face_mesh, head_pose, prediction
from livexpr.landmarks import Landmarker
from livexpr.types import FaceTrack, Frame, NoFace
from tests.conftest import SHARED_DIR
from tests.quality import measures
from tests.quality.playing import clip

SIZE = (360, 300)
FRAME_S = 1 / 30
LIP = 14


@pytest.fixture(scope="module")
def still(synthetic_face) -> tuple[FaceTrack, np.ndarray]:
    """A face and its picture, with the grain that skin and cameras have."""
    track = synthetic_face.track(size=SIZE)
    picture = synthetic_face.draw(track, size=SIZE).astype(np.float32)
    grain = np.random.default_rng(5).normal(0, 6, picture.shape[:2])
    picture += cv2.GaussianBlur(grain, (0, 0), 1.5)[..., None] * 3
    return track, np.clip(picture, 0, 255).astype(np.uint8)


def moved(still, x=0.0, y=0.0, turn_rad=0.0, growth=1.0) -> tuple[FaceTrack, np.ndarray]:
    """Return the face and its picture, shifted by px, turned and grown about the middle."""
    track, picture = still
    linear = growth * np.array(
        [[np.cos(turn_rad), -np.sin(turn_rad)], [np.sin(turn_rad), np.cos(turn_rad)]]
    )
    middle = (np.array(SIZE) - 1) / 2
    shift = middle + np.array([x, y]) - linear @ middle
    landmarks = track.landmarks_px.copy()
    landmarks[:, :2] = landmarks[:, :2] @ linear.T + shift
    landmarks[:, 2] *= growth
    pixels = cv2.warpAffine(
        picture, np.column_stack([linear, shift]), SIZE, borderMode=cv2.BORDER_REFLECT
    )
    pose = head_pose.fit_pose(landmarks.astype(np.float32))
    return replace(track, landmarks_px=landmarks.astype(np.float32), frame_from_head=pose), pixels


def anchor_of(*seen: tuple[FaceTrack, np.ndarray]) -> prediction.Anchor:
    """Return the last of some frames, one every thirtieth of a second from 0 on."""
    anchor = None
    for index, (track, pixels) in enumerate(seen):
        anchor = prediction.anchored(track, pixels, index * FRAME_S, anchor)
    return anchor


def carried(anchor, pixels, time_s: float) -> FaceTrack | NoFace:
    return prediction.carried(anchor, pixels, time_s).track


def error_px(found: FaceTrack | NoFace, truth: FaceTrack) -> float:
    assert isinstance(found, FaceTrack), found
    off = np.linalg.norm(found.landmarks_px[:, :2] - truth.landmarks_px[:, :2], axis=1)
    return float(np.percentile(off, 95))


def errors_px(still, frames: int, x=0.0, y=0.0, turn_rad=0.0, growth=1.0) -> tuple[float, float]:
    """Return how far off a face is that moves on as it did: carried, and left where it was."""
    at = [moved(still, n * x, n * y, n * turn_rad, growth**n) for n in range(3 + frames)]
    anchor = anchor_of(*at[:3])
    truth, pixels = at[-1]
    found = carried(anchor, pixels, (2 + frames) * FRAME_S)
    return error_px(found, truth), error_px(anchor.track, truth)


@settings(max_examples=40, deadline=None)
@given(
    speed=st.floats(0, 8),
    towards_rad=st.floats(0, 2 * np.pi),
    turn_rad=st.floats(-0.03, 0.03),
    growth=st.floats(0.97, 1.03),
    frames=st.integers(1, 2),
)
def test_a_rigid_motion_is_followed(still, speed, towards_rad, turn_rad, growth, frames) -> None:
    """Up to 240 px and 52 degrees a second, on a face of 180 px; its outline included."""
    x, y = speed * np.cos(towards_rad), speed * np.sin(towards_rad)
    carried_px, left_px = errors_px(still, frames, x, y, turn_rad, growth)
    assert carried_px < 0.6 * frames
    assert carried_px < max(0.5 * left_px, 0.4)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-8, 8),
    y=st.floats(-8, 8),
    turn_rad=st.floats(-0.06, 0.06),
    growth=st.floats(0.97, 1.03),
    frames=st.integers(1, 2),
)
def test_a_faster_one_is_followed_half_the_way(still, x, y, turn_rad, growth, frames) -> None:
    carried_px, left_px = errors_px(still, frames, x, y, turn_rad, growth)
    assert carried_px < max(0.5 * left_px, 0.4)


def test_a_head_that_stops_does_not_overshoot(still) -> None:
    """Speed says: 8 px further. The picture says: no."""
    at = [moved(still, 8.0 * n) for n in range(3)]
    found = carried(anchor_of(*at), at[-1][1], 3 * FRAME_S)
    assert error_px(found, at[-1][0]) < 0.8


def test_a_head_that_starts_is_followed_without_any_speed(still) -> None:
    truth, pixels = moved(still, 10.0, -4.0)
    found = carried(anchor_of(still, still), pixels, 2 * FRAME_S)
    assert error_px(found, truth) < 0.5


def test_a_hand_before_half_of_the_points_does_not_drag_the_head(still, rng) -> None:
    truth, pixels = moved(still, 5.0)
    left, top = still[0].landmarks_px[:, :2].min(axis=0).astype(int)
    hand = rng.integers(90, 200, (70, 90, 3), np.uint8)
    pixels[top + 100 : top + 170, left + 20 : left + 110] = hand
    assert error_px(carried(anchor_of(still, still), pixels, 2 * FRAME_S), truth) < 1.0


def test_a_turned_head_is_followed_in_three_dimensions(synthetic_face) -> None:
    """A plane motion would leave nose or cheeks behind."""
    at = []
    for yaw_rad in (0.0, 0.04, 0.08, 0.12):
        track = synthetic_face.track(size=SIZE, yaw_rad=yaw_rad)
        at.append((track, synthetic_face.draw(track, size=SIZE)))
    found = carried(anchor_of(*at[:3]), at[3][1], 3 * FRAME_S)
    assert error_px(found, at[3][0]) < 0.5 * error_px(at[2][0], at[3][0])


def test_a_still_face_stays_though_its_landmarks_tremble(still, rng) -> None:
    """Speed alone, gone on with, would add 1.4 times the noise."""
    track, pixels = still
    noise_px = 0.15
    seen = []
    for _ in range(30):
        noise = rng.normal(0, noise_px, track.landmarks_px.shape).astype(np.float32)
        landmarks = track.landmarks_px + noise
        pose = head_pose.fit_pose(landmarks)
        seen.append((replace(track, landmarks_px=landmarks, frame_from_head=pose), pixels))
    anchor, added = None, []
    for index, (one, picture) in enumerate(seen):
        anchor = prediction.anchored(one, picture, index * FRAME_S, anchor)
        found = carried(anchor, picture, (index + 1) * FRAME_S)
        added.append(found.landmarks_px[:, :2] - one.landmarks_px[:, :2])
    assert np.sqrt(np.mean(np.square(added))) < 0.65 * noise_px


def test_lips_go_on_at_part_of_their_speed(synthetic_face) -> None:
    pixels = synthetic_face.draw(synthetic_face.track(size=SIZE), size=SIZE)
    tracks = [synthetic_face.track(size=SIZE, mouth_cm=0.2 * n) for n in range(3)]
    anchor = anchor_of(*((track, pixels) for track in tracks))
    found = carried(anchor, pixels, 3 * FRAME_S)
    step = tracks[2].landmarks_px[LIP, 1] - tracks[1].landmarks_px[LIP, 1]
    assert 0.3 * step < found.landmarks_px[LIP, 1] - tracks[2].landmarks_px[LIP, 1] < 0.7 * step


def test_a_picture_that_has_nothing_of_the_face_carries_it_for_a_moment_only(still, rng) -> None:
    other = rng.integers(0, 255, still[1].shape, np.uint8)
    anchor = anchor_of(still, still)
    assert isinstance(carried(anchor, other, 2 * FRAME_S), FaceTrack)
    assert not carried(anchor, other, FRAME_S + 0.2)


def test_nobody_is_carried_for_long(still) -> None:
    anchor = anchor_of(still, still)
    assert isinstance(carried(anchor, still[1], prediction.LIMIT_S), FaceTrack)
    late = carried(anchor, still[1], prediction.LIMIT_S + 0.05)
    assert isinstance(late, NoFace)
    assert "late" in late.reason


def test_a_frame_of_another_size_carries_by_speed(still) -> None:
    at = [moved(still, 6.0 * n) for n in range(4)]
    small = np.zeros((60, 80, 3), np.uint8)
    found = carried(anchor_of(*at[:3]), small, 3 * FRAME_S)
    assert error_px(found, at[3][0]) < 3.5


@pytest.mark.parametrize("shift", [(-400.0, 0.0), (0.0, 330.0), (-150.0, -120.0)])
def test_a_face_outside_the_picture_does_no_harm(still, shift) -> None:
    track, pixels = still
    landmarks = track.landmarks_px + np.array([*shift, 0], np.float32)
    outside = replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))
    found = carried(anchor_of((outside, pixels)), pixels, FRAME_S)
    assert np.isfinite(found.landmarks_px).all()


def test_a_tiny_face_is_carried_by_speed(synthetic_face) -> None:
    track = synthetic_face.track(px_per_cm=0.8)
    pixels = synthetic_face.draw(track)
    assert error_px(carried(anchor_of((track, pixels)), pixels, 0.01), track) < 0.1


def test_doubt_is_small_where_the_picture_agrees(still) -> None:
    at = [moved(still, 5.0 * n) for n in range(4)]
    assert prediction.carried(anchor_of(*at[:3]), at[3][1], 3 * FRAME_S).doubt < 0.002


def test_doubt_is_infinite_where_the_picture_tells_nothing(still, rng) -> None:
    blank = np.zeros_like(still[1])
    assert prediction.carried(anchor_of(still, still), blank, 2 * FRAME_S).doubt == np.inf


def test_doubt_is_large_where_the_picture_goes_elsewhere(still) -> None:
    """Half of the face goes left, the other right."""
    left, right = moved(still, -9.0)[1], moved(still, 9.0)[1]
    torn = np.concatenate([left[:, : SIZE[0] // 2], right[:, SIZE[0] // 2 :]], axis=1)
    sheared = cv2.GaussianBlur(torn, (0, 0), 2.0)
    assert prediction.carried(anchor_of(still, still), sheared, 2 * FRAME_S).doubt > 0.002


@given(st.integers(0, 2**32 - 1))
def test_equations_are_solved(seed) -> None:
    rng = np.random.default_rng(seed)
    basis = rng.normal(0, 1, (24, 4)) * rng.uniform(0.1, 10, 4)
    matrix, right = basis.T @ basis + 0.01 * np.eye(4), rng.normal(0, 1, (4, 2))
    np.testing.assert_allclose(matrix @ prediction._solved(matrix, right), right, atol=1e-9)


@pytest.mark.parametrize("later_s", [0.0, -0.1])
def test_a_frame_that_is_not_later_shows_what_was_found(still, later_s) -> None:
    anchor = anchor_of(still, still)
    assert carried(anchor, still[1], anchor.time_s + later_s) is anchor.track


@pytest.mark.parametrize("gap_s", [0.0, -1.0, 1e-4, 2.0])
def test_speed_is_not_taken_from_impossible_times(still, gap_s) -> None:
    first = prediction.anchored(*still, 5.0, None)
    second = prediction.anchored(*moved(still, 9.0), 5.0 + gap_s, first)
    assert not second.places[:, 4:].any()
    assert not second.head_speed.any()


def test_nothing_is_written_to(still) -> None:
    _, pixels = moved(still, 3.0)
    anchor = anchor_of(still, still)
    landmarks = anchor.track.landmarks_px.copy()
    pixels.setflags(write=False)
    carried(anchor, pixels, 2 * FRAME_S)
    np.testing.assert_array_equal(anchor.track.landmarks_px, landmarks)


@pytest.mark.shared
def test_real_faces_are_carried_to_where_they_are_found() -> None:
    """A smile, 30 pictures a second; as on a face 360 px tall."""
    pictures = list(clip(SHARED_DIR / "clips" / "neutral_and_smile.mp4"))
    with Landmarker(video=True) as landmarker:
        tracks = [
            landmarker.detect(Frame(pixels, index, time_s))
            for index, (pixels, time_s) in enumerate(pictures)
        ]
    errors, waiting = measures.prediction_errors(
        [pixels for pixels, _ in pictures], tracks, [time_s for _, time_s in pictures]
    )
    height = np.median([np.ptp(one.landmarks_px[: face_mesh.N_LANDMARKS, 1]) for one in tracks])
    assert np.percentile(errors, 95) * 360 / height < 1.5
    assert waiting <= 6
