"""Which turns count, when the core is shared with programs that cannot be seen."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import bench_turns
from livexpr.bench_turns import Turn


@given(st.lists(st.floats(1e-5, 1e-4), min_size=1), st.lists(st.floats(1e-5, 1e-4), min_size=1))
def test_a_turn_is_judged_by_the_sums_alone(ours_s, others_s) -> None:
    turns = {
        "ours": [Turn([float(i)], sums_s) for i, sums_s in enumerate(ours_s)],
        "others": [Turn([100.0 - i], sums_s) for i, sums_s in enumerate(others_s)],
    }
    alone = bench_turns.undisturbed(turns)
    limit_s = 1.1 * min(ours_s + others_s)
    for name, several in turns.items():
        assert alone[name] == [turn for turn in several if turn.sums_s <= limit_s]


@pytest.mark.parametrize(("count", "enough"), [(10, True), (9, False)])
def test_nine_of_somebodys_are_too_few(count, enough) -> None:
    disturbed, free = Turn([9.0], 1.5e-5), Turn([1.0], 1.05e-5)
    turns = {"ours": [disturbed, free] * count, "others": [Turn([2.0], 1e-5)] * 20}
    alone = bench_turns.undisturbed(turns)
    assert alone == {"ours": [free] * count, "others": turns["others"]}
    assert bench_turns.are_enough(alone) is enough


@pytest.mark.parametrize(("every", "rounds"), [(1, 40), (3, 60), (1000, 200)])
def test_turns_go_on_until_enough_were_undisturbed(monkeypatch, every, rounds) -> None:
    """The core is looked at twice a turn; every so many turns it is free."""
    looks = (1e-5 if (look // 2) % every == 0 else 2e-5 for look in itertools.count())
    monkeypatch.setattr(bench_turns, "_sums_s", lambda: next(looks))
    calls = []
    turns = bench_turns.take({"ours": lambda: calls.append(None)}, calls=8)["ours"]
    assert len(turns) == pytest.approx(rounds, abs=2)
    assert {len(turn.seconds) for turn in turns} == {8}
    assert len(calls) == 9 * len(turns)


def test_percentiles_are_of_all_calls() -> None:
    turns = [Turn([0.001, 0.002], 1e-5), Turn([0.003], 1e-5)]
    found = bench_turns.calls_ms({"ours": turns})["ours"]
    assert found["least"] == 1.0
    assert found["p50"] == 2.0
    assert found["p50"] < found["p95"] < found["p99"] <= 3.0
