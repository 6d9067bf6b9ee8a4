"""When what failed is tried again, and what is said of it."""

from __future__ import annotations

import pytest

from livexpr import retrying
from livexpr.retrying import Retrying


@pytest.fixture
def clock(monkeypatch):
    """A list whose only number is the time, s."""
    now = [100.0]
    monkeypatch.setattr(retrying.time, "perf_counter", lambda: now[0])
    return now


def test_it_is_tried_again_soon_then_seldom(clock):
    thing = Retrying(lambda line: None, "it fails", "it works", last_retry_s=8.0)
    assert not thing.waiting
    waits_s = []
    for _ in range(14):
        failed_s = clock[0]
        thing.failed("broken")
        while thing.waiting:
            clock[0] += 0.01
        waits_s.append(clock[0] - failed_s)
    assert waits_s == sorted(waits_s)
    assert waits_s[0] == pytest.approx(0.1, abs=0.02)
    assert waits_s[-1] == pytest.approx(8.0, abs=0.02)
    outage_s = clock[0] - 100.0
    assert waits_s[6] < 0.5 * outage_s


def test_each_reason_is_said_once_a_minute(clock):
    said: list[str] = []
    thing = Retrying(said.append, "it fails", "it works")
    for _ in range(3):
        thing.failed("broken")
        thing.failed("torn")
    assert said == ["it fails: broken", "it fails: torn"]
    thing.worked()
    thing.worked()
    assert said[2:] == ["it works"]
    clock[0] += 1.0
    thing.failed("broken")
    thing.worked()
    assert said[3:] == [], "what comes and goes is not told each time"
    clock[0] += 61.0
    thing.failed("broken")
    assert said[3:] == ["it fails: broken"]


def test_what_has_worked_for_a_while_starts_afresh(clock):
    thing = Retrying(lambda line: None, "it fails", "it works")
    for _ in range(5):
        thing.failed("broken")
        clock[0] += 10.0
    thing.worked()
    clock[0] += 3.0
    thing.worked()
    thing.failed("broken")
    clock[0] += 0.11
    assert not thing.waiting
