"""Commands: what is understood, what is refused, and in which order they come out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.commands import (
    VERBS,
    Command,
    CommandError,
    Inbox,
    named_number,
    parse,
    parse_line,
    stepped,
    switched,
)


@pytest.mark.parametrize(
    ("line", "verb", "value"),
    [
        ("on", "on", ""),
        ("intensity +0.1", "intensity", "+0.1"),
        ("intensity =-0.5", "intensity", "=-0.5"),
        ("preset my face", "preset", "my face"),
        (" source  a  b.mp4 ", "source", "a  b.mp4"),
        ("mix  happy  =  0.5", "mix", "happy  =  0.5"),
        ("intensity   =-0.5 ", "intensity", "=-0.5"),
        ("freeze  on", "freeze", "on"),
        ("freeze", "freeze", ""),
        ("freeze off", "freeze", "off"),
        ("mix happy=0.5", "mix", "happy=0.5"),
        ("save", "save", ""),
        ("save mine", "save", "mine"),
    ],
)
def test_understood(line, verb, value):
    assert parse_line(line) == Command(verb, value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no command given"),
        ("of", "there is no command 'of': did you mean 'off'"),
        ("on off", "'on' was given 'off': expected 'on'"),
        ("intensity", "was given nothing"),
        ("intensity much", "was given 'much'"),
        ("intensity nan", "was given 'nan'"),
        ("intensity inf", "was given 'inf'"),
        ("preset", "was given nothing"),
        ("freeze maybe", "was given 'maybe'"),
        ("mix happy", "expected 'mix MAP=X'"),
        ("mix =1", "expected 'mix MAP=X'"),
    ],
)
def test_refused_in_one_line(line, message):
    with pytest.raises(CommandError) as refused:
        parse_line(line)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_words_give_a_command_or_one_line(words):
    with contextlib.suppress(CommandError):
        assert parse(words).verb in {verb.name for verb in VERBS}


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_steps_add_up(now, step):
    assert stepped(now, f"{step:+f}") == pytest.approx(now + step, abs=1e-5)
    assert stepped(now, f"={step:f}") == pytest.approx(step, abs=1e-5)


def test_a_name_may_hold_an_equals_sign():
    assert named_number("a=b=0.5") == ("a=b", 0.5)
    assert named_number("happy  =  0.5") == ("happy", 0.5)


def test_switches():
    assert [switched(True, value) for value in ("", "on", "off")] == [False, True, False]


def test_the_inbox_keeps_the_order_and_refuses_what_is_too_much():
    inbox = Inbox()
    posted = [Command("intensity", str(number)) for number in range(500)]
    taken = [inbox.post(command) for command in posted]
    kept = inbox.take()
    assert kept == posted[: taken.count(True)]
    assert not all(taken)
    assert inbox.take() == []
    assert inbox.post(posted[0])


def test_keys_of_the_preview_can_be_held_for_a_while():
    inbox = Inbox()
    assert not inbox.keys_held
    inbox.hold_keys(1000.0)
    assert inbox.keys_held
    inbox.hold_keys(0.0)
    assert not inbox.keys_held
