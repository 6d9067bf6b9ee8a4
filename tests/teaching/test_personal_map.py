"""Personal maps as a whole: what they are made of, and what their files say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr import face_mesh, lighting, map_file, pixel_map, presets
from livexpr.errors import LivexprError
from livexpr.teaching import nearest
from livexpr.teaching.lesson import Lesson, learned
from livexpr.teaching.looks import CANVAS_SIZE, MOUTH_SIZE, average, look
from livexpr.teaching.own_mouth import own_mouth
from livexpr.teaching.personal_map import fit
from livexpr.training.face_space import feather_mask
from tests.teaching.made_up_looks import REST, look_of, track_of

HAPPY = pixel_map.load(presets.map_path("happy"))
SMILE = np.array([HAPPY.blendshapes.get(name, 0.0) for name in nearest.BLENDSHAPE_NAMES], "f4")


def smiling(amount: float = 1.0):
    whole = pixel_map.mix([HAPPY], [amount])
    side = look_of().face.shape[0]
    gain, bias = (cv2.resize(part, (side, side)) for part in (np.exp(whole.log_gain), whole.bias))
    face = np.rint(150 * (gain + bias[..., None])).astype(np.uint8)
    return look_of(REST + amount * HAPPY.offset_cm, face=face, blendshapes=amount * SMILE)


@pytest.mark.parametrize("name", ["happy", "surprised", "angry", "brows-up", "smile-left"])
def test_the_nearest_map_to_a_shipped_one_is_itself(name: str):
    one = pixel_map.load(presets.map_path(name))
    shown = np.array([one.blendshapes.get(key, 0.0) for key in nearest.BLENDSHAPE_NAMES], "f4")
    found = nearest.chosen_map(
        [look_of(blendshapes=np.full(52, 0.5, np.float32))],
        [look_of(REST + one.offset_cm, blendshapes=0.5 + shown)],
    )
    assert found is not None
    assert found.name == name


def test_an_expression_like_none_of_them_is_shrunk_towards_no_change():
    odd = np.zeros_like(REST)
    odd[:, 0] = 0.3 * np.sin(3 * REST[:, 1])
    assert nearest.chosen_map([look_of()], [look_of(REST + odd)]) is None


def test_which_map_it_is_like_can_be_said():
    assert nearest.chosen_map([look_of()], [smiling()], "none") is None
    chosen = nearest.chosen_map([look_of()], [smiling()], "sad")
    assert chosen is not None
    assert chosen.name == "sad"
    with pytest.raises(LivexprError, match="no shipped map 'hapy': did you mean 'happy'"):
        nearest.chosen_map([look_of()], [smiling()], "hapy")


@pytest.mark.parametrize("amount", [0.6, 1.0])
def test_who_smiles_as_everybody_gets_everybodys_map(amount: float):
    fitted = learned(Lesson((look_of(),), (smiling(amount),)), "mine")
    front = fitted.offset_cm[:, :2] - amount * HAPPY.offset_cm[:, :2]
    assert np.abs(front).max() < 0.06
    expected = pixel_map.mix([HAPPY, fitted], [amount, 0.0]).gain_bias()
    assert np.abs(fitted.gain_bias() - expected).max() < 0.005
    assert fitted.blendshapes["mouthSmileLeft"] == pytest.approx(
        amount * HAPPY.blendshapes["mouthSmileLeft"], abs=1e-3
    )


def test_an_own_side_stays_on_its_side():
    """Nothing is averaged with its mirror image."""
    raised = np.zeros_like(REST)
    raised[:, 1] = 0.5 * np.exp(-((REST - REST[291]) ** 2).sum(axis=1) / 3)
    fitted = fit([look_of()], [look_of(REST + raised)], None)
    assert fitted.offset_cm[291, 1] > 0.2
    assert abs(float(fitted.offset_cm[61, 1])) < 0.01


def test_the_file_fits_and_names_its_sources(tmp_path: Path, rng: np.random.Generator):
    noisy = rng.integers(90, 200, look_of().face.shape, np.uint8)
    mouth = rng.integers(0, 255, (MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8)
    shown = look_of(REST + HAPPY.offset_cm, face=noisy, mouth=mouth, opening_cm=0.9)
    lesson = Lesson((look_of(),), (shown, shown))
    path = tmp_path / "mine.safetensors"
    pixel_map.save(learned(lesson, "mine", "happy"), path)
    assert path.stat().st_size <= map_file.MAX_BYTES
    read = pixel_map.load(path)
    outside = feather_mask(CANVAS_SIZE) == 0
    assert not read.gain_bias()[outside].any()
    said = read.metadata
    assert said["personal"] == "yes"
    assert said["expression"] == "mine"
    assert (said["neutral_looks"], said["expressive_looks"]) == ("1", "2")
    assert "happy" in said["shrunk_towards"]
    assert said["attribution"] == HAPPY.metadata["attribution"]
    assert len(said["taught_on"]) == len("2026-01-01")


def test_what_shows_nothing_is_refused():
    with pytest.raises(LivexprError, match="does not differ"):
        learned(Lesson((look_of(),), (look_of(),)), "mine")
    with pytest.raises(LivexprError, match="at least one neutral"):
        learned(Lesson((), (smiling(),)), "mine")


def test_the_same_light_gives_the_own_mouth_back(rng: np.random.Generator):
    teeth = rng.integers(40, 220, (MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8)
    shown = look_of(mouth=teeth, opening_cm=0.8)
    mouth = own_mouth([shown], [look_of()])
    assert mouth is not None
    light = lighting.mouth_light(shown.skin_bgr, look_of().eye_white_bgr, 0.8)
    middle = slice(MOUTH_SIZE // 4, -MOUTH_SIZE // 4)
    lit = mouth[middle, middle, :3] * light
    np.testing.assert_allclose(lit, teeth[middle, middle], atol=0.5)
    assert (mouth[middle, middle, 3] == 1).all()
    assert mouth[0, :, 3].max() == mouth[:, 0, 3].max() == 0


def test_narrowed_eyes_make_no_bright_teeth():
    """They show no white of the eye; that of the neutral face tells the light."""
    teeth = np.full((MOUTH_SIZE, MOUTH_SIZE, 3), 180, np.uint8)
    mouths = [
        own_mouth([look_of(mouth=teeth, opening_cm=0.8, eye_white_luma=white)], [look_of()])
        for white in (140.0, 60.0, None)
    ]
    assert mouths[0] is not None
    for other in mouths[1:]:
        assert other is not None
        np.testing.assert_array_equal(mouths[0], other)


def test_a_mouth_that_stays_shut_shows_nothing_of_its_own():
    assert own_mouth([look_of(opening_cm=0.1)], [look_of()]) is None
    # Nor does one that is open in the neutral face, too.
    assert own_mouth([look_of(opening_cm=0.5)], [look_of(opening_cm=0.45)]) is None


def test_the_average_of_looks_keeps_one_mouth(rng: np.random.Generator):
    mouths = rng.integers(0, 255, (3, MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8)
    looks = [look_of(REST + 0.1 * i, mouth=mouth) for i, mouth in enumerate(mouths)]
    one = average(looks)
    np.testing.assert_array_equal(one.mouth, mouths[1])
    np.testing.assert_allclose(one.head_cm, REST + 0.1, atol=1e-5)


def test_a_look_is_the_same_wherever_the_face_is(rng: np.random.Generator):
    pixels = rng.integers(60, 200, (320, 320, 3), np.uint8)
    near, far = track_of(), track_of(shift_px=(20, -10))
    moved = np.roll(pixels, (-10, 20), axis=(0, 1))
    one, other = look(pixels, near), look(moved, far)
    np.testing.assert_allclose(one.head_cm, other.head_cm, atol=1e-3)
    assert one.head_cm.shape == (face_mesh.N_LANDMARKS, 3)
    apart = np.abs(one.face.astype(int) - other.face)
    assert np.median(apart) == 0
