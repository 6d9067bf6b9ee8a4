"""The user's config: what it sets, and that what is wrong is said with its place."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from livexpr import cli, config, presets
from livexpr.config import Config, ConfigError
from livexpr.keys import KEYS
from livexpr.settings import Settings
from tests.test_cli import call, ran, refusal, settings_of, start

__all__ = ["ran"]


def put(text: str) -> Path:
    config.path().parent.mkdir(parents=True, exist_ok=True)
    config.path().write_text(text, encoding="utf-8")
    return config.path()


def test_without_one_all_is_as_usual(ran):
    assert config.load() == Config()
    assert settings_of(ran) == Settings()


def test_it_lies_beside_the_presets():
    assert config.path() == presets.user_dir().parent / "config.toml"


def test_what_it_sets_arrives(ran):
    put(
        """
        [run]
        preset = "warm"
        source = "demo"
        size = "640x480"
        fps = 25
        output = ["null", "window"]
        mirror = true
        preview = false
        on_lost = "blur"
        badge = true
        ctl = false
        hotkeys = true
        [keys]
        k = "preset sad"
        """
    )
    settings = settings_of(ran)
    assert settings == Settings(
        source="demo",
        size=(640, 480),
        fps=25.0,
        outputs=("null", "window"),
        mirror=True,
        preview=False,
        on_lost="blur",
        badge=True,
        ctl=False,
        hotkeys=True,
        keys=KEYS.bound({"k": "preset sad"}),
        preset=presets.load("warm"),
    )


def test_names_keep_their_blanks(ran):
    put('[run]\nsource = "HD  Pro"\noutput = "a  b.mp4"')
    settings = settings_of(ran)
    assert (settings.source, settings.outputs) == ("HD  Pro", ("a  b.mp4",))


def test_the_command_line_goes_before_it(ran):
    put('[run]\nsource = "demo"\nmirror = true\noutput = "null"\nhotkeys = true\nbadge = true')
    words = ["--source", "1", "--no-mirror", "--output", "window", "--no-hotkeys", "--no-badge"]
    settings = settings_of(ran, *words)
    assert settings.source == "1"
    assert settings.outputs == ("window",)
    assert (settings.mirror, settings.hotkeys, settings.badge) == (False, False, False)


@pytest.mark.parametrize("words", [["--expression", "sad"], ["--map", None]])
def test_its_preset_gives_way_to_any_other_choice(ran, words):
    put('[run]\npreset = "warm"')
    words = [word or presets.map_path("sad") for word in words]
    assert list(settings_of(ran, *words).preset.mix) in (["sad"], [str(presets.map_path("sad"))])
    assert "not both" in refusal("run", "--expression", "sad", "--preset", "warm")


def test_keys_of_anywhere_are_left_out_unless_they_work(ran):
    assert settings_of(ran).working_keys == replace(KEYS, anywhere=())
    assert call("run", "--hotkeys").exit_code == 0
    assert ran[-1].working_keys == KEYS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rum]", ["unknown table 'rum'", "did you mean 'run'?", "line 1"]),
        ("[run]\nsorce = '0'", ["did you mean 'source'?", "run.sorce", "line 2"]),
        ("[run]\nfps = 500", ["from 1 to 240", "run.fps", "line 2"]),
        ("[run]\nfps = true", ["got true"]),
        ("[run]\nmirror = 1", ["expected true or false", "run.mirror"]),
        ("[run]\nsize = 'big'", ["no size", "run.size"]),
        ("[run]\noutput = ['nowhere']", ["'nowhere' is no output", "run.output"]),
        ("[run]\noutput = []", ["no output given"]),
        ("[run]\npreset = 'hapy'", ["did you mean 'happy'?", "run.preset", "line 2"]),
        ("[run]\non_lost = 'blurr'", ["did you mean 'blur'?", "run.on_lost"]),
        ("run = 1", ["expected a table, [run]"]),
        ("[keys]\nk = 'preste warm'", ["did you mean 'preset'", "keys.k", "line 2"]),
        ("[keys]\n\nkk = 'next'", ["'kk' is no key", "keys.kk", "line 3"]),
        ('[keys]\na = "on"\n"ctrl+shift+1" = "next"', ["with shift", "line 3"]),
        ('[keys]\nk = "on"\nK = "off"', ["'K' is bound twice", "line 3"]),
        ("[keys]\nk = 1", ["expected a text in quotes"]),
        ("[keys", ["not TOML", "line 1"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, said):
    path = put(text)
    line = refusal("run", "--source", "demo", code=1)
    for part in [*said, str(path)]:
        assert part in line


def test_a_wrong_one_stops_only_what_needs_it():
    put("[rum]")
    assert call("presets", "list").exit_code == 0
    assert call("config", "path").exit_code == 0


def test_it_has_to_be_text_of_a_reasonable_size():
    put("").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load()
    put("#" * (config.MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="at most"):
        config.load()


@given(st.text(max_size=80))
def test_any_text_is_a_config_or_is_refused(text):
    with contextlib.suppress(ConfigError):
        config.parse(text, "config.toml")


def test_the_template_is_as_usual_and_all_in_it_is_right():
    assert config.parse(config.TEMPLATE, "x") == Config()
    lines = [line.removeprefix("# ") for line in config.TEMPLATE.splitlines() if " = " in line]
    text = config.TEMPLATE
    for line in lines:
        text = text.replace(f"# {line}", line)
    found = config.parse(text, "x")
    assert set(found.run) == set(config.RUN_KEYS)
    assert found.keys != KEYS


def test_help_shows_the_keys_in_force():
    put('[keys]\nk = "preset warm"\nq = ""\n"ctrl+alt+j" = "freeze on"')
    shown = call("run", "--help").stdout
    assert " k         preset warm" in shown
    assert "Ctrl+Alt+J" in shown
    assert " Esc       quit" in shown


def test_show_and_path():
    assert "not there" in call("config", "show").stdout
    path = put('[run]\nmirror = true\n[keys]\nk = "preset warm"')
    shown = call("config", "show").stdout
    assert "mirror = true" in shown
    assert "preset warm" in shown
    assert call("config", "path").stdout.strip() == str(path)
    assert "path" in call("config").stdout


def test_signs_that_a_code_page_has_not_stop_nothing(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    shown = start("config", "show")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "+  ?" in shown.stdout  # the arrow


def test_edit_makes_it_and_checks_it(monkeypatch, tmp_path):
    editor = tmp_path / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'a').write('[rum]')")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")
    done = CliRunner().invoke(cli.app, ["config", "edit"])
    assert done.exit_code == 1
    assert "unknown table 'rum'" in done.stderr
    assert config.path().read_text(encoding="utf-8") == f"{config.TEMPLATE}[rum]"
