"""Schedules: what is understood, and on which frame each command takes effect."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import schedule
from livexpr.commands import Command, Inbox
from livexpr.errors import LivexprError
from tests.made_up_world import FakeSource, World

STUDY = """
# calm first
0     intensity 0.2

10    preset sad   # then sad
12.5  intensity +0.5
"""


def test_lines():
    entries = schedule.parse(STUDY, "study")
    assert [(entry.time_s, entry.command) for entry in entries] == [
        (0.0, Command("intensity", "0.2")),
        (10.0, Command("preset", "sad")),
        (12.5, Command("intensity", "+0.5")),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is nothing in study"),
        ("soon preset sad", "'soon' is no time"),
        ("-1 preset sad", "'-1' is no time"),
        ("nan on", "'nan' is no time"),
        ("1 presett sad", "there is no command 'presett'"),
        ("1", "no command given"),
        ("5 on\n4 off", "4 comes after 5: expected times in order, in line 2 of study"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message):
    with pytest.raises(LivexprError) as refused:
        schedule.parse(text, "study")
    assert message in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_schedule_or_one_line(text):
    try:
        entries = schedule.parse(text, "study")
    except LivexprError as error:
        message = str(error)
    else:
        message = ""
        times = [entry.time_s for entry in entries]
        assert times == sorted(times)
    assert "\n" not in message


@pytest.mark.parametrize("make", ["folder", "bytes", "nothing"])
def test_a_file_that_cannot_be_read(tmp_path, make):
    path = tmp_path / "study.txt"
    if make == "folder":
        path.mkdir()
    elif make == "bytes":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LivexprError, match="schedule"):
        schedule.load(path)


class Scheduled:
    """The scheduler, with what each frame was given."""

    def __init__(self, text):
        self.text = text
        self.scheduler = None
        self.shown: list[tuple[float, float]] = []

    def open(self, inbox: Inbox):
        self.scheduler = schedule.Scheduler(schedule.parse(self.text, "study"), inbox)

    def saw(self, published):
        self.shown.append((published.time_s, published.controls.intensity))
        self.scheduler.saw(published)

    def tell(self, message):
        pass

    def close(self):
        pass


class ScheduledWorld(World):
    def _open_companions(self, settings, inbox, say, *, live):
        for companion in self.companions:
            companion.open(inbox)
        return self.companions


def test_each_command_takes_effect_on_the_first_frame_at_its_time():
    scheduled = Scheduled("0 intensity 0.1\n0.1 intensity 0.2\n0.5 intensity 0.3\n0.5 off\n99 on")
    world = ScheduledWorld(source=FakeSource(count=40, live=False, fps=30.0))
    world.companions = [scheduled]
    assert world.run(fast=True, outputs=("null",)) == 0
    first = scheduled.shown[0][0]
    assert len(scheduled.shown) == 40
    for time_s, intensity in scheduled.shown:
        since_s = time_s - first
        expected = 0.1 if since_s < 0.1 - 1e-6 else 0.2 if since_s < 0.5 - 1e-6 else 0.3
        assert intensity == expected


def test_a_gap_between_frames_brings_nothing_forward():
    inbox = Inbox()
    entries = schedule.parse("1 intensity 0.1\n41 intensity 0.2\n71 intensity 0.3", "study")
    scheduler = schedule.Scheduler(entries, inbox)
    posted = []
    # The camera is away from 1 s to 40, and from 40.5 to 70.
    for time_s in (0.0, 0.5, 1.0, 40.0, 40.5, 70.0, 70.5):
        scheduler.saw(SimpleNamespace(time_s=time_s, stages_s={"apply": 0.001}))
        posted.append([command.value for command in inbox.take()])
    assert posted == [[], ["0.1"], [], [], ["0.2"], [], ["0.3"]]
