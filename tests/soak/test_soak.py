"""A short soak: every fault is got over. ``python -m tests.soak`` runs for longer, and judges."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
