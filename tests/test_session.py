"""The live loop from outside: commands of other threads, and those who only look on."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr.commands import parse_line
from livexpr.presets import Preset
from livexpr.published import Published
from tests.made_up_world import FakeCamera, FakeWindow, World


class Onlooker:
    """Keeps what it is told; gives a command with each of the first frames."""

    def __init__(self, *lines, world=None):
        self.lines = list(lines)
        self.world = world
        self.seen: list[Published] = []
        self.told: list[str] = []
        self.answers = []
        self.closed = False

    def saw(self, published):
        self.seen.append(published)
        if not published.tracks:
            return
        line = self.lines.pop(0) if self.lines else "quit"
        if callable(line):
            line()
            return
        command = parse_line(line, self.answers.append)
        assert self.world.inbox.post(command)

    def tell(self, message):
        self.told.append(message)

    def close(self):
        self.closed = True


def run(*lines, **fields) -> tuple[World, Onlooker]:
    world = World(camera=FakeCamera(), **fields)
    onlooker = Onlooker(*lines, world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    return world, onlooker


def test_commands_are_carried_out_and_answered():
    _, onlooker = run("intensity 0.5", "off", "status", "region mouth=0.25")
    assert [(answer.ok, answer.text) for answer in onlooker.answers] == [
        (True, "intensity 0.5"),
        (True, "filter off"),
        (True, ""),
        (True, "region mouth=0.25"),
        (True, ""),
    ]
    status = onlooker.answers[2].status
    assert (status["preset"], status["intensity"], status["on"]) == ("happy", 0.5, False)
    assert onlooker.answers[3].status["regions"]["mouth"] == 0.25


def test_what_cannot_be_done_is_said_and_changes_nothing():
    _, onlooker = run("preset nobody", "mix nothing=1", "status")
    assert [answer.ok for answer in onlooker.answers] == [False, False, True, True]
    assert "nobody" in onlooker.answers[0].text
    assert onlooker.answers[2].status["mix"] == {"happy": 1.0}


def test_a_change_of_the_mix_is_seen_by_the_filter():
    world, _ = run("mix sad=0.5", "status", "status")
    assert world.engine.effects[-1].preset.mix == {"happy": 1.0, "sad": 0.5}


def test_turning_a_region_loads_no_map_again():
    world, _ = run("region mouth=0.5", "region mouth=0.4", "status")
    assert len(world.engine.loaded) == 1
    assert world.engine.effects[-1].preset.regions.mouth == 0.4


def test_a_preset_is_taken_by_name():
    sad = Preset("sad", {"sad": 1.0}, intensity=0.6)
    _, onlooker = run("preset sad", "status", presets={"happy": Preset("happy", {}), "sad": sad})
    status = onlooker.answers[1].status
    assert (status["preset"], status["intensity"]) == ("sad", 0.6)


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_the_old():
    world = World(camera=FakeCamera())
    changed = Preset("happy", {"happy": 0.3})
    lines = ["reload happy", "status", lambda: world.presets.clear(), "reload happy", "status"]
    onlooker = Onlooker(*lines, world=world)
    world.companions = [onlooker]
    world.presets["happy"] = changed
    assert world.run() == 0
    assert [answer.ok for answer in onlooker.answers[:4]] == [True, True, False, True]
    assert onlooker.answers[3].status["mix"] == {"happy": 0.3}


def test_those_who_look_on_see_each_frame_and_are_closed():
    world, onlooker = run("intensity 0.5", "status")
    sent = [pixels[0, 0, 0] for pixels in world.camera.sent]
    last = onlooker.seen[-1]
    assert onlooker.closed
    assert last.preset.name == "happy"
    assert last.controls.intensity == 0.5
    assert set(last.stages_s) >= {"detect"}
    assert last.before.pixels.shape == last.after.pixels.shape
    assert np.isin(last.after.pixels[0, 0, 0], sent)
    assert "intensity 0.5" in onlooker.told


def test_one_that_fails_is_told_no_more_and_the_call_goes_on():
    world = World(camera=FakeCamera())
    good = Onlooker("intensity 0.5", world=world)

    class Bad(Onlooker):
        def saw(self, published):
            self.seen.append(published)
            raise RuntimeError("a bug")

    bad = Bad(world=world)
    world.companions = [bad, good]
    assert world.run() == 0
    assert len(bad.seen) == 1
    assert bad.closed
    assert len(good.seen) > 1
    assert any("RuntimeError: a bug" in line for line in world.said)


@pytest.mark.parametrize("line", ["freeze on", "freeze"])
def test_a_frozen_picture_stays(line):
    _, onlooker = run(line, *["status"] * 5)
    frozen = [answer.status["frozen"] for answer in onlooker.answers]
    assert frozen == [True] * len(frozen)
    # Half of it tells the frames of the source apart.
    shown = [int(published.after.pixels[0, -1, 1]) for published in onlooker.seen]
    assert len(set(shown[-3:])) == 1
    live = [published.after.captured_at_s for published in onlooker.seen]
    assert live == sorted(set(live))


class Frozen(World):
    """Is asked to freeze the picture before there is one."""

    def _open_companions(self, settings, inbox, say, *, live):
        inbox.post(parse_line("freeze on"))
        return super()._open_companions(settings, inbox, say, live=live)


def test_what_is_frozen_before_there_is_a_picture_is_the_first_one():
    world = Frozen(camera=FakeCamera())
    onlooker = Onlooker(*["status"] * 5, world=world)
    world.companions = [onlooker]
    assert world.run() == 0
    assert all(answer.status["frozen"] for answer in onlooker.answers)
    assert len({int(published.before.pixels[0, -1, 1]) for published in onlooker.seen}) == 1


def test_freezing_what_is_frozen_changes_nothing():
    _, onlooker = run(*["freeze on", "status", "status"] * 3)
    shown = [int(published.after.pixels[0, -1, 1]) for published in onlooker.seen]
    assert len(set(shown[-6:])) == 1


def test_keys_of_the_window_are_left_out_while_a_combination_is_pressed():
    window = FakeWindow(first=1)
    world = World(camera=FakeCamera(), window=window)
    window.pressing.extend(
        [
            lambda: world.inbox is not None,
            lambda: world.inbox.hold_keys(1000.0) is None,
            "q",
            lambda: world.inbox.hold_keys(0.0) is None,
            "o",
            lambda: world.engine.effects and world.engine.effects[-1].intensity == 0.0,
            "q",
        ]
    )
    assert world.run() == 0
    assert not window.pressing, "the first q was no q"
