"""Slow machines, made up: they end at a level that holds the rate, and stay there."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from livexpr import hud, keeping_up, preview, run_options
from livexpr.controls import Controls
from livexpr.keeping_up import KeepingUp
from livexpr.quality import LEVELS, Level, Quality
from livexpr.types import Frame
from tests.made_up_world import FakeWindow

FRAME_S = 1 / 30


@dataclass
class Machine:
    """A camera, and two stages of which each has room for one frame: the newest.

    With detection beside, frames pass the first stage at once. `slower` is how much slower they are
    drawn while detection is at work.
    """

    detect_s: float
    process_s: float = 0.004
    coarse_s: float = 0.003
    slower: float = 1.0
    frames: int = 0
    lost: int = 0
    first_free_s: float = 0.0
    second_free_s: float = 0.0
    waiting_s: float | None = None
    found_s: float | None = None
    since_offered: int = 0
    latest_s: float = 0.0
    quality: Quality = field(default_factory=Quality)
    levels: list[tuple[float, Level]] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        return self.frames * FRAME_S

    def run(self, seconds: float) -> float:
        """Return the share of frames that was lost; `latest_s` is the longest delay."""
        frames, lost, self.latest_s = self.frames, self.lost, 0.0
        for _ in range(round(seconds / FRAME_S)):
            self.lost += self.waiting_s is not None
            self.waiting_s = self.now_s
            self.frames += 1
            self._find(self.now_s)
        return (self.lost - lost) / (self.frames - frames)

    def _find(self, until_s: float) -> None:
        """Detect on the waiting frame, or pass it on, if its turn comes before `until_s`."""
        assert self.waiting_s is not None
        every = self.quality.level.detect_every
        begun_s = max(self.first_free_s, self.waiting_s) if every == 1 else self.waiting_s
        if begun_s >= until_s:
            return
        came_s, self.waiting_s = self.waiting_s, None
        if every == 1:
            self.first_free_s = begun_s + self.detect_s
            self._draw(came_s, self.first_free_s, self.detect_s, 1.0)
            return
        busy = self.first_free_s > came_s
        self.since_offered += 1
        if not busy and self.since_offered >= every:
            self.since_offered, self.first_free_s = 0, came_s + self.detect_s
        self._draw(came_s, came_s, self.detect_s, self.slower if busy else 1.0)

    def _draw(self, came_s: float, ready_s: float, detect_s: float, slower: float) -> None:
        """Draw a frame, or lose it where the next one will be there before its turn."""
        if self.second_free_s > ready_s + FRAME_S:
            self.lost += 1
            return
        takes_s = self.coarse_s if self.quality.level.coarse else self.process_s
        self.second_free_s = max(ready_s, self.second_free_s) + slower * takes_s
        self.latest_s = max(self.latest_s, self.second_free_s - came_s)
        if self.quality.look(self.second_free_s, self.frames, self.lost, detect_s):
            self.levels.append((self.now_s, self.quality.level))


def test_a_machine_that_holds_the_rate_leaves_nothing_out() -> None:
    machine = Machine(detect_s=0.025)
    assert machine.run(120) == 0
    assert machine.levels == []


@pytest.mark.parametrize(
    ("detect_s", "slower", "every"),
    [(0.030, 1.0, 1), (0.036, 1.0, 2), (0.045, 1.0, 2), (0.09, 1.0, 2), (0.06, 1.9, 3)],
)
def test_slower_detection_ends_at_the_first_level_that_holds(detect_s, slower, every) -> None:
    """The last shares one core with the drawing: less of it leaves more for that."""
    machine = Machine(detect_s=detect_s, slower=slower, process_s=0.004 if slower == 1 else 0.024)
    machine.run(20)
    assert machine.run(60) < 0.02
    assert machine.quality.level.detect_every == every
    assert machine.latest_s < 2 * FRAME_S


def test_slow_drawing_goes_down_to_coarse_eyes() -> None:
    machine = Machine(detect_s=0.02, process_s=0.042, coarse_s=0.03)
    machine.run(20)
    assert machine.quality.level.coarse
    assert machine.run(4) < 0.02


@settings(max_examples=30, deadline=None)
@given(detect_s=st.floats(0.005, 0.5), process_s=st.floats(0.001, 0.2))
def test_delay_never_grows_however_slow_the_machine(detect_s: float, process_s: float) -> None:
    machine = Machine(detect_s=detect_s, process_s=process_s, coarse_s=0.8 * process_s)
    machine.run(20)
    for _ in range(3):
        machine.run(20)
        assert machine.latest_s <= detect_s + 2 * process_s + 3 * FRAME_S


@pytest.mark.parametrize("process_s", [0.04, 0.035])
def test_levels_do_not_take_turns(process_s) -> None:
    """Drawing at its best is just too slow for the camera: tries become rarer and rarer."""
    machine = Machine(detect_s=0.02, process_s=process_s, coarse_s=0.03)
    machine.run(600)
    assert machine.run(600) < 0.02
    late = [now_s for now_s, _ in machine.levels if now_s > 600]
    assert len(late) <= 10


def test_it_steps_back_up_when_the_load_goes() -> None:
    machine = Machine(detect_s=0.05, process_s=0.04, coarse_s=0.03)
    machine.run(20)
    assert machine.quality.level is LEVELS[-1]
    machine.detect_s, machine.process_s = 0.012, 0.004
    machine.run(60)
    assert machine.quality.level is LEVELS[0]
    assert machine.run(20) == 0


def test_a_long_overload_is_forgotten_as_soon_as_a_short_one() -> None:
    machine = Machine(detect_s=0.05, process_s=0.08, coarse_s=0.06)
    assert machine.run(300) > 0.3, "too slow at every level"
    machine.detect_s, machine.process_s, machine.coarse_s = 0.012, 0.004, 0.003
    machine.run(60)
    assert machine.quality.level is LEVELS[0]


def test_no_better_level_is_tried_while_detection_has_no_time_for_it() -> None:
    machine = Machine(detect_s=0.05)
    machine.run(300)
    assert [level.detect_every for _, level in machine.levels] == [2]


def test_a_camera_that_was_away_is_no_slow_machine() -> None:
    quality = Quality()
    for index in range(60):
        assert not quality.look(index * FRAME_S, index, 0, 0.01)
    # While nobody watched, whatever was counted tells nothing.
    assert not quality.look(500.0, 200, 90, 0.01)
    for index in range(60):
        assert not quality.look(500 + index * FRAME_S, 200 + index, 90, 0.01)


def test_few_frames_tell_nothing() -> None:
    """A lamp that goes out: three frames a second, of which one is lost."""
    quality = Quality()
    assert not any(quality.look(0.34 * index, index, index // 3, 0.01) for index in range(90))


def test_one_hiccup_changes_nothing() -> None:
    machine = Machine(detect_s=0.02)
    machine.run(5)
    machine.detect_s = 0.2
    machine.run(0.2)
    machine.detect_s = 0.02
    machine.run(20)
    assert machine.levels == []


def counted(monkeypatch, lost_share: float, seconds: float, **fields) -> SimpleNamespace:
    """Have a run counted that loses so many of its frames; return what is set and said."""
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(keeping_up.time, "perf_counter", lambda: now.s)
    supply = SimpleNamespace(live=True, frames_in=0, dropped=0)
    run = SimpleNamespace(
        detection=SimpleNamespace(detect_every=1, slot=SimpleNamespace(dropped=0)),
        filtering=SimpleNamespace(coarse=False),
        said=[],
    )
    starting = SimpleNamespace(engine=SimpleNamespace(compiling=False))
    for name, value in fields.items():
        setattr(supply if name == "live" else starting, name, value)
    run.keeping = KeepingUp(supply, run.detection, run.filtering, starting, run.said.append)
    for index in range(round(seconds / FRAME_S)):
        now.s += FRAME_S
        supply.frames_in += 1
        supply.dropped = int(lost_share * index)
        run.keeping.look(SimpleNamespace(detect_s=0.05))
    return run


def test_what_is_left_out_is_set_and_said_once(monkeypatch) -> None:
    run = counted(monkeypatch, 0.4, 30)
    assert run.detection.detect_every == 3
    assert run.filtering.coarse
    assert run.keeping.text == f"quality: {LEVELS[-1].name}"
    assert len(run.said) == 1
    assert "quality: detection every 2nd frame" in run.said[0]


@pytest.mark.parametrize(
    "fields", [{"live": False}, {"engine": None}, {"engine": SimpleNamespace(compiling=True)}]
)
def test_films_at_their_own_pace_and_the_start_are_not_counted(monkeypatch, fields) -> None:
    run = counted(monkeypatch, 0.4, 30, **fields)
    assert run.detection.detect_every == 1
    assert (run.keeping.text, run.said) == ("", [])


@pytest.fixture
def told(monkeypatch) -> list[hud.Readings]:
    """What the preview was drawn with."""
    told = []

    def drawn(before, after, tracks, controls, readings, size):
        told.append(readings)
        return after

    monkeypatch.setattr(hud, "draw_preview", drawn)
    return told


def test_the_preview_says_it_when_there_is_nothing_else_to_say(told) -> None:
    shown = preview.Preview(FakeWindow())
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0)
    shown.take(frame, frame, (), mirrored=False)
    shown.draw("happy", Controls(), "", "quality: less")
    shown.tell("intensity 0.5")
    shown.draw("happy", Controls(), "", "quality: less")
    shown.draw("happy", Controls(), "the camera is away", "quality: less")
    messages = [readings.message for readings in told]
    assert messages == ["quality: less", "intensity 0.5", "the camera is away"]


def test_one_frame_that_was_held_back_for_an_hour_is_soon_forgotten(monkeypatch, told) -> None:
    monkeypatch.setattr(preview.time, "perf_counter", lambda: 3600.02)
    shown = preview.Preview(FakeWindow())
    for captured_at_s in (3600.0, 0.0, 3600.0):
        frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, captured_at_s)
        shown.take(frame, frame, (), mirrored=False)
        shown.draw("happy", Controls())
    assert 20.0 < told[-1].latency_ms < 45.0


@pytest.mark.parametrize("read", [run_options.sync_from, run_options.quality_from])
def test_unknown_modes_are_refused_with_an_offer(read) -> None:
    with pytest.raises(typer.BadParameter, match="'predcit' is unknown"):
        read("predcit")
