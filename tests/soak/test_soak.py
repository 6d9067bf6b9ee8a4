"""A short soak: every fault is got over. ``python -m tests.soak`` runs for longer, and judges."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.faults import KINDS

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
