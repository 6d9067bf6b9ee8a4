"""The inside of the mouth: registered, sharp, symmetric, and darker towards the lips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from livexpr.training.mouth_picture import mouth_layer, registered_average

SIZE = 128


def drawn_mouth(*, shift: float = 0.0, tooth_px: int = 12) -> np.ndarray:
    """Draw a row of teeth over a dark cavity, (SIZE, SIZE, 3) uint8."""
    mouth = np.full((SIZE, SIZE, 3), (50, 40, 90), np.uint8)
    middle = SIZE / 2 + shift
    for i in range(-6, 6):
        left = round((middle + i * tooth_px + 1) * 16)
        right = round((middle + (i + 1) * tooth_px - 1) * 16)
        cv2.rectangle(mouth, (left, 8 * 16), (right, 64 * 16), (190, 205, 210), -1, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mouth, (0, 0), 0.8)


def contrast(picture: np.ndarray) -> float:
    """How much the gaps between the teeth stand out."""
    return float(np.abs(np.diff(picture[20:55, 30:98, 1].astype(float), axis=1)).mean())


def test_teeth_fall_on_teeth() -> None:
    """Mouths that differ by a third of a tooth stay sharp, where a plain mean blurs them."""
    mouths = [drawn_mouth(shift=shift) for shift in (-4, -2, 0, 2, 4)]
    plain = np.mean(mouths, axis=0)
    registered = registered_average(mouths, [1.0] * 5)
    assert contrast(plain) < 0.6 * contrast(mouths[2])
    assert contrast(registered) > 1.4 * contrast(plain)


def test_average_is_symmetric_and_within_range(rng) -> None:
    mouths = [drawn_mouth(shift=float(s)) for s in rng.uniform(-3, 3, 4)]
    average = registered_average(mouths, [1.0, 0.5, 2.0, 1.0])
    assert average.shape == (SIZE, SIZE, 3)
    assert average.dtype == np.float32
    np.testing.assert_allclose(average, average[:, ::-1], atol=1e-3)
    assert average.min() >= 0
    assert average.max() <= 255


def test_one_symmetric_mouth_is_its_own_average() -> None:
    mouth = drawn_mouth()
    mouth = ((mouth.astype(int) + mouth[:, ::-1]) // 2).astype(np.uint8)
    average = registered_average([mouth], [1.0])
    assert np.abs(average - mouth).mean() < 1


def test_same_mouths_give_the_same_bits() -> None:
    mouths = [drawn_mouth(shift=shift) for shift in (-2, 1)]
    one, other = (registered_average(mouths, [1.0, 1.0]) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_layer_is_in_units_of_skin_and_fades_to_the_lips() -> None:
    average = np.full((SIZE, SIZE, 3), 150, np.float32)
    layer = mouth_layer(average, 150.0)
    assert layer.shape == (SIZE, SIZE, 4)
    assert layer.dtype == np.float32
    opacity = layer[..., 3]
    assert not opacity[[0, -1]].any()
    assert not opacity[:, [0, -1]].any()
    assert (opacity[20:100, 20:100] == 1).all()
    colour = layer[:, SIZE // 2, 1]
    assert 0.7 < colour[60] < 1
    assert colour[2] < 0.8 * colour[60], "the upper lip shades the teeth"
    assert colour[-3] < colour[60]
    assert (np.diff(colour[:60]) >= 0).all()


@pytest.mark.parametrize("skin_luma", [60.0, 200.0])
def test_layer_scales_with_the_skin_it_comes_from(skin_luma: float) -> None:
    average = np.full((32, 32, 3), 120, np.float32)
    np.testing.assert_allclose(
        mouth_layer(average, skin_luma)[..., :3] * skin_luma,
        mouth_layer(average, 100.0)[..., :3] * 100,
        rtol=1e-5,
    )
