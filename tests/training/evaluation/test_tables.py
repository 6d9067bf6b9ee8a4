"""Methods, curves and the family, on people and judges that are known in advance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr.errors import LivexprError
from livexpr.training.evaluation.contenders import Contender
from livexpr.training.evaluation.curve import learning_curve
from livexpr.training.evaluation.family_table import Member, judge_family
from livexpr.training.evaluation.groups import read_groups
from livexpr.training.evaluation.method_table import REAL, compare_methods, real_expressions
from livexpr.training.evaluation.portraits import Portraits
from livexpr.training.pair_observations import find_pairs
from livexpr.types import NoFace

from .conftest import PEOPLE, brighten


def test_nobody_is_judged_by_a_map_fitted_on_them(portraits, world):
    fitted_on: list[set[str]] = []
    judged: list[list[str]] = []

    def fit(people):
        fitted_on.append(set(people))
        judged.append([])
        return None

    contender = Contender("copy", fit, lambda pixels, track, model: pixels.copy())
    compare_methods(
        portraits,
        [contender],
        world.judge,
        "happy",
        folds=3,
        on_progress=lambda done: judged[-1].append(done.removeprefix("copy, ")),
    )
    assert len(judged) == 3
    for people, others in zip(judged, fitted_on, strict=True):
        assert people
        assert others == set(PEOPLE) - set(people)
    assert sorted(person for people in judged for person in people) == list(PEOPLE)


def test_rows_tell_the_methods_apart(portraits, world):
    table = compare_methods(portraits, [brighten(0), brighten(30)], world.judge, "happy", folds=2)
    assert (table["people"], table["folds"]) == (7, 2)
    nothing, enough, real = (table["rows"][n] for n in ("brighten 0", "brighten 30", REAL))
    assert nothing["both recognised"] == 0
    assert nothing["identity max"] == 0
    assert nothing["sharpness"] == 1
    assert enough["both recognised"] == real["both recognised"] == 1
    assert enough["own psnr"] > nothing["own psnr"] + 5
    assert enough["identity median"] == pytest.approx(np.sqrt(128) * 30 / 255, abs=0.05)
    assert (enough["parameters"], enough["bytes"]) == (1, 8)
    assert enough["fit_s"] >= 0


def test_the_curve_fits_on_nested_samples_of_others(portraits, world):
    samples: list[set[str]] = []
    contender = Contender(
        "copy",
        lambda people: samples.append(set(people)),
        lambda pixels, track, model: pixels.copy(),
    )
    curve = learning_curve(
        portraits, [contender], world.judge, "happy", folds=3, rounds=2, sizes=(2, 3, 65)
    )
    assert curve["sizes"] == [2, 3, 4]
    assert len(curve["rows"]["copy"]) == 3
    assert [len(sample) for sample in samples] == [2, 3, 4] * 2
    for small, middle, large in (samples[:3], samples[3:]):
        assert small < middle < large


def member(name: str, meant: str | None, source: str) -> Member:
    def apply(pixels, track, fitted):
        return cv2.add(pixels, np.full_like(pixels, fitted.get("happy", 25)))

    return Member(name, meant, source, apply)


def test_only_what_was_held_out_is_fitted_anew(portraits, world, pairs_dir):
    fitted_on: list[set[str]] = []

    def refit(people):
        fitted_on.append(set(people))
        return {"happy": 40}

    family = judge_family(
        portraits,
        [member("happy", "happy", "held out"), member("calm", None, "rendered")],
        refit,
        world.judge,
        read_groups(pairs_dir),
        {"happy": real_expressions(portraits, "happy")},
        folds=2,
    )
    assert len(fitted_on) == 2
    happy, calm = family["rows"]["happy"], family["rows"]["calm"]
    assert happy["identity median"] == pytest.approx(np.sqrt(128) * 40 / 255, abs=0.05)
    assert calm["identity median"] == pytest.approx(np.sqrt(128) * 25 / 255, abs=0.05)
    assert (happy["both recognised"], happy["meant"]) == (1, "happy")
    assert "both recognised" not in calm


def test_groups_are_counted_and_own_expressions_shown_beside(portraits, world, pairs_dir):
    family = judge_family(
        portraits,
        [member("happy", "happy", "rendered")],
        lambda people: pytest.fail("nothing to fit"),
        world.judge,
        read_groups(pairs_dir),
        {"happy": real_expressions(portraits, "happy")},
        folds=2,
    )
    gender = family["groups"]["gender"]
    assert gender["groups"]["female"]["people"] == 3
    assert gender["groups"]["male"]["people"] == 4
    assert not gender["groups"]["male"]["compared"]
    assert gender["spread"]["all"] is None
    rates = gender["groups"]["male"]["rates"]
    assert set(rates) == {"happy", "all", "own happy"}
    assert rates["all"]["rate"] == 1
    assert rates["all"]["low"] < 0.6
    assert rates["all"]["high"] == pytest.approx(1)
    assert set(family["groups"]["ethnicity"]["groups"]) == {"black", "white"}


def test_a_picture_without_face_is_skipped_by_name(pairs_dir: Path, world):
    cv2.imwrite(str(pairs_dir / "neutral" / "003.png"), np.zeros((64, 64, 3), np.uint8))
    (pairs_dir / "happy" / "004.png").write_bytes(b"")
    looked = Portraits(find_pairs(pairs_dir, "happy"), world.detect, world.judge)
    looked.look()
    assert looked.people == [person for person in PEOPLE if person not in {"003", "004"}]
    assert looked.skipped["003"] == "neutral/003.png: too dark"
    assert "004.png" in looked.skipped["004"]
    assert [person for person, _ in looked.chosen(["003", "005"])] == ["005"]


def test_nobody_left_is_an_error(pairs_dir, world):
    blind = Portraits(find_pairs(pairs_dir, "happy"), world.detect, lambda pixels: NoFace("dark"))
    with pytest.raises(LivexprError, match="nobody could be judged"):
        blind.look()
