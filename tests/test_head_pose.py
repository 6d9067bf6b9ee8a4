"""Head pose: the similarity fit against SciPy, and a pose that follows the frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from livexpr import face_mesh, head_pose

angles = st.floats(-1.2, 1.2)
scales = st.floats(0.5, 80)
shifts = st.floats(-500, 2000)


def similarity(scale: float, rotation: Rotation, shift) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation.as_matrix()
    matrix[:3, 3] = shift
    return matrix


@given(
    scale=scales, turn=st.tuples(angles, angles, angles), shift=st.tuples(shifts, shifts, shifts)
)
def test_similarity_is_recovered(scale: float, turn, shift) -> None:
    source = np.random.default_rng(1).normal(0, 5, (40, 3)).astype(np.float32)
    wanted = similarity(scale, Rotation.from_euler("xyz", turn), shift)
    target = (source @ wanted[:3, :3].T + wanted[:3, 3]).astype(np.float32)
    found = head_pose.fit_similarity(source, target)
    np.testing.assert_allclose(found[:3, :3], wanted[:3, :3], atol=2e-3 * scale)
    np.testing.assert_allclose(found[:3, 3], shift, atol=0.01 * scale + 0.01)


@pytest.mark.parametrize("noise", [0.05, 0.5, 2.0])
def test_rotation_agrees_with_scipy_on_noisy_points(rng, noise: float) -> None:
    source = rng.normal(0, 5, (60, 3)).astype(np.float32)
    rotation = Rotation.from_euler("xyz", [0.3, -0.5, 0.2])
    target = 3 * rotation.apply(source) + [100, 50, 7] + rng.normal(0, noise, source.shape)
    found = head_pose.fit_similarity(source, target.astype(np.float32))
    scale = np.cbrt(np.linalg.det(found[:3, :3]))
    expected, _ = Rotation.align_vectors(target - target.mean(axis=0), source - source.mean(axis=0))
    np.testing.assert_allclose(found[:3, :3] / scale, expected.as_matrix(), atol=1e-4)


@given(
    singular=st.tuples(st.floats(0.02, 9), st.floats(0.02, 9), st.floats(-9, 9)),
    turns=st.tuples(angles, angles, angles, angles, angles, angles),
)
def test_rotation_is_that_of_the_singular_values(singular, turns) -> None:
    """Of mirrored and of flat correlations too: whatever it is, nothing is nearer."""
    left, right = Rotation.from_euler("xyz", [turns[:3], turns[3:]]).as_matrix()
    matrix = left @ np.diag(singular) @ right
    found = head_pose._nearest_rotation(matrix)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(found) > 0
    u, values, vt = np.linalg.svd(matrix)
    values[2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))
    assert np.vdot(found, matrix) >= values.sum() - 1e-6


def test_fit_is_the_least_squares_one(rng) -> None:
    source = rng.normal(0, 5, (30, 3)).astype(np.float32)
    target = (2 * source + rng.normal(0, 1, source.shape)).astype(np.float32)
    found = head_pose.fit_similarity(source, target)

    def squares(matrix) -> float:
        return float(((source @ matrix[:3, :3].T + matrix[:3, 3] - target) ** 2).sum())

    best = squares(found)
    for _ in range(50):
        nearby = similarity(
            rng.normal(1, 0.02), Rotation.from_rotvec(rng.normal(0, 0.02, 3)), rng.normal(0, 0.1, 3)
        )
        assert squares(nearby @ found) > best


def test_a_mirrored_cloud_gives_a_rotation_all_the_same(rng) -> None:
    source = rng.normal(0, 5, (30, 3)).astype(np.float32)
    found = head_pose.fit_similarity(source, source * np.array([-1, 1, 1], np.float32))
    assert np.linalg.det(found[:3, :3]) > 0


@given(
    yaw=angles,
    pitch=st.floats(-0.8, 0.8),
    roll=angles,
    scale=st.floats(3, 40),
)
def test_pose_of_a_drawn_face_is_found(synthetic_face, yaw, pitch, roll, scale) -> None:
    track = synthetic_face.track(yaw_rad=yaw, pitch_rad=pitch, roll_rad=roll, px_per_cm=scale)
    found = head_pose.fit_pose(track.landmarks_px)
    assert head_pose.scale_px_per_cm(found) == pytest.approx(scale, rel=1e-3)
    rest = face_mesh.load().rest_cm
    np.testing.assert_allclose(
        head_pose.to_frame(rest, found), track.landmarks_px[: face_mesh.N_LANDMARKS], atol=0.02
    )


@pytest.mark.parametrize("angle", [-0.4, 0.25])
def test_angles_are_named_as_seen(synthetic_face, angle: float) -> None:
    for axis, name in enumerate(("yaw_rad", "pitch_rad", "roll_rad")):
        track = synthetic_face.track(**{name: angle})
        expected = [0.0, 0.0, 0.0]
        expected[axis] = angle
        np.testing.assert_allclose(head_pose.angles_rad(track.frame_from_head), expected, atol=1e-4)


def test_signs_of_the_angles(synthetic_face) -> None:
    nose, forehead, middle = 1, 10, synthetic_face.track().landmarks_px
    turned_left = synthetic_face.track(yaw_rad=0.3).landmarks_px
    assert turned_left[nose, 0] > middle[nose, 0], "the subject's left is the picture's right"
    looking_down = synthetic_face.track(pitch_rad=0.3).landmarks_px
    assert looking_down[nose, 1] > middle[nose, 1]
    tilted = synthetic_face.track(roll_rad=0.3).landmarks_px
    assert tilted[forehead, 0] > middle[forehead, 0], "clockwise as seen"


@given(
    scale=st.floats(0.3, 3),
    roll=angles,
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
)
def test_head_space_follows_a_moved_frame(synthetic_face, scale: float, roll: float, shift) -> None:
    """Translated, rotated and scaled pictures of one face are one face in head space."""
    track = synthetic_face.track(yaw_rad=0.2, mouth_cm=0.4)
    moved = similarity(scale, Rotation.from_euler("z", roll), (*shift, 0))
    landmarks = (track.landmarks_px @ moved[:3, :3].T + moved[:3, 3]).astype(np.float32)
    pose = head_pose.fit_pose(landmarks)
    np.testing.assert_allclose(
        head_pose.to_head(landmarks, pose),
        head_pose.to_head(track.landmarks_px, track.frame_from_head),
        atol=2e-3,
    )
    np.testing.assert_allclose(pose, moved @ track.frame_from_head, atol=1e-2 * max(1, scale))


def test_to_frame_undoes_to_head(synthetic_face, rng) -> None:
    track = synthetic_face.track(yaw_rad=0.5, pitch_rad=-0.2, roll_rad=0.9)
    points = rng.uniform(-300, 900, (100, 3)).astype(np.float32)
    back = head_pose.to_frame(
        head_pose.to_head(points, track.frame_from_head), track.frame_from_head
    )
    np.testing.assert_allclose(back, points, atol=1e-2)


def test_expressions_hardly_move_the_pose(synthetic_face) -> None:
    shut, open_ = synthetic_face.track(), synthetic_face.track(mouth_cm=2.0)
    np.testing.assert_allclose(open_.frame_from_head, shut.frame_from_head, atol=1e-4)
