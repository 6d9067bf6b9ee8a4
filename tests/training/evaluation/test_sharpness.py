"""Sharpness of skin."""

from __future__ import annotations

import cv2
import numpy as np

from livexpr.face_mesh import FACE_OVAL
from livexpr.training.evaluation.sharpness import sharpness

SIZE = 96


def oval_landmarks() -> np.ndarray:
    """Landmarks whose oval is a circle of radius 40 about the middle; eyes and mouth inside."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = SIZE / 2
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[list(FACE_OVAL), 0] += 40 * np.sin(turn)
    points[list(FACE_OVAL), 1] -= 40 * np.cos(turn)
    for index, x in ((33, -20), (133, -10), (362, 10), (263, 20)):
        points[index, :2] = SIZE / 2 + x, SIZE / 2 - 10
    return points


def test_sharpness_sees_blur_on_skin_but_not_beside_it(rng):
    pixels = rng.integers(80, 120, (SIZE, SIZE, 3), dtype=np.uint8)
    points = oval_landmarks()
    sharp = sharpness(pixels, points)
    blurred = cv2.GaussianBlur(pixels, (0, 0), 1.5)
    assert sharpness(blurred, points) < 0.3 * sharp
    inside = np.hypot(*(np.indices((SIZE, SIZE)) - SIZE / 2)) < 41
    beside = np.where(inside[..., None], pixels, blurred)
    assert sharpness(beside, points) == sharp
    eye = pixels.copy()
    eye[34:43, 31:36] = 255
    assert sharpness(eye, points) != sharp  # no lids there: skin like any other
    # Lids of the subject's right eye around that spot: no longer skin.
    for index, (x, y) in {159: (33, 30), 145: (33, 46), 33: (26, 38), 133: (40, 38)}.items():
        points[index, :2] = x, y
    assert sharpness(eye, points) == sharpness(pixels, points)


def test_the_same_texture_in_twice_the_light_is_as_sharp(rng):
    dark = rng.integers(40, 60, (SIZE, SIZE, 3), dtype=np.uint8)
    points = oval_landmarks()
    assert np.isclose(sharpness(2 * dark, points), sharpness(dark, points), rtol=0.02)


def test_a_face_out_of_the_picture_has_no_sharpness(rng):
    pixels = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert np.isnan(sharpness(pixels, oval_landmarks() + np.float32(1000)))
