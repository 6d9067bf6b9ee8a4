"""Groups of people, intervals, and how much of a difference is chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from livexpr.errors import LivexprError
from livexpr.training.evaluation.groups import read_groups, spread, wilson_interval


@given(st.integers(1, 200), st.data())
def test_interval_is_scipys(n, data):
    successes = data.draw(st.integers(0, n))
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_of_nobody_anything_may_be():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_groups_come_from_the_list_of_people(pairs_dir):
    groups = read_groups(pairs_dir)
    assert groups["000"] == {"gender": "female", "age": "under 25", "ethnicity": "white"}
    assert groups["001"] == {"gender": "male", "age": "25 to 34", "ethnicity": "not stated"}
    assert groups["002"]["age"] == "not stated"
    ages = [groups[p]["age"] for p in ("003", "004", "006")]
    assert ages == ["35 and over", "25 to 34", "35 and over"]
    (pairs_dir / "people.csv").unlink()
    assert read_groups(pairs_dir) == {}


def test_a_list_that_a_spreadsheet_saved_is_read(pairs_dir):
    text = "id,age,gender,ethnicity\n000,19,female,métis\n"
    path = pairs_dir / "people.csv"
    path.write_text(text, encoding="utf-8-sig")
    assert read_groups(pairs_dir)["000"]["ethnicity"] == "métis"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(LivexprError, match=r"people\.csv is not UTF-8"):
        read_groups(pairs_dir)
    path.write_text("person;age\n000;19\n")
    with pytest.raises(LivexprError, match=r"expected the columns id.* found person;age"):
        read_groups(pairs_dir)
    path.unlink()
    path.mkdir()
    with pytest.raises(LivexprError, match="cannot read"):
        read_groups(pairs_dir)


def people(rates_of: dict[str, list[float]]) -> tuple[dict[str, float], dict[str, str]]:
    rates, groups = {}, {}
    for group, values in rates_of.items():
        for number, value in enumerate(values):
            rates[f"{group}{number}"], groups[f"{group}{number}"] = value, group
    return rates, groups


def test_spread_names_best_and_worst_and_doubts_what_chance_may_do():
    found = spread(*people({"a": [1.0] * 20, "b": [0.0] * 20, "c": [0.5] * 20}))
    assert (found.best, found.worst, found.points) == ("a", "b", 100.0)
    assert found.by_chance < 0.01
    alike = spread(*people({"a": [1, 0, 1, 0, 1, 0], "b": [0, 1, 0, 1, 0, 1]}))
    assert alike.points == 0
    assert alike.by_chance == 1.0
    rng = np.random.default_rng(1)
    drawn = {name: rng.integers(0, 2, 12).astype(float).tolist() for name in "abcd"}
    assert spread(*people(drawn)).by_chance > 0.05


def test_small_groups_and_those_not_stated_are_not_compared():
    rates, groups = people({"a": [1.0] * 6, "b": [0.0] * 4, "not stated": [0.0] * 9})
    assert spread(rates, groups) is None
    rates, groups = people({"a": [1.0] * 6, "b": [0.0] * 5, "not stated": [0.5] * 9})
    assert spread(rates, groups).points == 100.0
    assert spread(rates, {}) is None
