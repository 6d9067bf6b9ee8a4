"""Smoothing: calm at rest, quick in motion, and never late behind a moving head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import face_mesh, head_pose
from livexpr.smoothing import smooth
from livexpr.types import FaceTrack

FRAME_S = 1 / 30
CHIN, LIP = 152, 14


def run(tracks, smoothing: float, frame_s: float = FRAME_S) -> list[FaceTrack]:
    state, smoothed = None, []
    for index, track in enumerate(tracks):
        track, state = smooth(track, index * frame_s, state, smoothing)
        smoothed.append(track)
    return smoothed


def jittered(track: FaceTrack, rng: np.random.Generator, sigma_px: float) -> FaceTrack:
    """Return the face with noise on every landmark, its pose that of the face itself."""
    noise = rng.normal(0, sigma_px, track.landmarks_px.shape).astype(np.float32)
    return replace(track, landmarks_px=track.landmarks_px + noise)


def lip_drop_cm(track: FaceTrack) -> float:
    return float(-head_pose.to_head(track.landmarks_px[[LIP]], track.frame_from_head)[0, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_a_still_face_stays_where_it_is(synthetic_face, smoothing: float) -> None:
    track = synthetic_face.track(yaw_rad=0.3, mouth_cm=0.5)
    for smoothed in run([track] * 20, smoothing):
        np.testing.assert_allclose(smoothed.landmarks_px, track.landmarks_px, atol=2e-3)


@given(
    yaw=st.floats(-0.6, 0.6),
    roll=st.floats(-0.6, 0.6),
    scale=st.floats(6, 20),
    shift=st.floats(-200, 200),
)
def test_rigid_motion_of_a_still_face_passes_unchanged(
    synthetic_face, yaw: float, roll: float, scale: float, shift: float
) -> None:
    """However far the head jumps from frame to frame, its landmarks are not late at all."""
    tracks = []
    for part in np.linspace(0, 1, 8) ** 2:
        track = synthetic_face.track(
            yaw_rad=part * yaw, roll_rad=part * roll, px_per_cm=10 + part * (scale - 10)
        )
        landmarks = track.landmarks_px + np.array([part * shift, -part * shift, 0], np.float32)
        tracks.append(
            replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))
        )
    for smoothed, track in zip(run(tracks, 1.0), tracks, strict=True):
        np.testing.assert_allclose(smoothed.landmarks_px, track.landmarks_px, atol=0.05)


@pytest.mark.parametrize(("smoothing", "least_factor"), [(0.5, 1.7), (1.0, 2.5)])
def test_jitter_is_reduced(synthetic_face, rng, smoothing: float, least_factor: float) -> None:
    """Noise of half a pixel (0.5 mm on this face), as the landmark model has it."""
    still = synthetic_face.track()
    noisy = [jittered(still, rng, 0.5) for _ in range(120)]
    smoothed = run(noisy, smoothing)

    def spread(tracks) -> float:
        stack = np.stack([t.landmarks_px[: face_mesh.N_LANDMARKS, :2] for t in tracks[30:]])
        return float(stack.std(axis=0).mean())

    assert spread(noisy) > least_factor * spread(smoothed)


def test_more_smoothing_is_calmer(synthetic_face, rng) -> None:
    still = synthetic_face.track()
    noisy = [jittered(still, rng, 0.5) for _ in range(90)]
    spreads = [
        np.stack([t.landmarks_px for t in run(noisy, amount)[30:]])[:, :468].std(axis=0).mean()
        for amount in (0.0, 0.5, 1.0)
    ]
    assert spreads[0] > spreads[1] > spreads[2]


@pytest.mark.parametrize(("smoothing", "most_s"), [(0.0, 0.07), (0.5, 0.14), (1.0, 0.2)])
def test_an_opening_mouth_is_followed_quickly(synthetic_face, smoothing: float, most_s) -> None:
    """A jaw that falls at once by 1 cm is nine tenths there within the time stated."""
    shut, open_ = synthetic_face.track(), synthetic_face.track(mouth_cm=1.0)
    smoothed = run([shut] * 15 + [open_] * 30, smoothing)
    before, after = lip_drop_cm(shut), lip_drop_cm(open_)
    progress = [(lip_drop_cm(t) - before) / (after - before) for t in smoothed]
    late = next(i for i, part in enumerate(progress) if part >= 0.9) - 15
    assert late * FRAME_S <= most_s
    assert max(progress) < 1.05, "no overshoot"
    assert progress[-1] == pytest.approx(1, abs=0.01)


def test_speech_keeps_its_size(synthetic_face) -> None:
    """Lips that open and close three times a second keep seven tenths of their stroke."""
    stroke = 0.4 * (1 - np.cos(2 * np.pi * 3 * np.arange(60) * FRAME_S))
    tracks = [synthetic_face.track(mouth_cm=float(opening)) for opening in stroke]
    live = np.array([lip_drop_cm(t) for t in tracks[20:]])
    smoothed = np.array([lip_drop_cm(t) for t in run(tracks, 0.5)[20:]])
    assert np.ptp(smoothed) > 0.7 * np.ptp(live)


def test_frame_rate_does_not_matter_much(synthetic_face) -> None:
    shut, open_ = synthetic_face.track(), synthetic_face.track(mouth_cm=0.3)
    reached = []
    for rate in (15, 30, 60):
        frames = run([shut] * rate + [open_] * (rate // 5), 1.0, 1 / rate)
        reached.append((lip_drop_cm(frames[-1]) - lip_drop_cm(shut)) / 0.3)
    assert np.ptp(reached) < 0.15


def test_a_face_after_a_gap_is_a_new_one(synthetic_face) -> None:
    _, state = smooth(synthetic_face.track(), 0.0, None, 1.0)
    other = synthetic_face.track(mouth_cm=1.0)
    smoothed, _ = smooth(other, 0.6, state, 1.0)
    np.testing.assert_array_equal(smoothed.landmarks_px, other.landmarks_px)


@pytest.mark.parametrize("time_s", [1.0, 0.5])
def test_a_clock_that_stands_still_or_goes_back_does_no_harm(synthetic_face, time_s) -> None:
    _, state = smooth(synthetic_face.track(), 1.0, None, 0.5)
    other = synthetic_face.track(mouth_cm=1.0)
    smoothed, state = smooth(other, time_s, state, 0.5)
    assert np.isfinite(smoothed.landmarks_px).all()
    smoothed, _ = smooth(other, time_s + FRAME_S, state, 0.5)
    np.testing.assert_allclose(smoothed.landmarks_px, other.landmarks_px, atol=2e-3)


def test_input_and_state_are_not_written_to(synthetic_face, rng) -> None:
    track = jittered(synthetic_face.track(), rng, 0.5)
    _, state = smooth(synthetic_face.track(), 0.0, None, 0.5)
    landmarks, remembered = track.landmarks_px.copy(), state.head_cm.copy()
    smooth(track, FRAME_S, state, 0.5)
    np.testing.assert_array_equal(track.landmarks_px, landmarks)
    np.testing.assert_array_equal(state.head_cm, remembered)
