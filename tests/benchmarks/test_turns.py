"""Which turns count, when the core is shared with programs that cannot be seen."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import bench_turns
from livexpr.bench_turns import Turn

SUMS_S = st.lists(st.floats(1e-5, 1e-4), min_size=1, max_size=60)


@given(SUMS_S, SUMS_S, st.floats(0.5, 2))
def test_what_counts_does_not_depend_on_what_was_timed(ours_s, others_s, factor) -> None:
    def counted(seconds: float) -> dict[str, list[int]]:
        turns = {
            "ours": [Turn([seconds * factor * i], s) for i, s in enumerate(ours_s)],
            "others": [Turn([seconds * i], s) for i, s in enumerate(others_s)],
        }
        found = bench_turns.that_count(turns)
        return {name: [turns[name].index(turn) for turn in found[name]] for name in turns}

    assert counted(1.0) == counted(1e-3)


def test_disturbed_turns_are_left_out_where_enough_remain() -> None:
    disturbed, free = Turn([9.0], 1.5e-5), Turn([1.0], 1.05e-5)
    turns = {"ours": [disturbed, free] * 10, "others": [Turn([2.0], 1e-5)] * 20}
    assert bench_turns.that_count(turns) == {"ours": [free] * 10, "others": turns["others"]}
    # Nine of somebody's are too few to go by.
    turns = {"ours": [disturbed, free] * 9, "others": [Turn([2.0], 1e-5)] * 18}
    assert bench_turns.that_count(turns) == turns


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
    found = bench_turns.percentiles_ms([Turn([0.001, 0.002], 1e-5), Turn([0.003], 1e-5)])
    assert found["least"] == 1.0
    assert found["p50"] == 2.0
    assert found["p50"] < found["p95"] < found["p99"] <= 3.0
