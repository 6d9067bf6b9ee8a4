"""Division of people into folds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.errors import LivexprError
from livexpr.training.evaluation.cross_validation import all_but, ranked, split_people

PEOPLE = tuple(f"{number:03d}" for number in range(7))


@given(st.sets(st.text(min_size=1), min_size=2, max_size=40), st.data())
def test_split_is_a_balanced_partition_whatever_the_order(people, data):
    folds = data.draw(st.integers(2, len(people)))
    split = split_people(sorted(people), folds)
    assert sorted(person for fold in split for person in fold) == sorted(people)
    assert max(map(len, split)) - min(map(len, split)) <= 1
    shuffled = data.draw(st.permutations(sorted(people)))
    assert split_people(shuffled, folds) == split
    assert ranked(shuffled) == ranked(people)
    for number, fold in enumerate(split):
        assert set(all_but(split, number)) == people - set(fold)


def test_split_is_the_same_everywhere_and_for_ever():
    assert split_people(PEOPLE, 3) == [["000", "003", "006"], ["005", "004"], ["001", "002"]]


def test_file_names_that_are_no_utf_8_name_people_too():
    assert sorted(ranked(["Jos\udce9", "Ana"])) == ["Ana", "Jos\udce9"]


@pytest.mark.parametrize(("people", "folds"), [(["a", "b"], 3), (["a", "b"], 1), ([], 2)])
def test_split_needs_enough_people(people, folds):
    with pytest.raises(LivexprError, match="cannot hold out"):
        split_people(people, folds)
