"""What each command sets: pure changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import controls
from livexpr.commands import parse_line
from livexpr.controls import Controls
from livexpr.errors import PresetError
from livexpr.keys import KEYS
from livexpr.pilot import Pilot
from livexpr.presets import Preset
from tests.made_up_world import HAPPY, FakeEngine, World

LINES = [key.command for key in KEYS.here]


def apply(line: str, state: Controls) -> Controls:
    return controls.apply(parse_line(line), state)


@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_whatever_is_pressed_the_intensity_stays_in_range_and_on_a_step(actions):
    state = Controls()
    for action in actions:
        state = apply(action, state)
        assert -1.0 <= state.intensity <= 2.0
        assert round(state.intensity * 10, 6).is_integer()


def test_up_then_down_leads_back():
    state = Controls(intensity=0.3)
    for _ in range(3):
        state = apply("intensity +0.1", state)
    assert state.intensity == 0.6
    for _ in range(3):
        state = apply("intensity -0.1", state)
    assert state.intensity == 0.3


@pytest.mark.parametrize(("action", "end"), [("intensity +0.1", 2.0), ("intensity -0.1", -1.0)])
def test_intensity_stops_at_its_ends(action, end):
    state = Controls()
    for _ in range(40):
        state = apply(action, state)
    assert state.intensity == end


def test_zero_is_never_shown_as_minus_zero():
    state = apply("intensity +0.1", Controls(intensity=-0.1))
    assert str(state.intensity) == "0.0"


def test_off_is_intensity_zero_and_keeps_the_setting():
    off = apply("toggle", Controls(intensity=0.7))
    assert (off.live_intensity, off.intensity) == (0.0, 0.7)
    assert apply("toggle", off).live_intensity == 0.7


def test_turning_the_strength_switches_the_filter_on():
    assert apply("intensity +0.1", Controls(on=False)).on


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("split", "split"),
        ("mirror", "mirrored"),
        ("freeze", "frozen"),
        ("landmarks", "landmarks"),
        ("help", "help_shown"),
    ],
)
def test_switches_switch_one_thing_and_back(action, field):
    switched = apply(action, Controls())
    assert switched == replace(Controls(), **{field: True})
    assert apply(action, switched) == Controls()


@pytest.mark.parametrize("action", ["save", "quit", "next", "previous"])
def test_what_needs_files_changes_nothing_here(action):
    assert apply(action, Controls()) == Controls()


def test_changes_are_said():
    assert controls.describe(parse_line("mirror"), Controls(mirrored=True)) == "mirror on"
    assert (
        controls.describe(parse_line("intensity +0.1"), Controls(intensity=1.1)) == "intensity 1.1"
    )
    assert controls.describe(parse_line("save"), Controls()) == ""


def test_said_numbers_are_set_as_they_are_and_signed_ones_are_steps():
    assert apply("intensity 0.55", Controls()).intensity == 0.55
    assert apply("intensity =-0.5", Controls()).intensity == -0.5
    assert apply("intensity -0.5", Controls()).intensity == 0.5


@pytest.mark.parametrize(("line", "on"), [("on", True), ("off", False), ("toggle", False)])
def test_the_filter_is_switched(line, on):
    assert apply(line, Controls(on=True)).on is on


def test_switches_can_be_set():
    assert apply("freeze on", Controls(frozen=True)).frozen
    assert not apply("freeze off", Controls(frozen=True)).frozen


class NoSad(FakeEngine):
    """Has a map that is damaged."""

    def load_effect(self, preset):
        if "sad" in preset.mix:
            raise PresetError("the map 'sad' is damaged")
        return super().load_effect(preset)


@pytest.mark.parametrize(("line", "intensity"), [("mix sad=0.3", 0.5), ("preset sad", 1.0)])
def test_what_cannot_be_shown_is_taken_back_and_nothing_else(line, intensity):
    world = World(presets={"sad": Preset("sad", {"sad": 1.0}, intensity=0.7)})
    pilot, engine = Pilot(HAPPY, world.edges()), NoSad()
    pilot.carry_out(parse_line("intensity 0.5"))
    pilot.effect(engine)
    pilot.carry_out(parse_line(line))
    with pytest.raises(PresetError):
        pilot.effect(engine)
    pilot.leave()
    assert pilot.preset == HAPPY
    assert pilot.controls.intensity == intensity
