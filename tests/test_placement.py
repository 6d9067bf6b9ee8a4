"""Where vertices go: follows the face, tears nothing, and leaves the rest of the picture alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from livexpr import face_mesh, head_pose, pixel_map, presets, regions
from livexpr.pixel_map import PixelMap
from livexpr.placement import Placement, place
from livexpr.regions import landmark_amounts
from livexpr.types import FaceTrack

UPPER, LOWER = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
UPPER_LIDS, LOWER_LIDS = list(face_mesh.UPPER_LIDS), list(face_mesh.LOWER_LIDS)
WHOLE = (1.0, 1.0, 1.0, 1.0)
# Rounding of float32 at a few hundred px.
EPSILON_PX = 1e-3

intensities = st.floats(-1, 2)
poses = st.fixed_dictionaries(
    {
        "yaw_rad": st.floats(-0.6, 0.6),
        "pitch_rad": st.floats(-0.5, 0.5),
        "roll_rad": st.floats(-0.8, 0.8),
        "px_per_cm": st.floats(5, 30),
        "mouth_cm": st.floats(-0.5, 3),
    }
)


@pytest.fixture(scope="module")
def happy() -> PixelMap:
    return pixel_map.load(presets.map_path("happy"))


def placed(track: FaceTrack, a_map: PixelMap, strength: float, regions=WHOLE) -> Placement:
    return place(track, a_map, landmark_amounts(strength, regions))


def down_of(track: FaceTrack) -> NDArray:
    down = -track.frame_from_head[:2, 1]
    return down / np.linalg.norm(down)


def gaps(points: NDArray, upper: list[int], lower: list[int], track: FaceTrack) -> NDArray:
    return (points[lower, :2] - points[upper, :2]) @ down_of(track)


def corrupted(a_map: PixelMap, seed: int, sigma_cm: float) -> PixelMap:
    """Return the map with offsets no expression has: the rules must hold for any file."""
    noise = np.random.default_rng(seed).normal(0, sigma_cm, a_map.offset_cm.shape)
    return replace(a_map, offset_cm=a_map.offset_cm + noise.astype(np.float32))


def test_nothing_wanted_moves_nothing(synthetic_face, happy: PixelMap) -> None:
    track = synthetic_face.track(yaw_rad=0.3, mouth_cm=0.3)
    result = placed(track, happy, 0.0)
    np.testing.assert_array_equal(result.target_px[:468], track.landmarks_px[:468, :2])
    np.testing.assert_array_equal(result.values[:468, :2], track.landmarks_px[:468, :2])
    assert not result.values[:468, 4].any()


def test_coarse_eyes_are_those_of_the_mesh_and_all_else_is_the_same(
    synthetic_face, happy: PixelMap
) -> None:
    track = synthetic_face.track(yaw_rad=0.2)
    amounts = landmark_amounts(1.0, WHOLE)
    fine, coarse = (place(track, happy, amounts, fine_eyes=fine) for fine in (True, False))
    n = face_mesh.N_VERTICES
    assert len(coarse.target_px) == n < len(fine.target_px)
    np.testing.assert_array_equal(coarse.target_px, fine.target_px[:n])
    np.testing.assert_array_equal(coarse.values, fine.values[:n])
    every, finer = face_mesh.load().triangles, fine.triangles[(fine.triangles < n).all(axis=1)]
    as_sets = [{tuple(t) for t in some.tolist()} for some in (coarse.triangles, every, finer)]
    assert as_sets[0] == as_sets[1] > as_sets[2]


@given(pose=poses, intensity=intensities)
def test_collar_never_moves(synthetic_face, happy: PixelMap, pose, intensity: float) -> None:
    result = placed(synthetic_face.track(**pose), happy, intensity)
    np.testing.assert_array_equal(
        result.target_px[face_mesh.COLLAR], result.values[face_mesh.COLLAR, :2]
    )
    assert not result.values[face_mesh.COLLAR, 4].any()


@given(pose=poses, intensity=intensities)
def test_lips_never_cross(synthetic_face, happy: PixelMap, pose, intensity: float) -> None:
    track = synthetic_face.track(**pose)
    result = placed(track, happy, intensity)
    assert (gaps(result.target_px, UPPER, LOWER, track) >= -EPSILON_PX).all()


@given(pose=poses, intensity=intensities)
def test_lids_never_close_below_their_least_opening(
    synthetic_face, happy: PixelMap, pose, intensity: float
) -> None:
    track = synthetic_face.track(**pose)
    live = gaps(track.landmarks_px, UPPER_LIDS, LOWER_LIDS, track)
    target = gaps(placed(track, happy, intensity).target_px, UPPER_LIDS, LOWER_LIDS, track)
    least = np.where(live > 0, 0.45 * live, live)
    assert (target >= least - EPSILON_PX).all()


@given(
    pose=poses,
    intensity=intensities,
    regions=st.tuples(*[st.floats(0, 2)] * 4),
    seed=st.integers(0, 50),
    sigma_cm=st.floats(0, 1),
)
def test_rules_hold_for_any_map_and_any_region_weights(
    synthetic_face, happy: PixelMap, pose, intensity: float, regions, seed: int, sigma_cm: float
) -> None:
    track = synthetic_face.track(**pose)
    result = placed(track, corrupted(happy, seed, sigma_cm), intensity, regions)
    assert np.isfinite(result.target_px).all()
    assert np.isfinite(result.values).all()
    assert (gaps(result.target_px, UPPER, LOWER, track) >= -EPSILON_PX).all()
    live = gaps(track.landmarks_px, UPPER_LIDS, LOWER_LIDS, track)
    target = gaps(result.target_px, UPPER_LIDS, LOWER_LIDS, track)
    assert (target >= np.where(live > 0, 0.45 * live, live) - EPSILON_PX).all()
    np.testing.assert_array_equal(
        result.target_px[face_mesh.COLLAR], result.values[face_mesh.COLLAR, :2]
    )
    assert (result.values[:, 2:4] >= 0).all()
    # Below the mouth picture, which hangs from the upper lip, rows count on; it is clear there.
    in_picture = slice(face_mesh.MOUTH_UPPER.start, face_mesh.MOUTH_LOWER_INSET.stop)
    assert (np.delete(result.values[:, 3], np.r_[in_picture]) <= 1).all()
    assert (result.values[:, 2] <= 1).all()


@given(
    scale=st.floats(0.4, 3),
    roll=st.floats(-1, 1),
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    intensity=intensities,
)
def test_placement_follows_the_frame(
    synthetic_face, happy: PixelMap, scale: float, roll: float, shift, intensity: float
) -> None:
    """A translated, rotated and scaled picture gets the translated, rotated and scaled target."""
    track = synthetic_face.track(yaw_rad=0.2, pitch_rad=-0.1, mouth_cm=0.3)
    turn = scale * Rotation.from_euler("z", roll).as_matrix()
    landmarks = (track.landmarks_px @ turn.T + [*shift, 0]).astype(np.float32)
    moved = replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))
    here, there = placed(track, happy, intensity), placed(moved, happy, intensity)
    # The rows that fade in the mouth lie a fixed number of px inside the lips.
    same = np.ones(len(here.target_px), bool)
    same[face_mesh.MOUTH_UPPER_INSET] = same[face_mesh.MOUTH_LOWER_INSET] = False
    expected = here.target_px @ turn[:2, :2].T + shift
    np.testing.assert_allclose(there.target_px[same], expected[same], atol=0.1 * max(scale, 1))


def test_a_smile_raises_the_corners_of_the_mouth_and_its_reverse_lowers_them(
    synthetic_face, happy: PixelMap
) -> None:
    track = synthetic_face.track()
    corners = [61, 291]
    live = track.landmarks_px[corners, 1]
    rise = [live - placed(track, happy, a).target_px[corners, 1] for a in (-1, 0.5, 1, 2)]
    assert (rise[0] < -2).all()
    assert (rise[1] > 1).all()
    np.testing.assert_allclose(rise[2], 2 * rise[1], rtol=0.02)
    # At twice the smile, the skin beside the corners begins to fold and is held back.
    np.testing.assert_allclose(rise[3], 2 * rise[2], rtol=0.06)


def test_a_turned_head_is_moved_along_its_own_axes(synthetic_face, happy: PixelMap) -> None:
    """What rises on an upright head rises along the head's own axis on a tilted one."""
    tilted = synthetic_face.track(roll_rad=0.6)
    motion = (placed(tilted, happy, 1.0).target_px[:468] - tilted.landmarks_px[:468, :2]) @ (
        -down_of(tilted)
    )
    upright = synthetic_face.track()
    expected = upright.landmarks_px[:468, 1] - placed(upright, happy, 1.0).target_px[:468, 1]
    np.testing.assert_allclose(motion, expected, atol=0.02)


