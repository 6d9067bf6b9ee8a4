"""install-service: units and menu entries that are read as they were meant, and whose files go."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from livexpr import cli, service, service_command
from livexpr.errors import LivexprError

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ARGUMENTS = st.lists(WORDS | st.sampled_from(["", ";", "-", "%h", "$HOME", "${A}", "a b", "\\x41"]))
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def systemd_words(line: str) -> list[str]:
    """Split a line as systemd's extract_first_word() does for ExecStart=, then expand it."""
    assert not set(line) & {"\n", "\r", "\0"}, "one line"
    words, rest = [], line
    while rest := rest.lstrip(" \t"):
        word, quote, raw = "", "", rest
        while rest and (quote or rest[0] not in " \t"):
            c, rest = rest[0], rest[1:]
            if c == "\\" and rest[0] == "x":
                word, rest = word + chr(int(rest[1:3], 16)), rest[3:]
            elif c == "\\":
                word, rest = word + ESCAPES.get(rest[0], rest[0]), rest[1:]
            elif c == quote:
                quote = ""
            elif not quote and c in "\"'":
                quote = c
            else:
                word += c
        assert not quote, "a quote that does not end"
        assert raw.split(maxsplit=1)[0] != ";", "a second command"
        assert "%" not in word.replace("%%", ""), "a specifier"
        word = word.replace("%%", "%")
        if words:  # variables are looked for in arguments only
            assert "$" not in word.replace("$$", ""), "a variable"
            word = word.replace("$$", "$")
        words.append(word)
    return words


