"""The engine's start: what it says, and what it leaves alone."""

from __future__ import annotations

import gc
import os

import pytest

from livexpr import engine, presets
from livexpr.stopping import Stop


def test_kernels_leave_a_processor_to_detection(monkeypatch):
    monkeypatch.setattr("livexpr.engine.sys.platform", "other")
    monkeypatch.setattr("livexpr.engine.os.cpu_count", lambda: 8)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    engine._share_processors()
    assert os.environ["NUMBA_NUM_THREADS"] == "3", "what the user has set counts"
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    engine._share_processors()
    assert os.environ["NUMBA_NUM_THREADS"] == "7"


@pytest.fixture
def slow_compiler(monkeypatch):
    """A compiler that takes a second for each of twenty functions."""
    clock = iter(range(100))
    monkeypatch.setattr("livexpr.engine.time.perf_counter", lambda: float(next(clock)))
    collected: list[bool] = []

    def compile_all(compiling) -> None:
        for done in range(21):
            compiling(done, 20)
            collected.append(gc.isenabled())

    monkeypatch.setattr("livexpr.pipeline.warm_up", compile_all)
    return collected


def test_compiling_is_told_of_now_and_then(slow_compiler):
    said: list[str] = []
    engine.compile_kernels(said.append)
    assert said[0] == "compiling the kernels, once per machine: 0 of 20"
    assert 4 <= len(said) <= 8
    assert slow_compiler == [False] * 21, "no pauses for the collector"
    assert gc.isenabled()


def test_a_start_that_is_stopped_says_so(monkeypatch, slow_compiler):
    stop = Stop()
    stop.request()
    with pytest.raises(InterruptedError):
        engine.load(presets.load("happy"), stop, print)
    assert gc.isenabled()


def test_what_is_compiled_already_is_not_told_of(monkeypatch):
    monkeypatch.setattr("livexpr.pipeline.warm_up", lambda compiling: None)
    said: list[str] = []
    engine.compile_kernels(said.append)
    assert said == []
