"""``livexpr evaluate``: usage, and the whole of it on a few real people."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from livexpr import cli
from livexpr.errors import LivexprError
from livexpr.training import judges
from livexpr.training.evaluation import PARTS, command, results

from .conftest import LONDON


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name the folder of photographs"),
        (["nowhere"], "there is no folder nowhere"),
        ([".", "--part", "beauty"], "there is no part 'beauty'"),
        ([".", "--report", "report.txt"], "expected a name that ends in .md"),
        ([".", "--unlike", "nowhere"], "there is no folder nowhere"),
        ([".", "--people", "1"], "--people"),
    ],
    ids=["nothing", "no folder", "no part", "no Markdown", "no pictures", "nobody"],
)
def test_wrong_usage_is_said_in_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["evaluate", *words])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def request(pairs_dir, **options) -> command.Request:
    given = {
        "pairs_dir": pairs_dir,
        "report": None,
        "expression": "happy",
        "parts": PARTS,
        "people": None,
        "folds": 2,
        "unlike": (),
        "heads": None,
    }
    return command.Request(**{**given, **options})


def test_a_missing_judge_is_one_line_with_the_remedy(pairs_dir, monkeypatch):
    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    with pytest.raises(LivexprError) as caught:
        command.evaluate(request(pairs_dir))
    assert str(caught.value).endswith(judges.INSTALL)
    assert "\n" not in str(caught.value)


def test_an_expression_no_judge_knows_is_named(pairs_dir):
    with pytest.raises(LivexprError, match="no judge knows 'bored'"):
        command.evaluate(request(pairs_dir, expression="bored"))


def test_a_report_is_written_anew_from_its_results(tmp_path):
    pytest.importorskip("matplotlib", reason="plots need matplotlib (the extra `evaluate`)")
    path = tmp_path / "how_well.md"
    with pytest.raises(LivexprError, match="measure first"):
        command.evaluate(request(None, report=path))
    results.save({"about": {"data": "drawn", "people": 3}}, tmp_path / "how_well" / "results.json")
    command.evaluate(request(None, report=path))
    assert "Photographs: drawn, 3 people" in path.read_text()
    assert "how_well/results.json" in path.read_text()


@pytest.mark.shared
def test_a_few_real_people_are_judged(tmp_path, real_judges, capsys):
    pytest.importorskip("matplotlib", reason="plots need matplotlib (the extra `evaluate`)")
    pairs = tmp_path / "pairs"
    for folder in ("neutral", "smiling"):
        (pairs / folder).mkdir(parents=True)
        for person in ("002", "004", "010"):
            shutil.copy(LONDON / folder / f"{person}.jpg", pairs / folder)
    path = tmp_path / "evaluation.md"
    command.evaluate(request(pairs, report=path, parts=("methods",), folds=3))
    found = json.loads((tmp_path / "evaluation" / "results.json").read_text())
    rows = found["methods"]["rows"]
    assert found["methods"]["people"] == 3
    for judge in ("fer", "facex"):
        assert rows["identity"][f"{judge} score"] < rows["ours"][f"{judge} score"]
    assert 0 < rows["ours"]["identity max"] < 0.45 < rows["pixel-rr"]["identity max"]
    assert rows["ours"]["sharpness"] > 2 * rows["pixel-rr"]["sharpness"]
    assert rows["identity"]["parameters"] == 0 < rows["pixel-rr"]["parameters"]
    for sheet in ("methods.png", "family.png"):
        assert (tmp_path / "evaluation" / sheet).read_bytes().startswith(b"\x89PNG")
    assert "## Methods" in path.read_text()
    assert "## The family" not in path.read_text()
