"""Lids slide over an eye that stays as it is: round, in its place, with nothing smeared."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import moves
from kernels.surfaces import Wish
from livexpr import face_mesh, head_pose, placement
from livexpr.eyes import IRIS_CENTRES, IRIS_RADIUS_CM, N_VERTICES, eye_mesh
from livexpr.types import FaceTrack

UPPER, LOWER = list(face_mesh.UPPER_LIDS), list(face_mesh.LOWER_LIDS)
PX_PER_CM = 25.0


def down_of(track: FaceTrack) -> NDArray:
    down = -track.frame_from_head[:2, 1]
    return (down / np.linalg.norm(down)).astype(np.float32)


def parted(track: FaceTrack, upper_cm: float, lower_cm: float = 0.0) -> NDArray:
    """Return the landmarks, (468, 2), with the lids moved away from the eye, corners not."""
    moved = track.landmarks_px[: face_mesh.N_LANDMARKS, :2].copy()
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    arch = np.tile(np.sin(np.linspace(0, np.pi, 9)), 2).astype(np.float32)[:, None]
    moved[UPPER] -= np.float32(upper_cm * scale) * arch * down_of(track)
    moved[LOWER] += np.float32(lower_cm * scale) * arch * down_of(track)
    return moved


class EyeMesh(NamedTuple):
    """What :func:`eye_mesh` writes and returns."""

    target_px: NDArray
    source_px: NDArray
    triangles: NDArray


def eyes_of(track: FaceTrack, moved: NDArray) -> EyeMesh | None:
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    target = np.zeros((N_VERTICES, 2), np.float32)
    values = np.zeros((N_VERTICES, 5), np.float32)
    triangles = eye_mesh(target, values, track.landmarks_px, moved, down_of(track), scale)
    return None if triangles is None else EyeMesh(target, values[:, :2], triangles)


def used(eyes: EyeMesh, eye: int) -> NDArray:
    return np.unique(eyes.triangles[eye])


def inside(points: NDArray, track: FaceTrack, slack_px: float) -> NDArray:
    """Say which points lie between the live lids of their eye."""
    down, right = down_of(track), np.array([down_of(track)[1], -down_of(track)[0]])
    results = np.zeros(len(points), bool)
    for part in (slice(9), slice(9, 18)):
        upper, lower = (track.landmarks_px[lids[part], :2] for lids in (UPPER, LOWER))
        x = points @ right
        top = np.interp(x, upper @ right, upper @ down) - slack_px
        bottom = np.interp(x, lower @ right, lower @ down) + slack_px
        within = (x >= (upper @ right)[0] - slack_px) & (x <= (upper @ right)[-1] + slack_px)
        results |= within & (points @ down >= top) & (points @ down <= bottom)
    return results


def test_eyes_that_do_not_move_need_no_mesh(synthetic_face) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    assert eyes_of(track, parted(track, 0.0)) is None
    assert eyes_of(track, parted(track, 0.01)) is None


@given(upper_cm=st.floats(0.05, 0.3), lower_cm=st.floats(0, 0.1), roll_rad=st.floats(-0.5, 0.5))
def test_what_a_lid_uncovers_observes_the_same_circle_about_the_iris(
    synthetic_face, upper_cm: float, lower_cm: float, roll_rad: float
) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM, roll_rad=roll_rad)
    eyes = eyes_of(track, parted(track, upper_cm, lower_cm))
    assert eyes is not None
    for eye, iris in enumerate(IRIS_CENTRES):
        centre = track.landmarks_px[iris, :2]
        rows = used(eyes, eye)
        target, source = eyes.target_px[rows] - centre, eyes.source_px[rows] - centre
        near = np.linalg.norm(target, axis=1) < IRIS_RADIUS_CM * PX_PER_CM
        # The margins themselves are the lids' own.
        still = np.linalg.norm(source - target, axis=1) < 1e-3
        turned = np.abs(np.linalg.norm(source, axis=1) - np.linalg.norm(target, axis=1)) < 0.5
        margin = np.isin(np.round(source + centre, 1), np.round(track.landmarks_px[:, :2], 1)).any(
            axis=1
        )
        assert (still | turned | margin | ~near).mean() > 0.9
        assert (still & near).sum() > 10, "most of the iris stays as it is"


@given(upper_cm=st.floats(-0.3, 0.5), lower_cm=st.floats(-0.3, 0.4), yaw_rad=st.floats(-0.6, 0.6))
def test_only_the_live_eye_is_observed(
    synthetic_face, upper_cm: float, lower_cm: float, yaw_rad: float
) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM, yaw_rad=yaw_rad)
    moved = parted(track, upper_cm, lower_cm)
    eyes = eyes_of(track, moved)
    if eyes is None:
        return
    assert np.isfinite(eyes.source_px).all()
    assert np.isfinite(eyes.target_px).all()
    crossing = ((moved[LOWER] - moved[UPPER]) @ down_of(track)).min() < 0
    rows = np.unique(eyes.triangles)
    assert crossing or inside(eyes.source_px[rows], track, slack_px=1.0).all()


@pytest.mark.parametrize("upper_cm", [-0.25, 0.3])
def test_the_eye_ends_where_the_skin_begins(synthetic_face, upper_cm: float) -> None:
    """Its margins run through the moved landmarks of the lids and observe the live ones."""
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    moved = parted(track, upper_cm)
    eyes = eyes_of(track, moved)
    assert eyes is not None
    for landmark in UPPER + LOWER:
        distance = np.linalg.norm(eyes.target_px - moved[landmark], axis=1)
        assert distance.min() < 1e-2
        seen = eyes.source_px[distance < 1e-2] - track.landmarks_px[landmark, :2]
        assert np.linalg.norm(seen, axis=1).min() < 1e-2


def test_a_narrowed_eye_keeps_its_pupil_in_place(synthetic_face) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    eyes = eyes_of(track, parted(track, -0.06, -0.06))
    assert eyes is not None
    for eye, iris in enumerate(IRIS_CENTRES):
        rows = used(eyes, eye)
        near = np.linalg.norm(eyes.target_px[rows] - track.landmarks_px[iris, :2], axis=1) < 2
        assert near.any()
        np.testing.assert_allclose(
            eyes.source_px[rows][near], eyes.target_px[rows][near], atol=1e-3
        )


def held_back(track: FaceTrack, displacement_px: NDArray) -> NDArray:
    """Return displacements, (468, 2), px, of a face that looks into the camera, lids held back."""
    n = face_mesh.N_LANDMARKS
    wish_cm = np.zeros((n, 3), np.float32)
    wish_cm[:, :2] = displacement_px / (PX_PER_CM, -PX_PER_CM)
    target = np.zeros((face_mesh.N_VERTICES, 2), np.float32)
    values = np.zeros((face_mesh.N_VERTICES, 5), np.float32)
    still = np.zeros_like(wish_cm)
    wish = Wish(still[:, 0].copy(), still, wish_cm, np.ones(n, np.bool_), 0.0, 0.0)
    points, pose = track.landmarks_px, track.frame_from_head
    moves.move(target, values, points, pose, PX_PER_CM, wish, placement.surface(), placement.LIMITS)
    return target[:n] - points[:n, :2]


def test_lids_part_little_further_than_the_iris_reaches(synthetic_face) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    live, down = track.landmarks_px[:, :2], down_of(track)
    tops = []
    for wish_cm in np.linspace(0, 1.5, 61):
        moved = parted(track, float(wish_cm)) - live[: face_mesh.N_LANDMARKS]
        moved = held_back(track, moved)
        risen = -((live[UPPER] + moved[UPPER] - live[[468] * 9 + [473] * 9]) @ down)
        tops.append(risen.max() / PX_PER_CM)
    assert (np.diff(tops) >= -1e-4).all()
    assert np.diff(tops).max() < 0.03
    assert tops[-1] < max(1.3 * IRIS_RADIUS_CM, tops[0] + 0.05)


def test_lids_that_close_are_not_held_back(synthetic_face) -> None:
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    live = track.landmarks_px[:, :2]
    moved = parted(track, -0.3, -0.2) - live[: face_mesh.N_LANDMARKS]
    np.testing.assert_allclose(held_back(track, moved), moved, atol=1e-3)


def test_who_blinks_blinks(synthetic_face) -> None:
    """However wide an expression opens the eyes, lids that the user shuts stay shut."""
    track = synthetic_face.track(px_per_cm=PX_PER_CM)
    landmarks = track.landmarks_px.copy()
    landmarks[UPPER] = landmarks[LOWER] - [0, 1, 0]
    shut = replace(track, landmarks_px=landmarks)
    moved = parted(shut, 0.4, 0.2) - landmarks[: face_mesh.N_LANDMARKS, :2]
    np.testing.assert_allclose(held_back(shut, moved), 0, atol=0.05)
