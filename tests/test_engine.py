"""The engine's start: what it says, and what it leaves alone."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import ClassVar

import numba
import pytest

from livexpr import crowd, engine, presets
from livexpr.stopping import Stop


def test_kernels_may_have_all_processors(monkeypatch):
    monkeypatch.setattr("livexpr.engine.sys.platform", "other")
    monkeypatch.setattr("livexpr.engine.os.cpu_count", lambda: 8)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    engine._share_processors()
    assert os.environ["NUMBA_NUM_THREADS"] == "3", "what the user has set counts"
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    engine._share_processors()
    assert os.environ["NUMBA_NUM_THREADS"] == "8"


@pytest.fixture
def slow_compiler(monkeypatch):
    """A compiler that takes a second for each of twenty functions."""
    clock = iter(range(100))
    monkeypatch.setattr("livexpr.engine.time.perf_counter", lambda: float(next(clock)))

    def compile_all(compiling) -> None:
        for done in range(21):
            compiling(done, 20)

    monkeypatch.setattr("livexpr.pipeline.warm_up", compile_all)


@pytest.mark.usefixtures("slow_compiler")
def test_compiling_is_told_of_now_and_then():
    said: list[str] = []
    engine.compile_kernels(said.append)
    assert said[0] == "compiling the kernels, once per machine: 0 of 20"
    assert 4 <= len(said) <= 8


def test_what_is_compiled_already_is_not_told_of(monkeypatch):
    monkeypatch.setattr("livexpr.pipeline.warm_up", lambda compiling: None)
    said: list[str] = []
    engine.compile_kernels(said.append)
    assert said == []


class FakeCompiling:
    """Stands for :class:`livexpr.compiling.Compiling`."""

    every: ClassVar[list[FakeCompiling]] = []

    def __init__(self, tell, say) -> None:
        self.at_work = True
        self.every.append(self)

    def close(self) -> bool:
        self.at_work = False
        return True


@pytest.fixture
def cold(monkeypatch):
    """No kernel is compiled yet; returns who has been asked to compile them."""
    monkeypatch.setattr("kernels.warmup.load", lambda: False)
    monkeypatch.setattr(engine, "Compiling", FakeCompiling)
    monkeypatch.setattr(FakeCompiling, "every", [])
    return FakeCompiling.every


def test_kernels_that_are_missing_are_compiled_beside(cold):
    loaded = engine.load(presets.load("happy"), Stop(), print)
    assert loaded.compiling
    assert cold[0].at_work
    assert gc.isenabled()
    loaded.close()
    assert not loaded.compiling
    assert not cold[0].at_work


def test_a_start_that_is_stopped_says_so_and_ends_compiling(cold, monkeypatch):
    stop = Stop()
    monkeypatch.setattr("kernels.warmup.load", stop.request)
    with pytest.raises(InterruptedError):
        engine.load(presets.load("happy"), stop, print)
    assert [one.at_work for one in cold] == [False]
    assert gc.isenabled()


def test_kernels_that_are_there_are_loaded(cold, monkeypatch):
    monkeypatch.setattr("kernels.warmup.load", lambda: True)
    loaded = engine.load(presets.load("happy"), Stop(), print)
    assert not loaded.compiling
    assert cold == []
    loaded.close()


@pytest.mark.parametrize("live", [True, False])
def test_drawing_leaves_a_processor_to_detection_where_both_work_at_once(monkeypatch, live):
    everything = numba.config.NUMBA_NUM_THREADS
    monkeypatch.setattr(engine, "_usable", lambda: everything)
    monkeypatch.setattr(crowd, "process", lambda *frame: numba.get_num_threads())
    loaded = engine.LoadedEngine(SimpleNamespace(max_faces=1), None, live=live)
    with ThreadPoolExecutor(1) as filtering:
        drawing = [filtering.submit(loaded.process, None, (), None, None) for _ in range(2)]
    assert [one.result() for one in drawing] == 2 * [everything if live else max(everything - 1, 1)]
