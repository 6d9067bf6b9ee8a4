"""The detector's watchdog: what it takes for a hang, and what not."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from livexpr import memory, watchdog
from livexpr.detector_thread import DetectorThread
from livexpr.types import Frame, NoFace
from tests.made_up_world import wait_until

FOUND = NoFace("no face found")
STOPPED_S = 0.5
FRAMES = [Frame(np.zeros((8, 8, 3), np.uint8), index, index / 30) for index in range(3)]


class Slow:
    """Has its second frame until it is told to give it back."""

    going_on = threading.Event()

    def prepare(self, frame: Frame) -> None:
        pass

    def detect_all(self, frame: Frame) -> NoFace:
        if frame is FRAMES[1]:
            self.going_on.wait(30.0)
        return FOUND

    def close(self) -> None:
        pass


@pytest.fixture
def watched(monkeypatch, request):
    """A detector that has found something, with limits as short as a test needs them."""
    monkeypatch.setattr(watchdog, "_STALL_LIMIT_S", 0.3)
    monkeypatch.setattr(watchdog, "_STOOD_STILL_S", 0.2)
    Slow.going_on.clear()
    said: list[str] = []
    one = watchdog.WatchedDetector(Slow, said.append, live=request.param)
    wait_until(lambda: one.detect(FRAMES[0]) is FOUND, "the detector")
    yield one, said
    Slow.going_on.set()
    one.close()


def stop_everything_once(monkeypatch) -> None:
    """Have whoever waits for a result wake late, as after SIGSTOP and SIGCONT."""
    result = DetectorThread.result
    monkeypatch.setattr(watchdog, "_FILM_LIMIT_S", 0.01)

    def woken_late(self, frame, end_s):
        monkeypatch.setattr(DetectorThread, "result", result)
        monkeypatch.setattr(watchdog, "_FILM_LIMIT_S", 30.0)
        time.sleep(max(0.0, end_s - time.perf_counter()) + STOPPED_S)
        found = result(self, frame, end_s)
        Slow.going_on.set()
        return found

    monkeypatch.setattr(DetectorThread, "result", woken_late)


@pytest.mark.parametrize("watched", [True], indirect=True)
def test_a_stopped_process_is_no_hang(watched, monkeypatch):
    one, said = watched
    worker = one._worker
    stop_everything_once(monkeypatch)
    assert one.detect(FRAMES[1], 0.01) == NoFace("detection is late")
    wait_until(lambda: one.idle, "the detector")
    assert one.detect(FRAMES[2]) is FOUND
    assert one._worker is worker
    assert said == []


@pytest.mark.parametrize("watched", [False], indirect=True)
def test_a_film_waits_on_after_a_stopped_process(watched, monkeypatch):
    one, said = watched
    stop_everything_once(monkeypatch)
    assert one.detect(FRAMES[1]) is FOUND
    assert said == []


@pytest.mark.parametrize("watched", [True], indirect=True)
def test_a_hang_is_one(watched):
    one, said = watched
    wait_until(lambda: one.detect(FRAMES[1], 0.01) == NoFace("detection hangs"), "the hang")
    assert said == ["the picture goes on unfiltered: detection hangs"]


def test_memory_of_a_detector_is_given_back_once_it_is_closed(monkeypatch):
    """Also of one that hung, and that nobody waits for any more."""
    happened: list[str] = []

    class Hung(Slow):
        going_on = threading.Event()

        def close(self) -> None:
            happened.append("closed")

    thread = DetectorThread(Hung)
    monkeypatch.setattr(
        memory,
        "give_back",
        lambda: happened.append("given back") if threading.current_thread() is thread else None,
    )
    assert thread.take(FRAMES[1], time.perf_counter() + 5.0)
    wait_until(lambda: not thread._coming, "the frame to be looked at")
    assert not thread.leave(0.1)
    assert happened == []
    Hung.going_on.set()
    thread.join(5.0)
    assert happened == ["closed", "given back"]
