"""A short soak: every fault is got over. ``python -m tests.soak`` runs for longer, and judges."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.soak.__main__ import LIMITS, MEMORY_MINUTES, MORE_HEAP_MB, misses
from tests.soak.faults import KINDS
from tests.soak.held import HEAP_IS_TOLD, floors_of, held, mb_per_10_min

HOME = Path(__file__).resolve().parents[2]
LIMIT_S = 600


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measured by Linux's /proc")
def test_a_short_soak(capsys):
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--minutes", "0.75", "--seed", "5"],
        cwd=HOME,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")
    assert report["exceptions"] == []
    assert report["kinds"] >= min(8, len(KINDS))
    assert report["frames"] > 0
    # Times belong to the report: a busy machine must not fail a test.
    gave_up = [kind for kind, seconds in report["recovery_s"].items() if seconds >= 20.0]
    assert gave_up == []
    for name in ("threads", "descriptors"):
        assert report[name][1] <= report[name][0] + 4, f"{name} leak"


@pytest.mark.parametrize("leak_mb_per_10_min", [0.0, 2.0])
def test_growth_is_told_from_films_of_other_sizes(rng, leak_mb_per_10_min):
    times_s = np.arange(0.0, 1200.0, 3.0)
    numbers = (times_s // 24).astype(int)
    heights_mb = {"small": 266.0, "large": 275.0, "middle": 270.0}
    # The large film comes more and more often.
    films = rng.choice(list(heights_mb), numbers[-1] + 1)
    films[-20:] = "large"
    played = [(number, str(films[number])) for number in numbers]
    used_mb = np.array([heights_mb[film] for _, film in played])
    used_mb += leak_mb_per_10_min * times_s / 600.0 + rng.choice([0, 0, 35], len(times_s))
    # A second detector all the while, towards the end.
    used_mb[(numbers > 38) & (numbers % 5 == 0)] += 35
    found = mb_per_10_min(floors_of(times_s, used_mb, played))
    assert found == pytest.approx(leak_mb_per_10_min, abs=0.2)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measured by Linux's /proc")
def test_memory_that_was_handed_out_is_seen():
    before = held()
    taken = np.ones(10_000_000)
    during = held()
    assert during.used_mb - before.used_mb == pytest.approx(80, abs=8)
    if HEAP_IS_TOLD:
        assert during.in_use_mb - before.in_use_mb == pytest.approx(80, abs=8)
    del taken
    assert held().used_mb - before.used_mb == pytest.approx(0, abs=8)


AT_ITS_LIMITS = {
    "minutes": 30.0,
    "exceptions": [],
    "recovery_s": {"detection hangs": LIMITS["recovery_s"], "clock jumps": 0.1},
    "gap_ms": {"p50": 33.0, "max": LIMITS["gap_ms"]},
    "age_ms": {"p50": 12.0, "p99": LIMITS["age_ms"]},
    "mb_per_10_min": LIMITS["mb_per_10_min"] - 0.01,
    "heap_mb": [280.0, 280.0 + MORE_HEAP_MB],
    "threads": [37.0, 39.0],
    "descriptors": [19.0, 21.0],
}


def test_a_soak_at_its_limits_is_passed():
    assert misses(AT_ITS_LIMITS) == []


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("exceptions",), ["ValueError: why"], "exception: ValueError: why"),
        (("recovery_s", "clock jumps"), 3.01, "clock jumps: recovered after 3.01 s"),
        (("gap_ms", "max"), 200.1, "output gap of 200.1 ms"),
        (("age_ms", "p99"), 1000.1, "frames that are 1000.1 ms old"),
        (("mb_per_10_min",), 1.0, "memory grows by 1.0 MB per 10 minutes"),
        (("heap_mb",), [280.0, 315.1], "the heap went from 280.0 to 315.1 MB"),
        (("threads",), [37.0, 39.5], "threads grew from 37.0 to 39.5"),
        (("descriptors",), [19.0, 22.0], "descriptors grew from 19.0 to 22.0"),
    ],
)
def test_a_soak_beyond_one_limit_says_which(where, value, told):
    report = copy.deepcopy(AT_ITS_LIMITS)
    part = report
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    (found,) = misses(report)
    assert told in found


def test_memory_of_a_short_soak_is_not_judged():
    short = AT_ITS_LIMITS | {"minutes": MEMORY_MINUTES - 0.01, "mb_per_10_min": 5.0}
    assert misses(short) == []
