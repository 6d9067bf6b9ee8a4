"""Weights of samples: whole numbers that are still the cubic they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import reference
from kernels.tints import MOST_BIAS, MOST_LOG_GAIN, NO_GAIN
from kernels.weights import ACROSS, DOWN, PHASES, SAMPLED, weights


@pytest.mark.parametrize("sharp", [False, True])
def test_weights_add_up_so_that_flat_colours_stay(sharp):
    across, down = weights(sharp)
    assert down.shape == across.shape == (PHASES + 1, 4)
    assert (down.sum(axis=1, dtype=int) == DOWN).all()
    assert (across.sum(axis=1, dtype=int) == ACROSS).all()


@pytest.mark.parametrize("sharp", [False, True])
def test_a_whole_pixel_is_itself(sharp):
    for table in weights(sharp):
        one = table.astype(int)
        assert (one[0] == [0, one[0].sum(), 0, 0]).all()
        assert (one[-1] == [0, 0, one[0].sum(), 0]).all()


@pytest.mark.parametrize("sharp", [False, True])
def test_left_is_as_right(sharp):
    down, across = (table.astype(int) for table in weights(sharp))
    # Rounding may give the odd one to either side.
    assert np.abs(down - down[::-1, ::-1]).max() <= 1
    assert np.abs(across - across[::-1, ::-1]).max() <= 1


@pytest.mark.parametrize(("sharp", "degree"), [(False, 1), (True, 2)])
def test_polynomials_are_followed(sharp, degree):
    """Linear samples are exact on lines, Catmull-Rom's on parabolas."""
    at = np.arange(PHASES + 1) / PHASES
    for table in weights(sharp):
        taps = np.arange(-1, 3.0) ** degree
        error = table.astype(float) / table[0].sum(dtype=float) @ taps - at**degree
        assert np.abs(error).max() <= taps.sum() / table[0].sum(dtype=float)


@pytest.mark.parametrize("sharp", [False, True])
def test_sums_fit_16_bits(sharp):
    """However the pixels lie: of rows of bytes, of two rows, and of what columns make of them."""
    across, down = (table.astype(int) for table in weights(sharp))
    highest, lowest = 2**15 - 1, -(2**15)
    rows = np.maximum(down, 0).sum(axis=1) * 255, np.minimum(down, 0).sum(axis=1) * 255
    for two in (down[:, :2], down[:, 2:]):
        assert (255 * np.maximum(two, 0).sum(axis=1)).max() <= highest
        assert (255 * np.minimum(two, 0).sum(axis=1)).min() >= lowest
    most, least = rows[0].max(), rows[1].min()
    assert most <= highest
    assert least >= lowest
    up, back = np.maximum(across, 0).sum(axis=1), np.minimum(across, 0).sum(axis=1)
    assert ((up * most + back * least) / 2**15 + 2).max() <= highest
    assert ((up * least + back * most) / 2**15 - 2).min() >= lowest


def test_a_flat_colour_is_so_many_times_itself():
    colours = np.arange(256) * DOWN
    for one in weights(True).across.astype(int):
        sampled = ((colours[:, None] * one + 2**14) >> 15).sum(axis=1)
        np.testing.assert_allclose(sampled, SAMPLED * np.arange(256), atol=2)


def test_gains_and_biases_fit_16_bits():
    """Two lines of tints are added up: the highest gain of all, and the furthest bias."""
    root = MOST_LOG_GAIN / 4
    assert 4 * round(NO_GAIN * (1 + root + root**2 / 2) ** 4) < 2**15
    assert 4 * MOST_BIAS < 2**15


def test_sharp_samples_are_pillows_bicubic(astronaut):
    """Pillow enlarges with the same cubic; its positions are whole phases."""
    image = pytest.importorskip("PIL.Image", reason="Pillow, the peer, is not installed")
    src = np.ascontiguousarray(astronaut[150:190, 180:230, ::-1])
    times = 4
    larger = image.fromarray(src).resize((50 * times, 40 * times), image.Resampling.BICUBIC)
    y, x = np.mgrid[: 40 * times, : 50 * times]
    y, x = ((at.ravel() + 0.5) / times - 0.5 for at in (y, x))
    ours = reference.sample_phases(src, x, y, True).reshape(40 * times, 50 * times, 3)
    inside = np.s_[2 * times : -2 * times, 2 * times : -2 * times]
    difference = np.abs(np.clip(ours, 0, 255) - np.asarray(larger))[inside]
    assert difference.max() <= 3
    assert difference.mean() < 0.4
