"""Hotkeys: one table, to which the user's own are added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.commands import VERBS, parse_line
from livexpr.keys import KEYS, is_here, normal_name

ROWS = pytest.mark.parametrize("rows", [KEYS.here, KEYS.anywhere], ids=["here", "anywhere"])


@ROWS
def test_no_command_has_two_entries(rows):
    lines = [row.command for row in rows]
    assert len(lines) == len(set(lines))


@ROWS
def test_no_key_asks_for_two_things(rows):
    names = [name for row in rows for name in (*row.names, *row.also)]
    assert len(names) == len(set(names))
    assert [normal_name(name) for name in names] == names


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("o", "toggle"),
        (" ", "toggle"),
        ("+", "intensity +0.1"),
        ("=", "intensity +0.1"),
        ("up", "intensity +0.1"),
        ("-", "intensity -0.1"),
        ("down", "intensity -0.1"),
        ("n", "next"),
        ("p", "previous"),
        ("b", "split"),
        ("m", "mirror"),
        ("f", "freeze"),
        ("l", "landmarks"),
        ("s", "save"),
        ("h", "help"),
        ("?", "help"),
        ("q", "quit"),
        ("esc", "quit"),
        ("Q", "quit"),
    ],
)
def test_keys(key, line):
    assert KEYS.command_for(key) == parse_line(line)


def test_other_keys_do_nothing():
    assert KEYS.command_for("x") is None
    assert KEYS.command_for("") is None


def test_help_names_every_key_that_works_without_a_window():
    text = "\n".join(KEYS.help_lines())
    for row in KEYS.here:
        assert (row.meaning in text) == (not row.preview_only)
    assert "landmarks" in "\n".join(KEYS.help_lines(preview=True))


def test_a_key_is_added_to_its_command():
    table = KEYS.bound({"x": "toggle"})
    assert table.command_for("x") == table.command_for("o")
    assert table.here[0].shown == "o  space  x"
    assert len(table.here) == len(KEYS.here)


def test_a_key_is_bound_to_something_new():
    table = KEYS.bound({"k": "preset warm", "0": "intensity 0", "v": "status"})
    assert table.command_for("k") == parse_line("preset warm")
    told = {row.shown: row.meaning for row in table.here}
    assert (told["k"], told["0"], told["v"]) == (
        "preset warm",
        "intensity 0",
        "what is shown now",
    )


def test_a_key_is_taken_from_what_it_did():
    table = KEYS.bound({"o": "off", "q": "", "esc": "", "+": ""})
    assert table.command_for("o") == parse_line("off")
    assert table.command_for(" ") == parse_line("toggle")
    assert table.command_for("q") is table.command_for("esc") is table.command_for("+") is None
    assert "quit" not in [row.command for row in table.here]
    assert table.bound({"q": "quit"}).here[-1].meaning == "quit"


def test_keys_with_modifiers_are_for_anywhere():
    table = KEYS.bound({"ctrl+alt+k": "toggle", "f9": "next", "ctrl+alt+shift+n": ""})
    assert table.here == KEYS.here
    told = {name: row.command for row in table.anywhere for name in row.names}
    assert told["ctrl+alt+k"] == told["ctrl+alt+shift+o"] == "toggle"
    assert told["f9"] == "next"
    assert "ctrl+alt+shift+n" not in told
    assert "F9" in [row.shown for row in table.anywhere]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("K", "k"),
        (" ", " "),
        ("Space", " "),
        ("Esc", "esc"),
        ("+", "+"),
        ("é", "é"),
        ("Alt+CTRL+k", "ctrl+alt+k"),
        ("control+plus", "ctrl+plus"),
        ("cmd+shift+Up", "shift+super+up"),
        ("ctrl+1", "ctrl+1"),
        ("F12", "f12"),
        ("ctrl+f12", "ctrl+f12"),
    ],
)
def test_names_of_keys(text, name):
    assert normal_name(text) == name
    assert normal_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "kk", "f99", "ctrl+", "+k", "hyper+k", "ctrl+nothing", "ctrl+shift+1", "\x1b"]
)
def test_what_is_no_key(text):
    with pytest.raises(ValueError, match="expected"):
        normal_name(text)


NAMES = st.sampled_from(["a", "o", "q", "=", "+", "up", " ", "f5", "ctrl+k", "ctrl+alt+shift+o"])
LINES = st.sampled_from(["", "toggle", "quit", "preset warm", "freeze on", "intensity +0.1"])


@given(st.dictionaries(NAMES, LINES), st.dictionaries(NAMES, LINES))
def test_whatever_is_bound_each_key_does_what_was_said_last(first, then):
    table = KEYS.bound(first).bound(then)
    told = {name: row.command for row in table.rows for name in (*row.names, *row.also)}
    assert sum(len((*row.names, *row.also)) for row in table.rows) == len(told)
    for name, line in {**first, **then}.items():
        assert told.get(name, "") == line
        if is_here(name):
            command = table.command_for(name)
            assert (command is None) == (not line)
    assert all(row.names and row.meaning for row in table.rows)
    assert all(row.command.split()[0] in {verb.name for verb in VERBS} for row in table.rows)
