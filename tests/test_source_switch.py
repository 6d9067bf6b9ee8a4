"""Another camera while the filter runs: the picture goes on, the outputs keep their size."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from livexpr import awaited_camera
from livexpr.commands import Command, Inbox
from livexpr.errors import CameraError
from livexpr.keys import KEYS
from livexpr.supply import Supply
from tests.made_up_world import (
    SIZE,
    FakeCamera,
    FakeSource,
    FakeViewers,
    FakeWindow,
    World,
    wait_until,
)
from tests.test_session import Onlooker


class TallSource(FakeSource):
    """Gives narrow, bright pictures, of another size than the first source's."""

    def read(self):
        frame = super().read()
        if frame is None:
            return None
        pixels = np.full((SIZE[1], SIZE[0] // 2, 3), 120, np.uint8)
        pixels.setflags(write=False)
        return replace(frame, pixels=pixels)


@dataclass
class Cameras(World):
    """A world with several sources, by what they are asked for."""

    others: dict[str, FakeSource | Exception] = field(default_factory=dict)

    def _open_source(self, settings, *, fast):
        if settings.source not in self.others:
            return super()._open_source(settings, fast=fast)
        assert settings.loop
        assert not settings.on_demand
        found = self.others[settings.source]
        if isinstance(found, Exception):
            raise found
        return found


class Patient(Onlooker):
    """Gives its next command when the last was answered."""

    given = 0

    def saw(self, published):
        if published.tracks and len(self.answers) >= self.given:
            self.given += 1
            super().saw(published)
        else:
            self.seen.append(published)


def call(*lines, **fields) -> tuple[Cameras, Patient]:
    world = Cameras(camera=FakeCamera(), **fields)
    onlooker = Patient(*lines, world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    return world, onlooker


def test_it_is_switched_the_old_one_closed_and_the_outputs_keep_their_size():
    first, second = FakeSource(name="first"), TallSource(name="second")
    waits = ["status"] * 5
    world, onlooker = call("status", "source B", *waits, source=first, others={"B": second})
    before, switched, *_, last = onlooker.answers
    assert before.status["source"] == "first"
    assert (switched.ok, switched.text) == (True, "source second")
    assert switched.status["source"] == last.status["source"] == "second"
    assert first.closed.is_set()
    assert second.closed.is_set(), "at the end"
    shapes = {published.before.pixels.shape for published in onlooker.seen}
    assert shapes == {(SIZE[1], SIZE[0], 3), (SIZE[1], SIZE[0] // 2, 3)}
    assert {pixels.shape for pixels in world.camera.sent} == {(SIZE[1], SIZE[0], 3)}
    indices = [published.before.index for published in onlooker.seen]
    assert indices == sorted(set(indices)), "frames are numbered on"


@pytest.mark.parametrize("error", [CameraError("it is busy"), ValueError("a bug")])
def test_what_cannot_be_opened_is_one_line_and_the_old_one_stays(error):
    first = FakeSource(name="first")
    _, onlooker = call("source B", "status", "status", source=first, others={"B": error})
    failed = onlooker.answers[0]
    assert not failed.ok
    assert str(error) in failed.text
    assert failed.text.endswith("first stays")
    assert "\n" not in failed.text
    assert onlooker.answers[2].status["source"] == "first"


def test_a_failure_nobody_waits_for_is_said():
    world = Cameras(camera=FakeCamera(), others={"B": CameraError("it is busy")})

    class Presser(Onlooker):
        def saw(self, published):
            if not self.seen:
                self.seen.append(world.inbox.post(Command("source", "B")))
            if any("it is busy" in line for line in world.said):
                world.inbox.post(Command("quit"))

    world.companions = [Presser(world=world)]
    assert world.run() == 0
    assert world.said.count("it is busy; fake stays") == 1


def test_a_key_can_be_bound_to_it():
    window = FakeWindow(first=1)
    world = Cameras(camera=FakeCamera(), window=window, others={"B": FakeSource(name="second")})
    keys = KEYS.bound({"b": "source B"})
    first = world.source
    window.pressing.extend(["b", lambda: first.closed.is_set(), "q"])
    assert world.run(keys=keys) == 0
    assert "source second" in world.said


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("/dev/video10", 'webcam "livexpr" (/dev/video10)'),
        ("linked", 'webcam "livexpr" (/dev/video10)'),
        ("OBS Virtual Camera", 'webcam "OBS Virtual Camera"'),
        ("OBS Virtual Camera", 'webcam "OBS Virtual Camera" (a path)'),
    ],
)
def test_the_virtual_camera_is_not_its_own_source(monkeypatch, tmp_path, device, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to("/dev/video10")
    first, own = FakeSource(name="first"), FakeSource(name=name)
    world = Cameras(camera=FakeCamera(), source=first, others={"B": own})
    world.camera.device = device
    onlooker = Patient("source B", "status", world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    assert not onlooker.answers[0].ok
    assert "where the filtered picture goes" in onlooker.answers[0].text
    assert own.closed.is_set()


def test_nor_is_one_that_could_not_be_had_at_first(monkeypatch):
    monkeypatch.setattr(awaited_camera, "_RETRY_S", 0.01)
    camera, answers = FakeCamera("late"), []
    camera.device = "/dev/video10"
    world = Cameras(others={"B": FakeSource(name='webcam "livexpr" (/dev/video10)')})
    world.window = FakeWindow(
        [
            lambda: setattr(world, "camera", camera) or True,
            lambda: camera.sent,
            lambda: world.inbox.post(Command("source", "B", answers.append)),
            lambda: answers,
            "q",
        ]
    )
    assert world.run() == 0
    assert "where the filtered picture goes" in answers[0].text


def test_a_film_that_ends_while_another_source_is_opened_is_not_the_end():
    over, ended = threading.Event(), threading.Event()

    class Film(FakeSource):
        def read(self):
            if over.is_set():
                ended.set()
                return None
            return super().read()

    class Slow(Cameras):
        def _open_source(self, settings, *, fast):
            if settings.source == "B":
                over.set()
                ended.wait(60.0)
                time.sleep(0.5)  # long enough to find out that no frame will come
            return super()._open_source(settings, fast=fast)

    world = Slow(camera=FakeCamera(), source=Film(), others={"B": FakeSource(name="second")})
    onlooker = Patient("source B", "status", world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    assert onlooker.answers[0].text == "source second"


def test_a_film_that_has_ended_is_the_end_if_nothing_else_can_be_opened():
    frames = supply(FakeSource(1))
    frames.expecting = True
    next_frame(frames)
    assert frames.get(0.01) is None
    assert not frames.ended
    frames.expecting = False
    wait_until(lambda: frames.ended, "the end")
    frames.close()


def test_a_film_that_loses_nothing_is_not_switched():
    world = Cameras(source=FakeSource(20, live=False))
    onlooker = Onlooker("source B", "status", world=world)
    world.companions = [onlooker]
    assert world.run(outputs=("null",), fast=True) == 0
    refused = next(answer for answer in onlooker.answers if not answer.ok)
    assert "only a live source" in refused.text


def test_only_one_is_opened_at_a_time():
    held, opening = threading.Event(), threading.Event()

    class Slow(Cameras):
        def _open_source(self, settings, *, fast):
            if settings.source == "B":
                opening.set()
                held.wait(60.0)
            return super()._open_source(settings, fast=fast)

    world = Slow(camera=FakeCamera(), others={"B": FakeSource(name="second")})

    def second():
        opening.wait(60.0)
        world.inbox.post(Command("source", "B", onlooker.answers.append))

    def until_switched():
        if not any(answer.text == "source second" for answer in onlooker.answers):
            onlooker.lines.insert(0, until_switched)

    lines = ["source B", second, "status", "status", held.set, until_switched]
    onlooker = Onlooker(*lines, world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    refused = [answer for answer in onlooker.answers if not answer.ok]
    assert ["wait for it" in answer.text for answer in refused] == [True]
    assert any(answer.text == "source second" for answer in onlooker.answers)


# --- the supply ----------------------------------------------------------------------------


def supply(source, **fields) -> Supply:
    return Supply(source, lambda old: old, lambda line: None, **fields)


def next_frame(frames: Supply):
    found = []
    wait_until(lambda: (frame := frames.get(0.05)) is not None and not found.append(frame), "frame")
    return found[0]


def test_the_count_of_frames_goes_on():
    first, second = FakeSource(), FakeSource()
    frames = supply(first)
    last = next_frame(frames)
    seen = frames.frames_in
    frames.switch(second)
    assert frames.name == second.name
    assert next_frame(frames).index > last.index
    assert frames.frames_in > seen
    assert frames.close()
    assert second.closed.is_set()


def test_of_two_that_come_at_once_the_last_is_taken_and_none_left_open():
    first, second, third = FakeSource(), FakeSource(), FakeSource()
    frames = supply(first)
    frames.switch(second)
    frames.switch(third)
    assert second.closed.is_set()
    next_frame(frames)
    assert first.closed.is_set()
    assert not third.closed.is_set()
    frames.close()
    assert third.closed.is_set()


def test_what_comes_after_the_end_is_closed():
    frames = supply(FakeSource())
    waiting, late = FakeSource(), FakeSource()
    frames.switch(waiting)
    frames.close()
    assert waiting.closed.is_set()
    frames.switch(late)
    assert late.closed.is_set()


def test_a_lost_camera_is_replaced():
    lines: list[str] = []
    broken = FakeSource(1, error=CameraError("unplugged"))

    def reopen(source):
        raise CameraError("still away")

    frames = Supply(broken, reopen, lines.append)
    wait_until(lambda: frames.get(0.01) is None and frames.lost, "the loss")
    frames.switch(FakeSource(name="second"))
    next_frame(frames)
    assert not frames.lost
    assert frames.notice == ""
    frames.close()


def test_on_demand_it_is_off_until_it_is_wanted():
    viewers = FakeViewers(wanted=False)
    reopened: list[FakeSource] = []

    def reopen(source):
        reopened.append(FakeSource(name=f"{source.name} again"))
        return reopened[-1]

    frames = Supply(FakeSource(), reopen, lambda line: None, wanted=lambda: viewers.wanted)
    second = FakeSource(name="second")
    frames.switch(second)
    assert frames.get(0.01) is None
    assert second.closed.is_set()
    assert frames.idle
    viewers.wanted = True
    next_frame(frames)
    assert frames.name == "second again"
    frames.close()


def test_others_than_this_command_are_not_diverted():
    inbox = Inbox()
    taken: list[Command] = []
    inbox.divert("source", taken.append)
    assert inbox.post(Command("source", "B"))
    assert inbox.post(Command("status"))
    assert [command.verb for command in taken] == ["source"]
    assert [command.verb for command in inbox.take()] == ["status"]
