"""Light and shade of one person: folds are learned, light and misplaced skin are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.teaching import shade
from livexpr.teaching.looks import CANVAS_SIZE
from tests.teaching.made_up_looks import plain_skin

NOTHING = np.zeros((CANVAS_SIZE, CANVAS_SIZE), np.float32)
ROWS, COLUMNS = np.mgrid[:CANVAS_SIZE, :CANVAS_SIZE].astype(np.float32)
# A place on the cheek, canvas px.
AT = (130, 70)


def personal(neutral: np.ndarray, *expressive: np.ndarray) -> np.ndarray:
    pairs = [(shade.log_luma(neutral), shade.log_luma(one)) for one in expressive]
    return shade.personal_change(pairs, [NOTHING] * len(pairs))


def darkened(face: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return np.clip(face * factor[..., None], 0, 255).astype(np.uint8)


def fold(depth: float, width_px: float = 2.0) -> np.ndarray:
    """Return the factor of a fold down the cheek, (S, S)."""
    across = np.exp(-((COLUMNS - AT[1]) ** 2) / (2 * width_px**2))
    along = np.exp(-((ROWS - AT[0]) ** 2) / (2 * 12.0**2))
    return np.exp(-depth * across * along)


@pytest.fixture
def skin(rng: np.random.Generator) -> np.ndarray:
    """Skin with some grain."""
    grain = cv2.GaussianBlur(rng.normal(0, 4, NOTHING.shape).astype(np.float32), (0, 0), 1)
    return np.clip(plain_skin(160.0) + grain[..., None], 0, 255).astype(np.uint8)


def test_a_face_that_stays_as_it_is_is_not_shaded(skin: np.ndarray):
    assert np.abs(personal(skin, skin)).max() < 1e-3


def test_a_fold_is_learned(skin: np.ndarray):
    found = personal(skin, darkened(skin, fold(0.4)))
    assert -0.4 < found[AT] < -0.2
    assert np.abs(found[:, CANVAS_SIZE // 2 :]).max() < 0.03


@given(gain=st.floats(0.6, 1.4), across=st.floats(-0.3, 0.3), down=st.floats(-0.3, 0.3))
def test_another_light_is_not(gain: float, across: float, down: float):
    """Neither exposure nor a lamp that stands elsewhere."""
    middle = CANVAS_SIZE / 2
    lamp = gain * np.exp(across * (COLUMNS / middle - 1) + down * (ROWS / middle - 1))
    found = personal(plain_skin(130.0), darkened(plain_skin(130.0), lamp))
    assert np.abs(found).max() < 0.06


def test_a_mole_beside_itself_leaves_no_ghost(skin: np.ndarray):
    """The mesh lays skin a pixel beside itself."""
    moles = []
    for shift in (0.0, 1.5):
        away = (ROWS - AT[0]) ** 2 + (COLUMNS - AT[1] - shift) ** 2
        moles.append(darkened(skin, 1 - 0.5 * np.exp(-away / (2 * 1.5**2))))
    ratio = shade.log_luma(moles[1]) - shade.log_luma(moles[0])
    assert np.abs(personal(*moles)).max() < 0.35 * np.abs(ratio).max()


def test_more_looks_are_trusted_more(skin: np.ndarray):
    shown = darkened(skin, fold(0.3))
    depths = [float(personal(skin, *[shown] * n)[AT]) for n in (1, 4)]
    assert depths[1] < depths[0] < 0


def test_what_is_expected_is_not_learned_twice(skin: np.ndarray):
    neutral, shown = shade.log_luma(skin), shade.log_luma(darkened(skin, fold(0.3)))
    found = shade.personal_change([(neutral, shown)], [shown - neutral])
    assert np.abs(found).max() < 1e-3