def desktop_words(value: str) -> list[str]:
    """Split an Exec key as the Desktop Entry Specification says."""
    assert not set(value) & {"\n", "\r"}, "one line"
    text = re.sub(
        r"\\(.)", lambda m: {"s": " ", "n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), value
    )
    words, reserved = [], set(" \t\n\"'\\><~|&;$*?#()`")
    while text := text.lstrip(" "):
        word = ""
        if text[0] != '"':
            word, _, text = text.partition(" ")
            assert not set(word) & reserved
        else:
            text = text[1:]
            while text[0] != '"':
                if text[0] == "\\":
                    assert text[1] in '"`$\\'
                    text = text[1:]
                else:
                    assert text[0] not in "`$"
                word, text = word + text[0], text[1:]
            text = text[1:]
            assert text[:1] in ("", " ")
        assert "%" not in word.replace("%%", ""), "a field code"
        words.append(word.replace("%%", "%"))
    return words


@given(ARGUMENTS)
def test_systemd_gets_each_argument_as_it_is(arguments):
    command = ["/opt/my apps/100% $HOME/livexpr", *arguments]
    assert systemd_words(service.systemd_line(command)) == command


@given(ARGUMENTS)
def test_desktops_get_each_argument_as_it_is(arguments):
    command = ["/opt/my apps/100% $HOME/it's `so`/livexpr", *arguments]
    assert desktop_words(service.desktop_line(command)) == command


@pytest.mark.parametrize("path", ["livexpr", "/opt/it's/livexpr", "/opt/a\\b", "/a\nb", '/"a"'])
def test_what_systemd_cannot_start_is_said(path):
    with pytest.raises(LivexprError, match="systemd starts no program"):
        service.systemd_line([path])


def test_what_desktops_cannot_start_is_said():
    with pytest.raises(LivexprError, match="no '='"):
        service.desktop_line(["/opt/a=b/livexpr"])


@pytest.mark.parametrize("folder", [Path("/a\nb"), Path("/trailing ")])
def test_a_folder_that_systemd_cannot_read_is_said(folder):
    with pytest.raises(LivexprError, match="works in no folder"):
        service.unit(["/bin/true"], folder)


def test_the_network_is_closed_but_to_the_studio():
    line = re.compile("^RestrictAddressFamilies=.*INET", re.MULTILINE)
    assert not line.search(service.unit(["/bin/true", "run"]))
    assert line.search(service.unit(["/bin/true", "run", "--studio"]))


def awkward(folder: Path) -> list[str]:
    """A program that exists, in a folder with an awkward name, with awkward arguments."""
    path = folder / "my apps 100%" / "livexpr"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return [str(path), "run", "--preset", "warm & 'cosy' 100% $x.toml", "", 'a"b', "back\\slash"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    file = tmp_path / service.UNIT_NAME
    file.write_text(service.unit(awkward(tmp_path), tmp_path / "my apps 100%"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        timeout=60,
    )
    assert service.UNIT_NAME not in done.stderr, done.stderr


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="desktop-file-validate is not here"
)
def test_freedesktop_finds_nothing_wrong_with_the_entry(tmp_path):
    file = tmp_path / service.ENTRY_NAME
    file.write_text(service.entry(awkward(tmp_path), tmp_path), encoding="utf-8")
    done = subprocess.run(
        ["desktop-file-validate", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


# --- the command ---------------------------------------------------------------------------


@pytest.fixture
def systemctl(monkeypatch, tmp_path):
    """What is asked of systemd on a Linux; the current folder is empty."""
    asked: list[str] = []
    monkeypatch.setattr(service_command.platform, "system", lambda: "Linux")
    monkeypatch.setattr(
        service_command, "_systemctl", lambda *words: asked.append(" ".join(words)) or 0
    )
    monkeypatch.chdir(tmp_path)
    return asked


def call(*words: str):
    return CliRunner().invoke(cli.app, ["install-service", *words])


def read(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(path, encoding="utf-8")
    return parsed


def test_it_writes_both_and_says_how_to_start(systemctl):
    result = call()
    assert result.exit_code == 0, result.output
    unit, entry = service_command._places()
    assert unit.parent == Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
    assert entry.parent == Path(os.environ["XDG_DATA_HOME"]) / "applications"
    started = systemd_words(read(unit)["Service"]["ExecStart"])
    assert Path(started[0]).is_absolute()
    assert started[-4:] == ["--output", "camera", "--on-demand", "--no-preview"]
    shown = desktop_words(read(entry)["Desktop Entry"]["Exec"])
    assert shown[-1] == "--preview"
    assert "--on-demand" not in shown
    assert "systemctl --user enable livexpr && systemctl --user restart livexpr" in " ".join(
        result.output.split()
    )
    assert systemctl == []


def test_what_it_starts_exists(systemctl):
    done = subprocess.run(
        [*service_command.program(), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--on-demand" in done.stdout


@pytest.mark.parametrize("installed", [True, False])
def test_the_program_is_the_one_in_use(monkeypatch, tmp_path, installed):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    monkeypatch.setattr(sys, "executable", str(python))
    if installed:
        python.with_name("livexpr").write_text("")
        python.with_name("livexpr").chmod(0o755)
        assert service_command.program() == [str(python.with_name("livexpr")), "run"]
    else:
        assert service_command.program()[0] == str(python)


def test_further_options_go_to_both(systemctl, tmp_path):
    assert call("--", "--source", "HD Pro", "--output", "camera:/dev/video10").exit_code == 0
    unit, entry = service_command._places()
    started = systemd_words(read(unit)["Service"]["ExecStart"])
    assert started[-4:] == ["--source", "HD Pro", "--output", "camera:/dev/video10"]
    assert started.count("--output") == 1
    assert read(unit)["Service"]["WorkingDirectory"] == f"-{tmp_path}"
    assert read(entry)["Desktop Entry"]["Path"] == str(tmp_path)
    assert "HD Pro" in desktop_words(read(entry)["Desktop Entry"]["Exec"])


def test_an_output_may_be_joined_to_its_option(systemctl):
    assert call("--", "--output=camera:/dev/video11").exit_code == 0
    started = systemd_words(read(service_command._places()[0])["Service"]["ExecStart"])
    assert [word for word in started if "camera" in word] == ["--output=camera:/dev/video11"]


@pytest.mark.parametrize("words", [["--colour", "red"], ["--faces", "many"], ["--source", "a\nb"]])
def test_wrong_options_are_wrong_usage_and_write_nothing(systemctl, words):
    assert call("--", *words).exit_code == 2
    assert not any(path.exists() for path in service_command._places())


def test_enable_and_remove(systemctl):
    assert call("--enable").exit_code == 0
    assert systemctl == ["daemon-reload", "enable livexpr", "restart livexpr"]
    systemctl.clear()
    assert call("--enable", "--", "--preset", "happy").exit_code == 0  # its files are replaced
    assert systemctl[-1] == "restart livexpr", "what runs has the options of now"
    systemctl.clear()
    assert call("--remove").exit_code == 0
    assert systemctl == ["disable --now livexpr", "daemon-reload"]
    assert not any(path.exists() for path in service_command._places())
    assert "nothing to remove" in call("--remove").output


@pytest.mark.parametrize("code", [-1, 1])
def test_a_systemd_that_refuses_is_said(systemctl, monkeypatch, code):
    monkeypatch.setattr(service_command, "_systemctl", lambda *words: code)
    result = call("--enable")
    assert result.exit_code == 1
    assert "daemon-reload" in result.output


def test_print_writes_nothing(systemctl):
    result = call("--print")
    assert "[Service]" in result.output
    assert "[Desktop Entry]" in result.output
    assert not any(path.exists() for path in service_command._places())


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("words", [(), ("--enable",), ("--remove",)])
def test_files_of_somebody_else_stay(systemctl, place, words):
    path = service_command._places()[place]
    path.parent.mkdir(parents=True)
    path.write_text("[Unit]\nDescription=mine\n")
    result = call(*words)
    assert result.exit_code == 1
    assert "not livexpr's" in " ".join(result.output.split())
    assert path.read_text() == "[Unit]\nDescription=mine\n"
    assert systemctl == []
    assert not service_command._places()[1 - place].exists()


def test_a_place_that_cannot_be_written_is_one_line(systemctl):
    folder = service_command._places()[0].parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    result = call()
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_only_one_thing_at_once(systemctl):
    assert call("--enable", "--remove").exit_code == 2


@pytest.mark.parametrize(
    ("system", "words"), [("Windows", "schtasks"), ("Darwin", "Login Items"), ("Plan9", "at login")]
)
def test_elsewhere_it_says_what_to_do_instead(monkeypatch, system, words):
    monkeypatch.setattr(service_command.platform, "system", lambda: system)
    result = call("--enable")
    assert result.exit_code == 1
    assert words in " ".join(result.output.split())
