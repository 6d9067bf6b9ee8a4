"""``livexpr evaluate``: usage, and the whole of it on a few real people."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from livexpr import cli
from livexpr.errors import FormatError, LivexprError
from livexpr.training import judges
from livexpr.training.evaluation import PARTS, command, fidelity, results, study

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


class FakeJudges:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def measuring(monkeypatch, world):
    """Parts that are measured at once; `people` of the data, and a part that fails."""
    told = SimpleNamespace(people=7, fails="", sheets=0)

    class FakeStudy(study.Study):
        portraits = property(
            lambda self: SimpleNamespace(people=range(told.people), skipped={"x": "dark"})
        )
        rejected = property(lambda self: {"y": "turned"})

        def draw_sheets(self):
            told.sheets += 1
            return {}

    def measure(part):
        def measured(self):
            if part == told.fails:
                raise LivexprError("it failed")
            return {}

        return measured

    for part in PARTS:
        setattr(FakeStudy, f"measure_{part}", measure(part))
    landmarker = contextlib.nullcontext(SimpleNamespace(detect=world.detect))
    monkeypatch.setattr(command, "Study", FakeStudy)
    monkeypatch.setattr(command, "Judges", FakeJudges)
    monkeypatch.setattr(command, "Landmarker", lambda **_: landmarker)
    monkeypatch.setattr(command.fidelity, "require_skimage", lambda: None)
    monkeypatch.setattr(command.plots, "require_matplotlib", lambda: None)
    monkeypatch.setattr(command.plots, "draw_plots", lambda found: {})
    return told


def test_what_was_measured_before_a_failure_is_kept(pairs_dir, tmp_path, measuring, capsys):
    path = tmp_path / "report.md"
    measuring.fails = "robustness"
    with pytest.raises(LivexprError, match="it failed"):
        command.evaluate(request(pairs_dir, report=path))
    found = results.load(tmp_path / "report" / "results.json")
    assert [part for part in PARTS if part in found] == ["methods", "curve"]
    assert found["about"]["people"] == 7
    said = capsys.readouterr().err
    assert "skipped x: dark" in said
    assert "not fitted on y: turned" in said


def test_a_part_measured_anew_leaves_what_the_others_are_about(pairs_dir, tmp_path, measuring):
    path, kept = tmp_path / "report.md", tmp_path / "report" / "results.json"
    command.evaluate(request(pairs_dir, report=path, attribution="Jane Doe, CC BY"))
    machine = results.load(kept)["machine"]
    results.save(results.load(kept) | {"machine": {**machine, "cores": 99}}, kept)
    drawn = measuring.sheets
    command.evaluate(request(pairs_dir, report=path, parts=("curve",)))
    found = results.load(kept)
    assert found["about"]["attribution"] == "Jane Doe, CC BY"
    assert found["machine"]["cores"] == 99, "nothing was timed anew"
    assert measuring.sheets == drawn, "nor does a sheet show anything else"
    kept.write_text("of another version")
    with pytest.raises(FormatError, match="measure anew"):
        command.evaluate(request(pairs_dir, report=path, parts=("curve",)))
    command.evaluate(request(pairs_dir, report=path))
    found = results.load(kept)
    measuring.people = 3
    with pytest.raises(LivexprError, match=r"about people 7, not 3, in its methods, .*robustness"):
        command.evaluate(request(pairs_dir, report=path, parts=("curve",)))
    assert results.load(kept) == found
    command.evaluate(request(pairs_dir, report=path))
    assert results.load(kept)["about"]["people"] == 3
    assert results.load(kept)["about"]["attribution"] == ""


def test_what_would_fail_late_is_refused_at_once(pairs_dir, tmp_path, measuring, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LivexprError, match="no picture"):
        command.evaluate(request(pairs_dir, unlike=(empty,)))
    with pytest.raises(LivexprError):
        command.evaluate(request(pairs_dir, heads=empty))
    (tmp_path / "report").write_text("a file")
    with pytest.raises(LivexprError, match="cannot make the folder"):
        command.evaluate(request(pairs_dir, report=tmp_path / "report.md"))


def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(LivexprError) as caught:
        fidelity.require_skimage()
    assert str(caught.value).endswith(judges.INSTALL)


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
