"""The model's threads on one core and all others on the other."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from livexpr import apart, watchdog
from livexpr.apart import Apart
from livexpr.landmarks import Landmarker
from livexpr.types import Frame, NoFace
from tests.made_up_world import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads are kept on Linux only")

_MAIN, _CALLS_MODEL, _OF_MODEL, _ENDED = 11, 12, 13, 14
_SPLIT = {_MAIN: {3}, _CALLS_MODEL: {7}, _OF_MODEL: {7}, _ENDED: {3}}
_TOGETHER = {thread: {3, 7} for thread in _SPLIT}


@pytest.fixture
def kept(monkeypatch, tmp_path: Path) -> dict[int, set[int]]:
    """Two cores and four made-up threads; where each of them may run."""
    names = {_MAIN: "python", _CALLS_MODEL: "python", _OF_MODEL: "mediapipe/13"}
    for thread in _SPLIT:
        (tmp_path / str(thread)).mkdir()
        if thread in names:
            (tmp_path / str(thread) / "comm").write_text(names[thread] + "\n")
    where: dict[int, set[int]] = {}
    monkeypatch.setattr(apart, "_TASKS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 7})
    monkeypatch.setattr(os, "sched_setaffinity", lambda at, cores: where.update({at: set(cores)}))
    return where


def test_the_model_has_a_core_of_its_own_until_the_end(kept) -> None:
    two = Apart()
    two.look(None, late=False)
    assert kept == {}
    for _ in range(3 * apart._SPAN):
        two.look(_CALLS_MODEL, late=False)
    assert kept == _SPLIT
    two.end()
    assert kept == _TOGETHER


def test_a_model_built_anew_is_kept_apart_too(kept) -> None:
    two = Apart()
    two.look(_CALLS_MODEL, late=False)
    two.look(_MAIN, late=False)
    assert kept == {**_SPLIT, _MAIN: {7}, _CALLS_MODEL: {3}}


def test_it_is_given_up_where_the_rest_does_not_keep_up(kept) -> None:
    two = Apart()
    for index in range(apart._SPAN):
        two.look(_CALLS_MODEL, late=index % 3 > 0)
    assert kept == _TOGETHER
    kept.clear()
    for _ in range(2 * apart._SPAN):
        two.look(_CALLS_MODEL, late=False)
    two.end()
    assert kept == {}


@pytest.mark.parametrize("cores", [{0}, {0, 1, 2}])
def test_on_more_cores_or_on_one_threads_are_left_alone(kept, monkeypatch, cores) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    two = Apart()
    two.look(_CALLS_MODEL, late=False)
    two.end()
    assert kept == {}


def test_where_threads_may_not_be_kept_nothing_is_said(kept, monkeypatch) -> None:
    def refuse(thread: int, cores: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    two = Apart()
    two.look(_CALLS_MODEL, late=False)
    two.end()


def test_the_models_threads_are_known_by_their_names() -> None:
    with Landmarker():
        assert any(apart._name(one).startswith(apart._MODEL_THREADS) for one in apart._threads())
    assert apart._name(threading.get_native_id())
    assert apart._name(-1) == ""


def test_whether_a_detector_is_idle_and_where_it_works() -> None:
    going_on = threading.Event()
    threads: list[int] = []

    class Waiting:
        def prepare(self, frame: Frame) -> None:
            pass

        def detect_all(self, frame: Frame) -> NoFace:
            threads.append(threading.get_native_id())
            going_on.wait(5)
            return NoFace("none")

        def close(self) -> None:
            pass

    watched = watchdog.WatchedDetector(Waiting, lambda line: None, live=False)
    frames = [Frame(np.zeros((8, 8, 3), np.uint8), index, index / 30) for index in range(2)]
    assert watched.thread_id is None
    assert not watched.idle
    going_on.set()
    watched.detect(frames[0])
    wait_until(lambda: watched.idle, "the detector")
    going_on.clear()
    assert watched.begin(frames[1])
    assert not watched.idle
    going_on.set()
    watched.detect(frames[1])
    assert threads == [watched.thread_id] * 2
    assert watched.close()
