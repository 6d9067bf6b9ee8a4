"""Time contenders by turns, and tell in which turns they had their core to themselves.

A core with two hardware threads, and any core of a virtual machine, is shared with programs that
cannot be seen from here. While it is, code that keeps the core's units busy becomes up to twice as
slow, and code that waits for memory hardly does: then ratios tell of the neighbour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numba
import numpy as np

_STEPS, _TIMES = 20_000, 3
_SLOWER = 1.1
_FEWEST, _MOST = 40, 200
"""Rounds: more than the fewest until each contender had its core to itself in enough turns."""

_WISHED, _ENOUGH = 20, 10
"""Of such turns, each contender; with fewer than enough, all turns count."""

_NS = 1e-9


class Turn(NamedTuple):
    """What was timed in one turn.

    Attributes
    ----------
    seconds : list of float
        Of each call.
    sums_s : float
        How long fixed sums took just before and just after, the slower of both.
    """

    seconds: list[float]
    sums_s: float


@numba.njit(nogil=True)
def _sums_jit(steps, a, b, c, d):  # type: ignore[no-untyped-def]
    """Add up in registers, several sums at a time: asks for nothing but the core's units."""
    for i in range(steps):
        a, b, c, d = (a + i) ^ 3, (b ^ i) + 5, (c + i) ^ 7, (d ^ i) + 9
    return a ^ b ^ c ^ d


def _sums_s() -> float:
    """Time the sums: the least of a few times, since at first their own code is cold."""
    least_ns = 10**9
    for _ in range(_TIMES):
        began_ns = time.perf_counter_ns()
        _sums_jit(_STEPS, 1, 2, 3, 4)
        least_ns = min(least_ns, time.perf_counter_ns() - began_ns)
    return least_ns * _NS


def take(contenders: Mapping[str, Callable[[], object]], calls: int) -> dict[str, list[Turn]]:
    """Return turns of each contender, of so many calls: some 40, more where it is disturbed."""
    _sums_jit(1, 1, 2, 3, 4)  # compiled
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    for i in range(_MOST):
        if i >= _FEWEST and fewest(undisturbed(turns)) >= _WISHED:
            break
        for name, run in contenders.items():
            # Once for the caches and threads of the one before.
            run()
            before_s, seconds = _sums_s(), []
            for _ in range(calls):
                started_ns = time.perf_counter_ns()
                run()
                seconds.append((time.perf_counter_ns() - started_ns) * _NS)
            turns[name].append(Turn(seconds, max(before_s, _sums_s())))
    return turns


def undisturbed(turns: Mapping[str, list[Turn]]) -> dict[str, list[Turn]]:
    """Return the turns in which the caller had its core to itself, going by the sums alone."""
    least_s = min(turn.sums_s for several in turns.values() for turn in several)
    return {
        name: [turn for turn in several if turn.sums_s <= _SLOWER * least_s]
        for name, several in turns.items()
    }


def fewest(turns: Mapping[str, list[Turn]]) -> int:
    """Return how many turns the contender has that has fewest."""
    return min(map(len, turns.values()))


def are_enough(turns: Mapping[str, list[Turn]]) -> bool:
    """Whether each contender has enough turns to go by these alone."""
    return fewest(turns) >= _ENOUGH


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return ``least``, ``p50``, ``p95`` and ``p99``, ms."""
    milliseconds = np.asarray(seconds) * 1000
    return {
        "least": round(float(milliseconds.min()), 3),
        **{f"p{q}": round(float(np.percentile(milliseconds, q)), 3) for q in (50, 95, 99)},
    }


def calls_ms(turns: Mapping[str, list[Turn]]) -> dict[str, dict[str, float]]:
    """Return :func:`percentiles_ms` of all calls of each contender."""
    return {
        name: percentiles_ms([second for turn in several for second in turn.seconds])
        for name, several in turns.items()
    }
