"""``livexpr fit-rendered``: what is asked for, and what is refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livexpr import cli
from livexpr.training.recipes import RECIPES

Asked = tuple[Path, list[str], Path, int]


def call(*words: object):
    return CliRunner().invoke(cli.app, ["fit-rendered", *map(str, words)], prog_name="livexpr")


def refusal(*words: object, code: int = 2) -> str:
    """Return the one line that is said of a wrong command line."""
    result = call(*words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What would have been rendered; nothing is."""
    wanted: list[Asked] = []
    monkeypatch.setattr(
        "livexpr.training.rendered_command.fit_rendered_command", lambda *all_: wanted.append(all_)
    )
    return wanted


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "head.npz"
    path.write_bytes(b"not a head")
    return path


def test_without_names_all_are_rendered(asked, model: Path, tmp_path: Path) -> None:
    assert call(model, "-o", tmp_path).exit_code == 0
    assert asked == [(model, list(RECIPES), tmp_path, 7)]


def test_names_are_rendered_once_each(asked, model: Path, tmp_path: Path) -> None:
    words = (model, "sad", "brows-up", "sad", "--output", tmp_path, "--people", "3")
    assert call(*words).exit_code == 0
    assert asked == [(model, ["sad", "brows-up"], tmp_path, 3)]


def test_a_folder_can_be_the_model(asked, tmp_path: Path) -> None:
    assert call(tmp_path, "-o", tmp_path).exit_code == 0
    assert asked[0][0] == tmp_path


def test_what_cannot_be_rendered_is_refused(asked, model: Path, tmp_path: Path) -> None:
    assert "did you mean 'sad'?" in refusal(model, "sda", "-o", tmp_path)
    assert "there is no recipe 'x'" in refusal(model, "sad", "x", "-o", tmp_path)
    assert "there is no file or folder" in refusal(tmp_path / "none.npz", "-o", tmp_path)
    assert "create it first" in refusal(model, "-o", tmp_path / "none")
    assert "expected a folder" in refusal(model, "-o", model)
    assert "--people" in refusal(model, "-o", tmp_path, "--people", "0")
    assert "--output" in refusal(model)
    assert "MODEL" in refusal("-o", tmp_path)
    assert asked == []


def test_a_folder_that_may_not_be_written_into_is_refused(
    asked, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert "may not write" in refusal(model, "-o", tmp_path)
    assert asked == []


def test_a_file_that_is_no_model_is_an_error_and_not_wrong_usage(
    model: Path, tmp_path: Path
) -> None:
    line = refusal(model, "sad", "-o", tmp_path, code=1)
    assert line.startswith(f"livexpr: {model}: not a readable head model")


def test_help_explains() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for part in ("livexpr fit-rendered", "MODEL", "--people", "FaceXModel"):
        assert part in result.output
