"""Teaching from the page, with a made-up lesson: what reaches it, what the page is told of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from livexpr.commands import Answer, Inbox
from livexpr.errors import LivexprError
from livexpr.learning import Progress
from livexpr.types import NoFace
from tests.made_up_world import TRACK, wait_until
from tests.studio.running import ROOT
from tests.studio.test_server import live, published, read
from tests.test_cli import ran, settings_of

_WHY = "the extra 'studio' is not installed"
Studio = pytest.importorskip("livexpr.studio.server", reason=_WHY).Studio
Lessons = pytest.importorskip("livexpr.studio.lessons", reason=_WHY).Lessons

__all__ = ["ran"]


class FakeLesson:
    """Notes what it is asked for; learns whatever is not called ``taken``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seen: list[object] = []
        self.rested = 0
        self.held_up = threading.Event()
        self.held_up.set()

    @property
    def progress(self) -> Progress:
        return Progress("look here", True, "neutral", False, 1, 3)

    def see(self, frame, track) -> None:
        self.held_up.wait(30)
        self.seen.append(track)

    def take(self, stage) -> None:
        self.asked.append(stage)

    def undo(self) -> None:
        self.asked.append("undo")

    def learn(self, name: str) -> str:
        if name == "taken":
            raise LivexprError("there is a preset 'taken' already")
        self.asked.append(f"learn {name}")
        return f"learned {name}"

    def rest(self) -> None:
        self.rested += 1


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def lesson():
    return FakeLesson()


@pytest.fixture
def lessons(lesson, inbox):
    lessons = Lessons(lambda: lesson, inbox.post)
    yield lessons
    lesson.held_up.set()
    lessons.close()
    assert not any(thread.name == "lesson" for thread in threading.enumerate())


def test_nothing_runs_before_it_is_asked_for(lessons, lesson):
    lessons.saw(published())
    assert lessons.state() is None
    assert not any(thread.name == "lesson" for thread in threading.enumerate())


def test_frames_without_the_filter_and_the_nearest_face_reach_it(lessons, lesson):
    lessons.ask("attend")
    for tracks, expected in (((TRACK,), TRACK), ((), NoFace)):
        lesson.seen.clear()
        lessons.saw(published(tracks=tracks))
        wait_until(lambda: lesson.seen, "the frame")
        assert lesson.seen[0] is expected or isinstance(lesson.seen[0], NoFace)
    assert lessons.state()["guidance"] == "look here"


def test_a_slow_lesson_holds_nothing_up_and_sees_the_newest_frame(lessons, lesson):
    lesson.held_up.clear()
    lessons.ask("attend")
    for index in range(500):
        lessons.saw(published(index))
    lesson.held_up.set()
    wait_until(lambda: lesson.seen, "the frame")
    assert len(lesson.seen) <= 2


def test_what_was_learned_is_shown_at_once(lessons, lesson, inbox):
    for what in ("neutral", "expression", "undo"):
        lessons.ask(what)
    lessons.ask("learn", "mine")
    commands = []
    wait_until(lambda: commands.extend(inbox.take()) or len(commands) == 2, "the commands")
    assert lesson.asked == ["neutral", "expression", "undo", "learn mine"]
    assert [f"{one.verb} {one.value}" for one in commands] == [
        "reload mine.safetensors",
        "preset mine",
    ]
    wait_until(lambda: lessons.state()["n_kept"] == 1, "the count")
    assert lessons.state()["note"] == "learned mine"
    commands[1].answer(Answer(False, "the map is broken", {}))
    assert (lessons.state()["note"], lessons.state()["bad"]) == ("the map is broken", True)


def test_what_went_wrong_is_told_and_forgotten_with_the_next_press(lessons, inbox):
    lessons.ask("learn", "taken")
    wait_until(lambda: lessons.state()["bad"], "the refusal")
    assert lessons.state()["note"] == "there is a preset 'taken' already"
    assert inbox.take() == []
    lessons.ask("neutral")
    wait_until(lambda: not lessons.state()["bad"], "the end of it")


def test_a_lesson_that_cannot_begin_is_told_in_one_line(inbox):
    def broken():
        raise RuntimeError("no\nmodel")

    lessons = Lessons(broken, inbox.post)
    lessons.ask("attend")
    wait_until(lambda: lessons.state()["bad"], "the refusal")
    assert "\n" not in lessons.state()["note"]
    lessons.close()


def test_it_rests_at_the_end(lesson, inbox):
    lessons = Lessons(lambda: lesson, inbox.post)
    lessons.ask("attend")
    wait_until(lambda: lessons.state().get("guidance"), "the guidance")
    lessons.close()
    lessons.close()
    assert lesson.rested == 1
    lessons.ask("neutral")
    assert lesson.asked == []


def test_the_interpreter_does_not_end_beneath_a_look_that_is_taken():
    done = subprocess.run(
        [sys.executable, "-c", _QUIT_WHILE_A_LOOK_IS_TAKEN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["looking", "closed", "seen", "rested"]


_QUIT_WHILE_A_LOOK_IS_TAKEN = """
import threading, time
from livexpr.studio.lessons import Lessons
from tests.studio.test_lessons import FakeLesson
from tests.studio.test_server import published

looking = threading.Event()

class SlowLesson(FakeLesson):
    def see(self, frame, track):
        print("looking", flush=True)
        looking.set()
        time.sleep(2.5)
        print("seen", flush=True)

    def rest(self):
        print("rested", flush=True)

lessons = Lessons(SlowLesson, lambda command: True)
lessons.ask("attend")
lessons.saw(published())
looking.wait()
lessons.close()
print("closed", flush=True)
"""


def test_the_page_asks_and_is_told(lesson, inbox):
    studio = Studio(inbox, {}, open_lesson=lambda: lesson)
    try:
        with live(studio) as socket:
            socket.send(json.dumps({"teach": "learn", "name": " mine "}))
            wait_until(lambda: lesson.asked, "the press")
            socket.send(json.dumps({"ready": {}}))
            wait_until(lambda: studio._stream._wishes, "the wish")
            studio.saw(published())
            header, _ = read(socket.recv(timeout=10))
            assert lesson.asked == ["learn mine"]
            assert header["lesson"]["guidance"] == "look here"
            socket.send(json.dumps({"teach": "everything"}))
            assert json.loads(socket.recv(timeout=10))["kind"] == "error"
    finally:
        studio.close()


def test_a_studio_that_stands_in_for_a_window_teaches_too(ran):
    # Whether it will is not known before the outputs are opened.
    assert settings_of(ran, "--output", "auto").open_lesson is not None


def test_without_lessons_there_is_nothing_to_ask_for(inbox):
    studio = Studio(inbox, {})
    try:
        with live(studio) as socket:
            socket.send(json.dumps({"teach": "neutral"}))
            assert json.loads(socket.recv(timeout=10))["kind"] == "error"
    finally:
        studio.close()
