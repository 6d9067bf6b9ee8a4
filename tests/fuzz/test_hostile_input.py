"""Files and command lines from anywhere: a clear error each time, or they are taken."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import damage, seeds
from tests.fuzz.targets import TARGETS, run_words, survives

MANY = settings(max_examples=150, suppress_health_check=[*HealthCheck])
FEW = settings(max_examples=60, suppress_health_check=[*HealthCheck])


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_taken(target):
    """Or what is made from them would be refused for the same reason, always."""
    assert [survives(target, content) for content in TARGETS[target].seeds()] == [""] * len(
        TARGETS[target].seeds()
    )


@MANY
@given(damage.toml() | damage.damaged(seeds.preset_texts()) | st.binary(max_size=64))
def test_presets(content):
    survives("preset", content)


@MANY
@given(damage.safetensors(seeds.map_files()) | damage.damaged(seeds.map_files()))
def test_maps(content):
    survives("map", content)


@MANY
@given(damage.damaged(seeds.picture_files()) | st.binary(max_size=64))
def test_pictures(content):
    survives("picture", content)


@FEW
@given(damage.damaged(seeds.film_files()) | st.binary(max_size=64))
def test_films(content):
    survives("film", content)


@FEW
@given(damage.command_line())
def test_command_lines(words):
    survives("words", b"\0".join(os.fsencode(word) for word in words if _encodes(word)))


def _encodes(word: str) -> bool:
    try:
        os.fsencode(word)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "--preset", "~nobody-of-that-name/x.toml"], 2, "no file ~nobody"),
        (["run", "--preset", "a" * 5000 + ".toml"], 2, "too long"),
        (["run", "--map", "a" * 5000 + ".safetensors"], 2, "too long"),
        (["run", "--stats", "a" * 5000], 1, "too long"),
        (["run", "--output", "a" * 5000 + ".mp4"], 1, "too long"),
        (["run", "--output", "~nobody-of-that-name/x.mp4"], 2, "no folder"),
        (["fit", "a" * 5000, "-e", "happy", "-o", "x.safetensors"], 1, "too long"),
        (["run", "--expression", "\x1b[2Jhappy"], 2, "there is no expression"),
        (["run", "--preset", "\udcff.toml"], 2, "no file"),
    ],
)
def test_words_that_systems_refuse(words, code, said):
    found, out, line = run_words(words)
    assert (found, out) == (code, "")
    assert said in line
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()
