"""Distances of pictures, against scikit-image, and the geometries they are taken in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import metrics

from livexpr.errors import FormatError
from livexpr.training.evaluation.fidelity import (
    GEOMETRIES,
    Shown,
    compare,
    difference,
    paper_crop,
    psnr_db,
    shape_error,
)


def test_difference_is_scikit_images(rng):
    a, b = (rng.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(2))
    found = difference(a, b)
    assert found.mse == pytest.approx(metrics.mean_squared_error(a / 255, b / 255))
    assert found.psnr_db == pytest.approx(metrics.peak_signal_noise_ratio(a, b))
    assert difference(a, a).mse == 0
    assert difference(a, a).ssim == pytest.approx(1)
    assert difference(a, b).ssim == pytest.approx(difference(b, a).ssim)


def test_only_what_is_under_the_mask_counts(rng):
    a = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    b = a.copy()
    b[:, :10] = 0
    right = np.zeros((40, 40), np.bool_)
    right[:, 20:] = True
    assert difference(a, b, right).mse == 0
    assert difference(a, b, ~right).mse > 0
    with pytest.raises(FormatError, match="cannot compare"):
        difference(a, b[:20])


@given(st.floats(1e-9, 1.0))
def test_psnr_falls_with_the_error_and_is_bounded(mse):
    assert 0 <= psnr_db(mse) <= psnr_db(mse / 2) <= 80
    assert psnr_db(0) == 80


def test_the_same_picture_is_nearest_in_every_geometry(synthetic_face):
    track = synthetic_face.track()
    shown = Shown(synthetic_face.draw(track), track.landmarks_px)
    for found in compare(shown, shown, shown).values():
        assert found.psnr_db > 45
        assert found.ssim > 0.99
    assert shape_error(shown, shown) == pytest.approx(0, abs=1e-4)


def test_a_head_that_only_moved_counts_for_little(synthetic_face):
    """The real photograph's head stands elsewhere: no error of expression."""
    here = synthetic_face.track()
    there = synthetic_face.track(px_per_cm=9.5, roll_rad=0.05)
    neutral = Shown(synthetic_face.draw(here), here.landmarks_px)
    real = Shown(synthetic_face.draw(there), there.landmarks_px)
    assert shape_error(neutral, real) < 0.5
    found = compare(neutral, neutral, real)
    assert tuple(found) == GEOMETRIES
    for geometry in GEOMETRIES:
        assert found[geometry].psnr_db > 25, geometry


def test_an_open_mouth_that_was_missed_is_an_error_of_shape_and_place(synthetic_face):
    shut, opened = synthetic_face.track(), synthetic_face.track(mouth_cm=1.2)
    neutral, real = (Shown(synthetic_face.draw(t), t.landmarks_px) for t in (shut, opened))
    missed, made = compare(neutral, neutral, real), compare(neutral, real, real)
    for geometry in ("rest", "crop"):
        assert made[geometry].mse < 0.5 * missed[geometry].mse
    assert shape_error(neutral, real) > shape_error(real, real) + 1


def test_the_crop_is_that_of_the_method_itself(synthetic_face):
    track = synthetic_face.track(roll_rad=0.3)
    pixels = synthetic_face.draw(track)
    crop = paper_crop(Shown(pixels, track.landmarks_px))
    upright = paper_crop(
        Shown(synthetic_face.draw(still := synthetic_face.track()), still.landmarks_px)
    )
    assert crop.shape == (128, 128, 3)
    middle = slice(24, 104)
    assert difference(crop[middle, middle], upright[middle, middle]).psnr_db > 22
