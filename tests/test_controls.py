"""Hotkeys: one table, pure changes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import controls
from livexpr.controls import KEYS, Action, Controls, action_for, apply

ACTIONS = get_args(Action)


def test_every_action_has_a_key_and_none_has_two_entries():
    assert sorted(key.action for key in KEYS) == sorted(ACTIONS)


def test_no_key_asks_for_two_things():
    names = [name for key in KEYS for name in key.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("o", "on_off"),
        (" ", "on_off"),
        ("+", "stronger"),
        ("up", "stronger"),
        ("-", "weaker"),
        ("down", "weaker"),
        ("n", "next_preset"),
        ("p", "previous_preset"),
        ("b", "split"),
        ("m", "mirror"),
        ("f", "freeze"),
        ("l", "landmarks"),
        ("s", "save"),
        ("h", "help"),
        ("q", "quit"),
        ("esc", "quit"),
        ("Q", "quit"),
    ],
)
def test_keys(key, action):
    assert action_for(key) == action


def test_other_keys_do_nothing():
    assert action_for("x") is None
    assert action_for("") is None


def test_help_names_every_key_that_works_without_a_window():
    text = "\n".join(controls.help_lines())
    for key in KEYS:
        assert (key.meaning in text) == (not key.preview_only)


@given(st.lists(st.sampled_from(ACTIONS), max_size=60))
def test_whatever_is_pressed_the_intensity_stays_in_range_and_on_a_step(actions):
    state = Controls()
    for action in actions:
        state = apply(action, state)
        assert -1.0 <= state.intensity <= 2.0
        assert round(state.intensity * 10, 6).is_integer()


def test_up_then_down_leads_back():
    state = Controls(intensity=0.3)
    for _ in range(3):
        state = apply("stronger", state)
    assert state.intensity == 0.6
    for _ in range(3):
        state = apply("weaker", state)
    assert state.intensity == 0.3


@pytest.mark.parametrize(("action", "end"), [("stronger", 2.0), ("weaker", -1.0)])
def test_intensity_stops_at_its_ends(action, end):
    state = Controls()
    for _ in range(40):
        state = apply(action, state)
    assert state.intensity == end


def test_zero_is_never_shown_as_minus_zero():
    state = apply("stronger", Controls(intensity=-0.1))
    assert str(state.intensity) == "0.0"


def test_off_is_intensity_zero_and_keeps_the_setting():
    off = apply("on_off", Controls(intensity=0.7))
    assert (off.live_intensity, off.intensity) == (0.0, 0.7)
    assert apply("on_off", off).live_intensity == 0.7


def test_turning_the_strength_switches_the_filter_on():
    assert apply("stronger", Controls(on=False)).on


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


@pytest.mark.parametrize("action", ["save", "quit", "next_preset", "previous_preset"])
def test_what_needs_files_changes_nothing_here(action):
    assert apply(action, Controls()) == Controls()


def test_changes_are_said():
    assert controls.describe("mirror", Controls(mirrored=True)) == "mirror on"
    assert controls.describe("stronger", Controls(intensity=1.1)) == "intensity 1.1"
    assert controls.describe("save", Controls()) == ""
