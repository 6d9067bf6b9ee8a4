"""Counts and percentiles, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import statistics
from livexpr.errors import LivexprError
from livexpr.statistics import Durations, Statistics

HOME = Path(__file__).resolve().parents[1]


@given(st.lists(st.floats(2e-6, 900.0), min_size=1, max_size=200))
def test_percentiles_are_within_half_a_bin_of_the_sorted_values(seconds):
    durations = Durations()
    for value in seconds:
        durations.add(value)
    found = durations.percentiles_ms()
    for percent in (50, 95, 99):
        exact = np.percentile(seconds, percent, method="inverted_cdf") * 1000
        assert found[f"p{percent}"] == pytest.approx(exact, rel=0.006, abs=1e-4)


def test_memory_does_not_grow():
    durations = Durations()
    before = durations._counts.nbytes
    for value in np.linspace(1e-9, 1e6, 20_000):
        durations.add(float(value))
    assert durations._counts.nbytes == before
    assert len(durations) == 20_000


def test_nothing_measured_is_none_not_zero():
    assert Durations().percentiles_ms() is None
    assert statistics.percentiles_ms(np.empty(0)) is None


def test_stages_that_did_not_run_count_as_zero():
    durations = Durations()
    for value in (0.0, 0.0, 0.0, 0.01):
        durations.add(value)
    assert durations.percentiles_ms()["p50"] == 0.0
    assert durations.percentiles_ms()["p99"] == pytest.approx(10.0, rel=0.006)


def test_rate_is_counted_from_the_first_frame_to_the_last():
    counted = Statistics()
    assert counted.fps is None
    for index in range(31):
        counted.published(5.0 + index / 30)
    assert counted.fps == pytest.approx(30.0)
    assert counted.frames_out == 31


def test_report_has_everything_and_survives_json(tmp_path):
    counted = Statistics(frames_in=5, frames_dropped=1, frames_with_face=3)
    counted.add_stages({"detect": 0.02, "smooth": 0.001, "place": 0.001, "apply": 0.005})
    counted.published(0.0)
    path = tmp_path / "stats.json"
    statistics.write(path, counted.report(np.array([0.03, 0.05]), np.array([0.001, 0.002])))
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["frames"] == {"in": 5, "out": 1, "dropped": 1, "with_face": 3}
    assert set(report["stages_ms"]) == {"detect", "smooth", "place", "apply", "publish"}
    for numbers in (report["latency_ms"], *report["stages_ms"].values()):
        assert set(numbers) == {"p50", "p95", "p99"}
    assert report["latency_ms"]["p50"] == pytest.approx(40.0)
    assert set(report["versions"]) == {
        *("python", "livexpr", "numpy", "numba", "opencv", "mediapipe", "pyvirtualcam")
    }
    assert report["versions"]["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert report["versions"]["livexpr"]
    assert {"fps", "threads", "threading_layer"} <= set(report)


def test_a_start_is_measured_from_the_process_on(monkeypatch):
    started_s = 100.0
    monkeypatch.setattr(statistics, "process_start_s", lambda: started_s)
    counted = Statistics()
    counted.published(started_s + 0.5)
    counted.add_stages({"detect": 0.02})
    counted.published(started_s + 1.0)
    counted.add_stages({"smooth": 0.001, "place": 0.0, "apply": 0.0})
    counted.published(started_s + 1.5)
    counted.add_stages({"smooth": 0.001, "place": 0.001, "apply": 0.002})
    for late_s in (2.0, 2.5):
        counted.published(started_s + late_s)
    report = counted.report(np.empty(0), np.empty(0))
    assert report["first_frame_s"] == 0.5
    assert report["first_filtered_s"] == 2.0


def test_a_run_without_frames_has_no_start():
    report = Statistics().report(np.empty(0), np.empty(0))
    assert report["first_frame_s"] is report["first_filtered_s"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell so simply")
def test_when_the_process_started_is_the_systems_word():
    script = "from livexpr import statistics; print(statistics.process_start_s())"
    before_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=HOME
    )
    # Processes of one system share the clock.
    assert before_s - 10 <= float(done.stdout) <= time.perf_counter()


def test_an_unwritable_file_is_one_line(tmp_path):
    with pytest.raises(LivexprError, match=r"cannot write the statistics to .*--stats"):
        statistics.write(tmp_path / "missing" / "stats.json", {})


def test_a_run_stopped_while_numba_is_imported_still_reports(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", type(sys)("numba"))
    report = Statistics().report(np.empty(0), np.empty(0))
    assert report["threads"] is None
    assert report["threading_layer"] is None
