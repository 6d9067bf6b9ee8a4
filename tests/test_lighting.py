"""How the live face is lit: from skin and the whites of the eyes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import face_mesh, lighting

# A mouth as a laugh opens it.
OPEN_CM = 1.0
colours = st.tuples(*[st.floats(5, 250)] * 3)


@pytest.fixture(scope="module")
def scene(synthetic_face):
    track = synthetic_face.track(size=(480, 480), px_per_cm=20)
    return synthetic_face.draw(track, size=(480, 480)), track.landmarks_px


def test_luma_is_that_of_opencv(rng) -> None:
    pixels = rng.integers(0, 256, (1, 50, 3), np.uint8)
    expected = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[0]
    found = [lighting.luma(colour.astype(np.float32)) for colour in pixels[0]]
    np.testing.assert_allclose(found, expected, atol=0.75)


def test_skin_colour_is_the_skins(scene) -> None:
    pixels, landmarks = scene
    blue, green, red = lighting.skin_bgr(pixels, landmarks)
    # Drawn as (130, 160, 210) under shading.
    assert blue < green < red
    assert red / blue == pytest.approx(210 / 130, rel=0.05)


def test_skin_colour_ignores_what_is_no_skin(scene) -> None:
    pixels, landmarks = scene
    spoiled = pixels.copy()
    mouth = landmarks[list(face_mesh.INNER_LIP_UPPER), :2].astype(np.int32)
    cv2.fillPoly(spoiled, [mouth], (0, 255, 0))
    spoiled[:20] = 255
    np.testing.assert_array_equal(
        lighting.skin_bgr(spoiled, landmarks), lighting.skin_bgr(pixels, landmarks)
    )


@given(dx=st.floats(-3000, 3000), dy=st.floats(-3000, 3000))
def test_faces_that_leave_the_frame_do_no_harm(scene, dx: float, dy: float) -> None:
    pixels, landmarks = scene
    moved = landmarks + np.array([dx, dy, 0], np.float32)
    skin = lighting.skin_bgr(pixels, moved)
    white = lighting.eye_white_bgr(pixels, moved)
    assert ((skin >= 0) & (skin <= 255)).all()
    assert white is None or ((white >= 0) & (white <= 255)).all()


def test_far_outside_there_is_no_white_and_mid_grey_skin(scene) -> None:
    pixels, landmarks = scene
    outside = landmarks + np.float32(5000)
    assert lighting.eye_white_bgr(pixels, outside) is None
    np.testing.assert_array_equal(lighting.skin_bgr(pixels, outside), [128, 128, 128])


def test_whites_of_open_eyes_are_found_and_shut_eyes_have_none(scene) -> None:
    pixels, landmarks = scene
    white = lighting.eye_white_bgr(pixels, landmarks)
    assert white is not None
    np.testing.assert_allclose(white, [225, 228, 230], atol=8)
    shut = landmarks.copy()
    shut[list(face_mesh.LOWER_LIDS)] = shut[list(face_mesh.UPPER_LIDS)]
    assert lighting.eye_white_bgr(pixels, shut) is None


@given(skin=colours, white=st.none() | colours, opening_cm=st.floats(-1, 9))
def test_light_in_the_mouth_is_finite_and_positive(skin, white, opening_cm: float) -> None:
    white = None if white is None else np.array(white, np.float32)
    light = lighting.mouth_light(np.array(skin, np.float32), white, opening_cm)
    assert np.isfinite(light).all()
    assert (light > 0).all()


def test_black_pictures_do_no_harm() -> None:
    black = np.zeros(3, np.float32)
    for white in (None, black):
        assert np.isfinite(lighting.mouth_light(black, white, 1.0)).all()


@given(skin=colours, white=colours, brighter=st.floats(1.01, 3))
def test_more_light_makes_the_mouth_brighter(skin, white, brighter: float) -> None:
    skin, white = np.array(skin, np.float32), np.array(white, np.float32)
    before = lighting.luma(lighting.mouth_light(skin, white, OPEN_CM))
    assert lighting.luma(lighting.mouth_light(brighter * skin, brighter * white, OPEN_CM)) > before
    assert lighting.luma(lighting.mouth_light(brighter * skin, white, OPEN_CM)) > before


def test_dark_skin_under_the_same_light_keeps_bright_teeth() -> None:
    """Under one light, whites are equally bright; skin a third as bright dims teeth far less."""
    white = np.array([130, 133, 150], np.float32)
    fair, dark = (np.array([0.75, 0.95, 1.15], np.float32) * luma for luma in (150, 50))
    ratio = lighting.luma(lighting.mouth_light(dark, white, OPEN_CM)) / lighting.luma(
        lighting.mouth_light(fair, white, OPEN_CM)
    )
    assert ratio > 0.5


def test_the_lights_cast_falls_on_the_teeth() -> None:
    skin = np.array([110, 140, 180], np.float32)
    warm, cold = (
        lighting.mouth_light(skin, np.array(white, np.float32), OPEN_CM)
        for white in ((100, 140, 190), (190, 140, 110))
    )
    assert warm[2] / warm[0] > 1.5 * cold[2] / cold[0]


def test_reflections_in_glasses_are_no_light(scene) -> None:
    skin = np.array([40, 55, 70], np.float32)
    glare = lighting.mouth_light(skin, np.full(3, 255, np.float32), OPEN_CM)
    bright = lighting.mouth_light(skin, np.full(3, 160, np.float32), OPEN_CM)
    assert lighting.luma(glare) == pytest.approx(lighting.luma(bright), rel=0.01)


def test_pictures_and_landmarks_are_only_read(scene) -> None:
    pixels, landmarks = scene
    before = pixels.copy(), landmarks.copy()
    lighting.skin_bgr(pixels, landmarks)
    lighting.eye_white_bgr(pixels, landmarks)
    np.testing.assert_array_equal(pixels, before[0])
    np.testing.assert_array_equal(landmarks, before[1])


def test_a_narrow_slit_is_darker_and_never_black() -> None:
    skin, white = np.array([110, 140, 180], np.float32), np.array([180, 184, 207], np.float32)
    for eye_white in (None, white):
        lumas = [
            lighting.luma(lighting.mouth_light(skin, eye_white, opening_cm))
            for opening_cm in np.linspace(0, 2, 41)
        ]
        steps = np.diff(lumas)
        assert (steps >= 0).all()
        assert (steps < 0.1 * lumas[-1]).all(), "no jump"
        assert 0.3 * lumas[-1] < lumas[0] < 0.7 * lumas[-1]
