"""The measures themselves, on motion and noise with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.quality import measures

MIDDLES = np.arange(1, 399)


def test_jitter_of_white_noise_is_its_standard_deviation(rng) -> None:
    trembling = rng.normal(0, 0.3, (400, 50, 2)).astype(np.float32)
    # Two directions, so sqrt(2) of it, in thousandths of 100 px.
    assert measures.jitter(trembling, 100, MIDDLES) == pytest.approx(3 * np.sqrt(2), rel=0.05)


def test_smooth_motion_hardly_jitters() -> None:
    times = np.arange(400) / 30
    path = 30 * np.sin(2 * np.pi * 0.5 * times)
    moving = np.broadcast_to(path[:, None, None], (400, 50, 2)).astype(np.float32)
    assert measures.jitter(moving, 300, MIDDLES) < 0.8


@given(late=st.floats(-1, 3))
def test_lag_is_found(late: float) -> None:
    times = np.arange(120.0)

    def path(at: np.ndarray) -> np.ndarray:
        return np.stack([40 * np.sin(at / 7), 20 * np.sin(at / 9 + 1)], axis=1)

    assert measures.lag(path(times - late) + 3, path(times)) == pytest.approx(late, abs=0.1)


def test_flicker_of_the_same_noise_is_one_and_of_twice_is_two(rng) -> None:
    noise = rng.normal(0, 5, (40, 30, 30, 3))
    before = list(np.clip(np.round(128 + noise), 0, 255).astype(np.uint8))
    twice = list(np.clip(np.round(128 + 2 * noise), 0, 255).astype(np.uint8))
    middles = np.arange(1, 39)
    shifted = [picture + np.uint8(7) for picture in before]
    assert measures.flicker(before, shifted, middles) == pytest.approx(1)
    assert measures.flicker(before, twice, middles) == pytest.approx(2, rel=0.02)


def test_flicker_counts_only_what_was_changed(rng) -> None:
    before = list(rng.integers(60, 200, (10, 20, 20, 3), np.uint8))
    after = [picture.copy() for picture in before]
    for picture in after:
        picture[5:10, 5:10] = 128
    assert measures.flicker(before, after, np.arange(1, 9)) == 0


@pytest.mark.parametrize("step", [0, 3, 20])
def test_seam_is_the_step_at_the_border(step: int) -> None:
    before = np.full((40, 40, 3), 100, np.uint8)
    after = before.copy()
    after[10:30, 10:30] += np.uint8(step)
    found = measures.seam(before, after)
    assert found is None if step == 0 else found == pytest.approx(step, rel=1e-4)


def test_a_feathered_change_has_no_seam() -> None:
    before = np.full((60, 60, 3), 100, np.uint8)
    rows, columns = np.mgrid[:60, :60]
    ramp = np.clip(25 - np.maximum(abs(rows - 30), abs(columns - 30)), 0, 20)
    found = measures.seam(before, (before + ramp[..., None]).astype(np.uint8))
    assert found == pytest.approx(1, abs=0.01)


def test_still_triples_leave_out_a_moving_head(synthetic_face) -> None:
    still = synthetic_face.track().landmarks_px
    path = np.concatenate([np.zeros(10), 5 * np.arange(10), np.full(10, 45.0)])
    moving = np.stack([still + np.float32([x, 0, 0]) for x in path])
    assert measures.still_triples(moving).tolist() == [*range(1, 10), *range(20, 29)]


def test_lip_opening_does_not_depend_on_size(synthetic_face) -> None:
    sizes = [synthetic_face.track(px_per_cm=px, mouth_cm=1.0).landmarks_px for px in (5.0, 20.0)]
    small, large = measures.lip_opening(np.stack(sizes))
    assert small == pytest.approx(large, rel=1e-3)
    shut = measures.lip_opening(synthetic_face.track().landmarks_px[None])
    assert shut < small
