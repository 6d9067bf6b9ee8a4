"""Which moments of a film a lesson is made of. No film is read: faces are made up."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.teaching.films import chosen_moments
from tests.teaching.made_up_looks import track_of

SMILE = [BLENDSHAPE_NAMES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]
BLINK = [BLENDSHAPE_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]


def film(smile: np.ndarray, *, blinks: tuple[int, ...] = (), turned: tuple[int, ...] = ()):
    """Return tracks at 25 frames a second of a face that smiles so much on each frame."""
    rng = np.random.default_rng(5)
    tracks = {}
    for index, amount in enumerate(smile):
        shapes = np.abs(rng.normal(0, 0.01, 52)).astype(np.float32)
        shapes[SMILE] += 0.8 * amount
        shapes[BLINK] = 0.9 if index in blinks else 0.1
        yaw = 0.6 if index in turned else 0.0
        tracks[index] = (index / 25, track_of(blendshapes=shapes, yaw_rad=yaw))
    return tracks


RISING = np.concatenate([np.zeros(15), np.linspace(0, 1, 10), np.ones(20), np.linspace(1, 0, 8)])


def test_calm_neutral_and_strongest_moments_are_found():
    neutral, smiling = chosen_moments(film(RISING, blinks=(3, 4), turned=(30, 31)), "film")
    calm = {index for moment in neutral for index in moment}
    strong = {index for moment in smiling for index in moment}
    assert calm <= set(range(16)) - {3, 4}
    assert strong <= set(range(24, 47)) - {30, 31}


def test_every_smile_of_several_is_a_moment_of_its_own():
    twice = np.concatenate([RISING, np.zeros(10), RISING])
    neutral, smiling = chosen_moments(film(twice), "film")
    assert len(smiling) == 2
    assert all(len(moment) <= 3 for moment in [*neutral, *smiling])


def test_a_film_of_no_use_says_why():
    with pytest.raises(LivexprError, match="film: no expression"):
        chosen_moments(film(np.zeros(40)), "film")
    with pytest.raises(LivexprError, match="on 3 frames only"):
        chosen_moments(film(np.zeros(3)), "film")
