"""Faces laid into face space, the masks that hold there, and the mirror."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livexpr import face_mesh
from livexpr.landmarks import Landmarker
from livexpr.training import face_space
from livexpr.types import FaceTrack, Frame

SIZE = 128


@pytest.fixture(scope="module")
def landmarker() -> Iterator[Landmarker]:
    with Landmarker(video=False) as landmarker:
        yield landmarker


def landmarks_on(pixels: np.ndarray, landmarker: Landmarker) -> np.ndarray:
    track = landmarker.detect(Frame(pixels, 0, 0.0))
    assert isinstance(track, FaceTrack)
    return track.landmarks_px


def inside(size: int, margin: int = 2) -> np.ndarray:
    """Return where face space holds face, without the mouth, which is not part of it."""
    uv = face_mesh.load().uv
    oval = np.round(uv[list(face_mesh.FACE_OVAL)] * (size - 1)).astype(np.int32)
    lips = face_mesh.INNER_LIP_UPPER + face_mesh.INNER_LIP_LOWER[::-1]
    mouth = np.round(uv[list(lips)] * (size - 1)).astype(np.int32)
    mask = cv2.fillPoly(np.zeros((size, size), np.uint8), [oval], 1)
    cv2.fillPoly(mask, [mouth], 0)
    return cv2.erode(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) == 1


def test_mirror_is_an_involution() -> None:
    mirror = face_space.mirrored_landmarks()
    np.testing.assert_array_equal(mirror[mirror], np.arange(face_mesh.N_LANDMARKS))
    assert mirror[33] == 263
    assert mirror[61] == 291
    assert mirror[1] == 1
    assert mirror[159] == 386


def test_mirrored_mesh_is_the_mesh() -> None:
    mesh, mirror = face_mesh.load(), face_space.mirrored_landmarks()
    np.testing.assert_allclose(mesh.rest_cm[mirror], mesh.rest_cm * np.array([-1, 1, 1]), atol=0.25)
    # Fits are mirrored in face space by reversing columns, so its coordinates must be symmetric.
    flipped = mesh.uv[: face_mesh.N_LANDMARKS] * np.array([-1, 1]) + np.array([1, 0])
    np.testing.assert_allclose(mesh.uv[mirror], flipped, atol=0.01)


def test_astronaut_is_laid_out_upright_and_whole(landmarker, astronaut) -> None:
    face = face_space.unwrap_face(astronaut, landmarks_on(astronaut, landmarker), SIZE)
    assert face.shape == (SIZE, SIZE, 3)
    covered = face.any(axis=2)
    assert covered[inside(SIZE)].all()
    outside = cv2.dilate(inside(SIZE, 0).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    uv = np.round(face_mesh.load().uv * (SIZE - 1)).astype(int)
    lips = uv[[13, 14]].mean(axis=0).astype(int)
    outside[lips[1] - 8 : lips[1] + 8, lips[0] - 25 : lips[0] + 25] = False
    assert not covered[outside].any()
    luma = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    cheek, pupil = uv[50], uv[[33, 133, 159, 145]].mean(axis=0).astype(int)
    assert luma[cheek[1], cheek[0]] > 120
    assert luma[pupil[1] - 2 : pupil[1] + 3, pupil[0] - 3 : pupil[0] + 4].min() < 90


def test_each_landmark_is_laid_where_the_mesh_says(synthetic_face) -> None:
    """A picture whose colours are its own coordinates shows where each pixel comes from."""
    track = synthetic_face.track(size=(250, 250), yaw_rad=0.1, roll_rad=0.2)
    rows, columns = np.mgrid[:250, :250]
    coordinates = np.stack([columns, rows, 0 * rows + 1], axis=2).astype(np.uint8)
    size = 300
    face = face_space.unwrap_face(coordinates, track.landmarks_px, size)
    lips = {*face_mesh.INNER_LIP_UPPER, *face_mesh.INNER_LIP_LOWER}
    inner = [i for i in range(468) if i not in lips and i not in face_mesh.FACE_OVAL]
    at = np.round(face_mesh.load().uv[inner] * (size - 1)).astype(int)
    found = face[at[:, 1], at[:, 0], :2].astype(float)
    misses = np.linalg.norm(found - track.landmarks_px[inner, :2], axis=1)
    assert np.median(misses) < 1
    assert np.quantile(misses, 0.95) < 2


@pytest.mark.parametrize("roll_deg", [-25, 15])
def test_face_space_does_not_depend_on_where_the_face_is(landmarker, astronaut, roll_deg) -> None:
    here = face_space.unwrap_face(astronaut, landmarks_on(astronaut, landmarker), SIZE)
    turn = cv2.getRotationMatrix2D((223, 130), roll_deg, 1.3)
    turn[:, 2] += (40, 90)
    moved = cv2.warpAffine(astronaut, turn, (512, 512), flags=cv2.INTER_CUBIC)
    there = face_space.unwrap_face(moved, landmarks_on(moved, landmarker), SIZE)
    well_inside = inside(SIZE, 8)
    difference = np.abs(here.astype(int) - there)[well_inside]
    assert difference.mean() < 10
    shuffled = np.abs(here.astype(int) - here[:, ::-1])[well_inside]
    assert difference.mean() < 0.6 * shuffled.mean(), "nearer than its own mirror image"


def test_a_picture_that_is_face_space_already_comes_back(rng) -> None:
    """Where source and target agree there is nothing to move, but everything to draw."""
    noise = cv2.GaussianBlur(rng.integers(1, 256, (SIZE, SIZE, 3), np.uint8), (0, 0), 2)
    uv = face_mesh.load().uv[: face_mesh.N_LANDMARKS] * (SIZE - 1)
    landmarks = np.column_stack([uv, np.zeros(len(uv))]).astype(np.float32)
    face = face_space.unwrap_face(noise, landmarks, SIZE)
    whole = inside(SIZE)
    np.testing.assert_allclose(face[whole].astype(int), noise[whole], atol=1)


@pytest.mark.parametrize("size", [(40, 30), (900, 700)])
def test_pictures_smaller_and_larger_than_face_space(synthetic_face, size) -> None:
    scale = min(size) / 24
    track = synthetic_face.track(size=size, px_per_cm=scale)
    pixels = synthetic_face.draw(track, size=size)
    before = pixels.copy()
    face = face_space.unwrap_face(pixels, track.landmarks_px, SIZE)
    assert face[inside(SIZE, 4)].all(axis=1).mean() > 0.99
    np.testing.assert_array_equal(pixels, before)


def test_fine_patterns_do_not_alias(synthetic_face) -> None:
    """A face much larger than face space is low-passed first: stripes become grey, not moiré."""
    size = (1024, 1024)
    track = synthetic_face.track(size=size, px_per_cm=45)
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::3] = 255
    face = face_space.unwrap_face(stripes, track.landmarks_px, 96).astype(float)
    assert face[inside(96, 12)].std() < 25
    assert face[inside(96, 12)].mean() == pytest.approx(85, abs=10)


def test_mouth_runs_from_the_subjects_right_to_left_and_from_lip_to_lip(synthetic_face) -> None:
    track = synthetic_face.track(mouth_cm=1.5)
    points = track.landmarks_px[:, :2]
    pixels = np.full((240, 240, 3), 200, np.uint8)
    middle = points[[13, 14]].mean(axis=0).astype(int)
    pixels[: middle[1], : middle[0]] = (250, 10, 10)
    pixels[: middle[1], middle[0] :] = (10, 250, 10)
    pixels[middle[1] :] = (10, 10, 250)
    mouth = face_space.unwrap_mouth(pixels, track.landmarks_px, 64)
    assert mouth.shape == (64, 64, 3)
    assert mouth[16, 16].argmax() == 0, "upper, subject's right (left as seen)"
    assert mouth[16, 48].argmax() == 1
    assert mouth[50, 16].argmax() == mouth[50, 48].argmax() == 2
    assert mouth.any(axis=2).all(), "the wedges at the corners are filled"


@pytest.mark.parametrize("size", [128, 192, 256])
def test_mask_is_feathered_and_spares_the_eyes(size: int) -> None:
    mask = face_space.feather_mask(size)
    assert mask.shape == (size, size)
    assert mask.dtype == np.float32
    assert mask.min() == 0
    assert mask.max() <= 1
    uv = np.round(face_mesh.load().uv * (size - 1)).astype(int)
    assert mask[uv[50, 1], uv[50, 0]] > 0.95, "the cheek"
    for eye in face_mesh.EYE_CENTRES:
        x, y = uv[list(eye)].mean(axis=0).astype(int)
        assert mask[y, x] == 0
    oval = uv[list(face_mesh.FACE_OVAL)]
    assert mask[oval[:, 1], oval[:, 0]].max() < 0.01
    cheeks_and_chin = mask[size // 2 :]
    for axis in (0, 1):
        assert np.abs(np.diff(cheeks_and_chin, axis=axis)).max() < 24 / size, "no seam"


def test_skin_is_face_but_not_eye() -> None:
    skin = face_space.skin_mask(192)
    uv = np.round(face_mesh.load().uv * 191).astype(int)
    assert skin.dtype == np.bool_
    for landmark in (50, 280, 9, 5):
        assert skin[uv[landmark, 1], uv[landmark, 0]]
    for landmark in (10, 152, 33, 159, 374):
        assert not skin[uv[landmark, 1], uv[landmark, 0]]
    assert not skin[face_space.feather_mask(192) < 0.5].any()