def test_a_blink_survives(synthetic_face, happy: PixelMap) -> None:
    track = synthetic_face.track()
    landmarks = track.landmarks_px.copy()
    landmarks[UPPER_LIDS] = landmarks[LOWER_LIDS]
    shut = replace(track, landmarks_px=landmarks)
    for intensity in (-1.0, 1.0, 2.0):
        target = placed(shut, happy, intensity).target_px
        opening = gaps(target, UPPER_LIDS, LOWER_LIDS, shut)
        assert (opening >= -EPSILON_PX).all()
        if intensity > 0:
            # A smile narrows eyes: it must not pull open one that is shut.
            assert opening.max() < 0.5


def test_eyes_observe_themselves(synthetic_face, happy: PixelMap) -> None:
    """Inside the live opening, lids slide over the eye: its pixels stay where they are."""
    track = synthetic_face.track(px_per_cm=25)
    result = placed(track, happy, 1.0)
    live = gaps(track.landmarks_px, UPPER_LIDS, LOWER_LIDS, track)
    for part, lids in ((face_mesh.LID_UPPER, UPPER_LIDS), (face_mesh.LID_LOWER, LOWER_LIDS)):
        target, source = result.target_px[part], result.values[part, :2]
        along = (target - track.landmarks_px[UPPER_LIDS, :2]) @ down_of(track)
        covered = (along >= 0) & (along <= live) & (live > 1)
        assert covered.sum() >= 6, lids
        np.testing.assert_allclose(source[covered], target[covered], atol=0.2)
        assert not result.values[part, 4].any(), "no gain on an eye"


