"""The report says what the results say, and its verdicts follow from them."""

from __future__ import annotations

import copy
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from livexpr.errors import FormatError, LivexprError
from livexpr.training.evaluation import claims, plots, report, results
from livexpr.training.evaluation.claims import COLUMNS, FAILS, HOLDS, STILL_RISING, UNMEASURED
from livexpr.training.evaluation.command import rendered_report
from livexpr.training.evaluation.contenders import Contender
from livexpr.training.evaluation.curve import learning_curve
from livexpr.training.evaluation.family_table import Member, judge_family
from livexpr.training.evaluation.groups import read_groups
from livexpr.training.evaluation.method_table import compare_methods, real_expressions
from livexpr.training.evaluation.portraits import Portraits
from livexpr.training.evaluation.robustness import Condition, try_conditions
from livexpr.training.evaluation.unlike import try_unlike

from .conftest import LevelWorld, brighten

HOME = Path(__file__).resolve().parents[3]


def named(name: str, by: int) -> Contender:
    made = brighten(by)
    return Contender(name, made.fit, made.apply, made.n_parameters, made.n_bytes)


@pytest.fixture
def measured(portraits: Portraits, world: LevelWorld, pairs_dir: Path) -> dict[str, Any]:
    """Results of every part, of people and methods that are known in advance."""
    contenders = [named("identity", 0), named("pixel-rr", 10), named("ours", 30)]
    fitted = [(one, one.fit(())) for one in contenders[1:]]
    faces = [portraits.neutral(person) for person in portraits.people]
    family = Member("happy", "happy", "rendered", lambda p, track, maps: p // 2 * 3)
    found = {
        "methods": compare_methods(portraits, contenders, world.judge, "happy", folds=2),
        "curve": learning_curve(
            portraits, contenders[1:], world.judge, "happy", folds=3, rounds=1, sizes=(2, 4)
        ),
        "robustness": try_conditions(
            faces[:2],
            fitted,
            world.judge,
            "happy",
            chosen=[
                Condition("shift", "0", nothing=True),
                Condition("exposure", "-1", light=lambda pixels: pixels // 2),
            ],
        ),
        "unlike": try_unlike({"paintings": (faces, 9)}, fitted, world.judge, "happy"),
        "family": judge_family(
            portraits,
            [family],
            lambda people: {},
            world.judge,
            read_groups(pairs_dir),
            {"happy": real_expressions(portraits, "happy")},
            folds=2,
        ),
        "speed": {
            "frame_ms": {"pixel-rr": 2.0, "ours": 3.0},
            "stargan": {"ms": 900.0, "parameters": 8_436_800, "bytes": 33_747_200, "threads": 2},
        },
        "about": {"data": "drawn", "people": 7, "folds": 2, "expression": "happy", "skipped": 0},
        "machine": {"cores": 2},
    }
    return results.plain(found)


def test_every_part_is_in_the_report_and_nothing_is_undefined(measured):
    text = report.render(measured, "evaluation")
    for heading in ("claims", "Methods", "How many", "throws", "Unlike", "family", "Groups"):
        assert re.search(rf"^## .*{heading}", text, re.M), heading
    assert not re.search(r"\b(None|nan|inf)\b", text)
    assert report.render(copy.deepcopy(measured), "evaluation") == text
    rows = [line.count("|") for line in text.splitlines() if line.startswith("| ours")]
    assert rows


def test_every_table_has_as_many_cells_in_each_row(measured):
    tables = re.findall(r"(?:^\|.*\|\n)+", report.render(measured, "x"), re.M)
    assert len(tables) > 8
    for table in tables:
        assert len({line.count(" | ") for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize(
    "part", ["methods", "curve", "robustness", "unlike", "family", "speed", "about", "machine"]
)
def test_a_part_that_was_not_measured_is_left_out(measured, part):
    del measured[part]
    text = report.render(measured, "evaluation")
    assert not re.search(r"\b(None|nan)\b", text)
    assert results.plain({"unlike": None})["unlike"] is None
    assert report.render({**measured, part: None}, "x")


def test_without_pytorch_the_table_says_so(measured):
    measured["speed"]["stargan"]["ms"] = None
    text = report.render(measured, "evaluation")
    assert "PyTorch not installed" in text
    verdicts = {claim.claim: claim.verdict for claim in claims.paper_claims(measured)}
    assert verdicts["fast on a CPU: ours"] == UNMEASURED


def verdict_of(found: list[claims.Claim], words: str) -> str:
    (chosen,) = [claim.verdict for claim in found if words in claim.claim]
    return chosen


def test_verdicts_follow_the_numbers(measured):
    sizes = "two orders of magnitude smaller than StarGAN's generator: ours"
    assert verdict_of(claims.paper_claims(measured), sizes) == HOLDS
    assert verdict_of(claims.paper_claims(measured), "fast on a CPU: ours") == HOLDS
    measured["methods"]["rows"]["ours"]["bytes"] = 5_000_000
    measured["speed"]["frame_ms"]["ours"] = 1000.0
    assert verdict_of(claims.paper_claims(measured), sizes) == FAILS
    assert verdict_of(claims.paper_claims(measured), "fast on a CPU: ours") == FAILS
    happy = measured["family"]["rows"]["happy"]
    for rate, verdict in ((0.90, HOLDS), (0.89, FAILS)):
        happy["both recognised"] = rate
        assert verdict_of(claims.goals(measured), "happy: recognised") == verdict
    for distance, verdict in ((0.45, HOLDS), (0.46, FAILS)):
        happy["identity median"], happy["identity max"] = 0.2, distance
        assert verdict_of(claims.goals(measured), "happy: identity") == verdict


def test_a_flat_curve_needs_few_people(measured):
    def rates(*values):
        rows = [
            {"both recognised": value, "rest psnr": 20.0 + value, "identity": 0.3}
            for value in values
        ]
        measured["curve"] = {"sizes": [5, 10, 20, 40, 65], "rows": {"ours": rows, "pixel-rr": rows}}
        return verdict_of(claims.paper_claims(measured), "few hundred images suffice: ours")

    assert rates(0.2, 0.8, 0.9, 0.9, 0.92) == HOLDS
    assert rates(0.2, 0.4, 0.6, 0.7, 0.9) == STILL_RISING
    assert rates(0.9, 0.9, 0.9, 0.7, 0.9) == STILL_RISING, "with 40 people it was not as good"
    assert rates(0.8, 0.86, 0.9, 0.98, 0.9) == HOLDS, "with 40 people it was better"
    suffice = [c.measured for c in claims.paper_claims(measured) if "suffice: ours" in c.claim]
    assert "from 10 people on" in suffice[0]


def test_what_could_not_be_measured_is_told_as_such(measured):
    measured["curve"]["rows"]["ours"][-1] = {"both recognised": 0.0}
    by_name = measured["robustness"]["rows"]["exposure"]
    by_name["ours"] = [{"label": row["label"]} for row in by_name["ours"]]
    text = report.render(measured, "x")
    found = claims.paper_claims(measured)
    assert verdict_of(found, "few hundred images suffice: ours") == UNMEASURED
    assert not re.search(r"\b(None|nan|inf)\b", text)
    if find_spec("matplotlib"):
        assert b"nan" not in plots.draw_plots(measured)["curve.svg"]


def test_pictures_without_a_face_are_counted_and_have_no_rows(measured, portraits, world):
    fitted = [(named("ours", 30), 30)]
    faces = [portraits.neutral(person) for person in portraits.people]
    found = try_unlike({"paintings": (faces, 9), "icons": ([], 4)}, fitted, world.judge, "happy")
    text = report.render(results.plain(measured | {"unlike": found}), "x")
    assert "0 of 4 icons" in text
    assert "| ours, icons" not in text


def test_columns_in_which_another_is_better_are_named():
    better = {"rest psnr": 20.0, "identity max": 0.3, "parameters": 10, "sharpness": None}
    other = {"rest psnr": 19.0, "identity max": 0.2, "parameters": 5, "sharpness": 0.5}
    assert claims.worse_columns(better, other, COLUMNS) == [
        "identity distance, largest",
        "parameters",
    ]


def test_whose_photographs_they_are_is_told(measured):
    assert "Photographs, of which" not in report.render(measured, "x")
    measured["about"]["attribution"] = "Jane Doe, CC BY 4.0"
    assert "altered: Jane Doe, CC BY 4.0." in report.render(measured, "x")


def test_results_survive_their_file(measured, tmp_path):
    path = tmp_path / "deeper" / "results.json"
    results.save(measured, path)
    read = results.load(path)
    assert read.pop("format") == results.FORMAT
    assert read == measured
    results.save(read, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_what_is_no_file_of_results_is_refused(tmp_path):
    path = tmp_path / "results.json"
    with pytest.raises(LivexprError, match="measure first"):
        results.load(path)
    path.write_text("{")
    with pytest.raises(FormatError, match="no JSON"):
        results.load(path)
    path.write_text('{"format": 0}')
    with pytest.raises(FormatError, match="measure anew"):
        results.load(path)


def test_plots_are_small_and_always_the_same(measured):
    pytest.importorskip("matplotlib", reason="plots need matplotlib (the extra `evaluate`)")
    drawn = plots.draw_plots(measured)
    assert set(drawn) == {"curve.svg", "robustness.svg", "family.svg", "groups.svg"}
    for name, content in drawn.items():
        assert len(content) < 100_000, name
    assert plots.draw_plots(measured) == drawn
    assert plots.draw_plots({"speed": measured["speed"]}) == {}


def test_the_committed_report_says_what_its_results_say():
    path = HOME / "docs" / "evaluation.md"
    text = path.read_text(encoding="utf-8")
    assert text == rendered_report(path), "write it anew: livexpr evaluate --report " + str(path)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        assert (path.parent / target).is_file(), f"{path.name} links to {target}"
    for plot in (path.parent / "evaluation").glob("*.svg"):
        assert plot.stat().st_size < 100_000, plot.name
