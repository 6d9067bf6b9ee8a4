"""What is measured on one face, and means of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.training.evaluation import measures
from livexpr.training.evaluation.contenders import trial
from livexpr.training.evaluation.measures import BOTH, recognised
from livexpr.training.evaluation.portraits import Portrait
from livexpr.training.judges import EXPRESSIONS, Verdict
from livexpr.types import NoFace

SCORES = st.fixed_dictionaries({name: st.floats(0, 1) for name in EXPRESSIONS})


@given(SCORES, SCORES)
def test_the_first_class_and_the_one_risen_most_are_recognised(scores, neutral):
    found = {name for name in EXPRESSIONS if recognised(scores, neutral, name)}
    assert max(scores, key=scores.get) in found
    most = max(scores, key=lambda name: scores[name] - neutral[name])
    assert most in found or scores[most] <= neutral[most]
    assert 1 <= len(found) <= 2


@given(SCORES)
def test_on_a_face_that_was_left_as_it_is_only_what_it_showed_is_recognised(scores):
    first = max(scores, key=scores.get)
    assert [name for name in EXPRESSIONS if recognised(scores, scores, name)] == [first]


def test_judges_are_averaged_under_both():
    scores = [dict.fromkeys(EXPRESSIONS, 0.0) | {"sad": sad} for sad in (0.2, 0.6)]
    verdict = Verdict(
        np.zeros((478, 3), np.float32), dict(zip("ab", scores, strict=True)), np.zeros(128)
    )
    assert measures.all_scores(verdict)[BOTH]["sad"] == pytest.approx(0.4)


@pytest.fixture
def neutral(world) -> Portrait:
    pixels = world.picture(100)
    return Portrait(pixels, world.track, world.judge(pixels))


def test_measures_are_those_of_the_pictures(world, neutral):
    real = Portrait(world.picture(130), world.track, world.judge(world.picture(130)))
    taken = trial(neutral, world.picture(130), world.judge, "happy", real)
    for judge in ("fer", "facex", BOTH):
        assert taken[f"{judge} score"] == pytest.approx(130 / 255, abs=0.01)
        assert taken[f"{judge} rise"] == pytest.approx(30 / 255, abs=0.01)
        assert taken[f"{judge} recognised"] == 1
    assert taken["identity"] == pytest.approx(math.sqrt(128) * 30 / 255, abs=0.1)
    assert taken["sharpness"] == pytest.approx(1, abs=0.05)
    assert taken["own mse"] == 0
    assert taken["shape error"] == pytest.approx(0, abs=1e-4)
    assert taken["lost"] == 0


def test_nothing_done_is_nothing_found(neutral, world):
    taken = trial(neutral, neutral.pixels, world.judge, "happy")
    assert taken["identity"] == 0
    assert taken["sharpness"] == 1
    assert taken["both rise"] == 0
    assert "own mse" not in taken


def test_what_the_judges_have_no_name_for_is_judged_for_identity_only(neutral, world):
    taken = trial(neutral, world.picture(120), world.judge, None)
    assert set(taken) == {"identity", "sharpness", "lost"}


def test_a_face_that_is_lost_is_recognised_by_nobody(neutral):
    taken = trial(neutral, neutral.pixels, lambda pixels: NoFace("gone"), "happy")
    assert taken["lost"] == 1
    assert taken["both recognised"] == 0
    assert math.isnan(taken["identity"])
    whole = measures.mean([taken, {"identity": 0.2, "both recognised": 1.0}])
    assert whole["identity"] == pytest.approx(0.2)
    assert whole["both recognised"] == 0.5
    assert measures.quantile([taken], "identity", 0.5) is not None
    assert math.isnan(measures.quantile([taken], "identity", 0.5))