def test_teeth_hang_from_the_upper_lip_and_keep_their_size(synthetic_face, happy: PixelMap) -> None:
    """However far the user opens the mouth in speech; below them shows the user's own inside."""
    pair = len(face_mesh.INNER_LIP_UPPER) // 2
    top, bottom = face_mesh.MOUTH_UPPER.start + pair, face_mesh.MOUTH_LOWER.start + pair
    px_per_picture = []
    for mouth_cm in (0.0, 0.4, 0.8):
        result = placed(synthetic_face.track(mouth_cm=mouth_cm), happy, 1.0)
        assert result.values[top, 3] == pytest.approx(0, abs=1e-6)
        assert result.values[face_mesh.MOUTH_UPPER_INSET.start + pair, 4] == pytest.approx(1)
        height = np.linalg.norm(result.target_px[bottom] - result.target_px[top])
        px_per_picture.append(height / result.values[bottom, 3])
    assert result.values[bottom, 3] > 1.2
    np.testing.assert_allclose(px_per_picture, px_per_picture[0], rtol=0.02)


@pytest.mark.parametrize("mouth_cm", [2.6, 3.5])
def test_a_mouth_the_user_opens_shows_the_users_own(
    synthetic_face, happy: PixelMap, mouth_cm: float
) -> None:
    result = placed(synthetic_face.track(mouth_cm=mouth_cm), happy, 1.0)
    middle = slice(face_mesh.MOUTH_UPPER_INSET.start + 3, face_mesh.MOUTH_UPPER_INSET.stop - 3)
    assert (result.values[middle, 4] == 0).all()


def test_a_shut_mouth_that_opens_shows_the_picture(synthetic_face, happy: PixelMap) -> None:
    result = placed(synthetic_face.track(mouth_cm=-0.5), happy, 1.0)
    middle = face_mesh.MOUTH_UPPER_INSET.start + 5
    assert result.values[middle, 4] == pytest.approx(1, abs=0.01)


def test_the_mouth_picture_gives_way_without_a_jump(synthetic_face, happy: PixelMap) -> None:
    openings = np.linspace(-0.5, 2.5, 121)
    middle = face_mesh.MOUTH_UPPER_INSET.start + 5
    shown, gap = [], []
    for opening in openings:
        track = synthetic_face.track(mouth_cm=float(opening))
        result = placed(track, happy, 1.0)
        shown.append(result.values[middle, 4])
        gap.append(gaps(result.target_px, UPPER, LOWER, track)[5])
    assert np.abs(np.diff(shown)).max() < 0.12
    # The target opens on with the live mouth: speech is never held back.
    assert (np.diff(gap) >= -EPSILON_PX).all()


def test_strength_moves_everything_without_a_jump(synthetic_face, happy: PixelMap) -> None:
    track = synthetic_face.track(mouth_cm=-0.3)
    steps = [
        placed(track, happy, float(a)).target_px[: face_mesh.N_VERTICES]
        for a in np.linspace(-1, 2, 301)
    ]
    # One hundredth of a smile that moves 1.1 cm, on a face of 10 px a cm, and some room.
    assert np.abs(np.diff(steps, axis=0)).max() < 0.5


def test_regions_are_weighted_on_their_own(synthetic_face, happy: PixelMap) -> None:
    track = synthetic_face.track()
    still = placed(track, happy, 1.0, (1, 1, 1, 0)).target_px
    full = placed(track, happy, 1.0).target_px
    live = track.landmarks_px[:, :2]
    corner, lid = 61, 159
    assert np.linalg.norm(still[corner] - live[corner]) < 0.35 * np.linalg.norm(
        full[corner] - live[corner]
    )
    np.testing.assert_allclose(still[lid], full[lid], atol=0.05)


def test_regions_cover_what_their_names_say_and_no_more_than_all() -> None:
    fields = regions.region_fields()
    assert fields.shape == (face_mesh.N_LANDMARKS, 4)
    assert (fields >= 0).all()
    assert (fields.sum(axis=1) <= 1 + 1e-6).all()
    named = {"brows": 105, "eyes": 159, "cheeks": 205, "mouth": 13}
    for column, region in enumerate(regions.REGIONS):
        assert fields[named[region]].argmax() == column
    left_right = np.abs(fields[[70, 33, 50, 61]] - fields[[300, 263, 280, 291]])
    assert left_right.max() < 0.05


@given(strength=intensities, regions=st.tuples(*[st.floats(0, 2)] * 4))
def test_amounts_stay_between_those_of_the_regions(strength: float, regions) -> None:
    amounts = landmark_amounts(strength, regions)
    assert amounts.dtype == np.float32
    limits = sorted(strength * weight for weight in (0 + min(1, *regions), max(1, *regions)))
    assert (amounts >= limits[0] - 1e-5).all()
    assert (amounts <= limits[1] + 1e-5).all()


def test_far_triangles_are_drawn_first_and_the_mouth_last(synthetic_face, happy) -> None:
    track = synthetic_face.track(yaw_rad=0.6)
    result = placed(track, happy, 1.0)
    mesh = face_mesh.load()
    n_mouth = mesh.n_mouth_triangles
    np.testing.assert_array_equal(result.triangles[-n_mouth:], mesh.triangles[-n_mouth:])
    assert result.n_mouth_triangles == n_mouth
    # Lids that move have eyes of their own; all else is the face's mesh.
    as_sets = {tuple(t) for t in result.triangles.tolist() if max(t) < face_mesh.N_VERTICES}
    eyes = range(face_mesh.LID_UPPER.start, face_mesh.LID_LOWER.stop)
    skin = {tuple(t) for t in mesh.triangles.tolist() if not set(t) <= set(eyes)}
    assert as_sets == skin
    depth = face_mesh.all_vertices(track.landmarks_px)[:, 2]
    n_collar = len(mesh.triangles) - n_mouth - mesh.n_face_triangles
    drawn = result.triangles[n_collar:-n_mouth]
    face = depth[drawn[(drawn < face_mesh.N_VERTICES).all(axis=1)]].sum(axis=1)
    # Told apart in 65536 steps.
    assert (np.diff(face) <= 2e-5 * np.ptp(face)).all()


def test_track_and_map_are_only_read(synthetic_face, happy: PixelMap) -> None:
    track = synthetic_face.track(mouth_cm=-0.5)
    landmarks, offset = track.landmarks_px.copy(), happy.offset_cm.copy()
    for intensity in (-1.0, 2.0):
        placed(track, happy, intensity)
    np.testing.assert_array_equal(track.landmarks_px, landmarks)
    np.testing.assert_array_equal(happy.offset_cm, offset)
