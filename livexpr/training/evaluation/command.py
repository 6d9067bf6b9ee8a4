"""``livexpr evaluate``: measure, part by part, and write the report."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import livexpr
from livexpr.errors import FormatError, LivexprError
from livexpr.landmarks import Landmarker
from livexpr.training import ict_facekit, ray_casting
from livexpr.training.evaluation import PARTS, fidelity, plots, report, results, unlike
from livexpr.training.evaluation.groups import read_groups
from livexpr.training.evaluation.results import Results
from livexpr.training.evaluation.study import Study
from livexpr.training.judges import EXPRESSIONS, Judges
from livexpr.training.pair_observations import find_pairs

RESULTS_NAME = "results.json"
# What parts of one report have in common.
_ALIKE = ("data", "expression", "people", "folds")
_SHOWN_ON_SHEETS, _TIMED = frozenset({"methods", "family"}), frozenset({"methods", "speed"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    pairs_dir : Path or None
        Photographs; None writes anew the report on what was measured before.
    report : Path or None
        The Markdown to write. Without it, it goes to the standard output.
    expression : str
        One of :data:`livexpr.training.judges.EXPRESSIONS`.
    parts : sequence of str
        Of :data:`livexpr.training.evaluation.PARTS`; others are kept as they were, if they are
        about the same photographs.
    people : int or None
        So many at most, for a quick try.
    folds : int
    unlike : sequence of Path
        Folders of pictures that are no photographs.
    heads : Path or None
        The head model, for rendered heads.
    attribution : str
        Source and licence of the photographs. Without it, what was told before stays told.
    """

    pairs_dir: Path | None
    report: Path | None
    expression: str
    parts: Sequence[str]
    people: int | None
    folds: int
    unlike: Sequence[Path]
    heads: Path | None
    attribution: str = ""


def evaluate(request: Request) -> None:
    """Measure what is asked for, and write or print the report.

    Raises
    ------
    LivexprError
        If judges are missing, people are too few, or a file cannot be read or written.
    """
    assets = _assets_of(request.report)
    found = _measured_before(assets, request)
    sheets: dict[str, bytes] = {}
    if request.pairs_dir is not None:
        _refuse_what_would_fail_late(request, request.pairs_dir, assets)
        found, sheets = _measure(request, request.pairs_dir, found, assets)
    if request.report is None or assets is None:
        typer.echo(report.render(results.plain(found), "."))
        return
    for name, content in sheets.items():
        results.write(assets / name, content)
    for name, content in plots.draw_plots(found).items():
        results.write(assets / name, content)
    write_report(request.report)


def write_report(path: Path) -> None:
    """Write a report from the results that lie beside it."""
    results.write(path, rendered_report(path).encode())


def rendered_report(path: Path) -> str:
    """Return the text of a report from the results that lie in the folder of its name."""
    folder = path.with_suffix("")
    return report.render(results.load(folder / RESULTS_NAME), folder.name)


def _assets_of(path: Path | None) -> Path | None:
    return None if path is None else path.with_suffix("")


def _measured_before(assets: Path | None, request: Request) -> Results:
    measuring = request.pairs_dir is not None
    if assets is None or (measuring and not (assets / RESULTS_NAME).exists()):
        return {}
    try:
        return results.load(assets / RESULTS_NAME)
    except FormatError:
        if measuring and set(request.parts) == set(PARTS):
            return {}
        raise


def _refuse_what_would_fail_late(request: Request, pairs_dir: Path, assets: Path | None) -> None:
    """Refuse at once what would otherwise end a measurement of an hour."""
    if request.expression not in EXPRESSIONS:
        raise LivexprError(
            f"no judge knows {request.expression!r}; they know {', '.join(EXPRESSIONS)}"
        )
    find_pairs(pairs_dir, request.expression)
    read_groups(pairs_dir)
    fidelity.require_skimage()
    for folder in request.unlike:
        unlike.pictures_in(folder)
    if request.heads is not None:
        ict_facekit.load(request.heads)
        ray_casting.require_embree()
    if assets is not None:
        plots.require_matplotlib()
        results.make_folder(assets)


def _measure(
    request: Request, pairs_dir: Path, before: Results, assets: Path | None
) -> tuple[Results, dict[str, bytes]]:
    """Return the results with what is asked for measured anew, and the sheets.

    What was measured is saved part by part.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with (
        Judges() as judge,
        Landmarker(video=False) as landmarker,
        Progress(*columns, console=console, transient=True) as bar,
    ):
        task = bar.add_task("starting", total=None)
        study = Study(
            pairs_dir,
            request.expression,
            landmarker.detect,
            judge,
            folds=request.folds,
            people=request.people,
            unlike=request.unlike,
            heads=request.heads,
            on_progress=lambda doing: bar.update(task, description=doing),
        )
        about = _about(study)
        for person, reason in study.portraits.skipped.items():
            console.print(f"skipped {person}: {reason}", highlight=False, markup=False)
        for person, reason in study.rejected.items():
            console.print(f"not fitted on {person}: {reason}", highlight=False, markup=False)
        found = _kept(before, about, request)
        for part in PARTS:
            if part in request.parts:
                found[part] = getattr(study, f"measure_{part}")()
                if assets is not None:
                    results.save(found, assets / RESULTS_NAME)
        drawn = assets is not None and not _SHOWN_ON_SHEETS.isdisjoint(request.parts)
        sheets = study.draw_sheets() if drawn else {}
    return found, sheets


def _kept(before: Results, about: dict[str, Any], request: Request) -> Results:
    """Return what was measured before and stays, with what the whole is about."""
    everything = set(request.parts) == set(PARTS)
    told = before.get("about", about)
    other = [name for name in _ALIKE if told.get(name) != about[name]]
    kept = [part for part in PARTS if part in before and part not in request.parts]
    if other and kept:
        raise LivexprError(
            f"{request.report} is about {other[0]} {told.get(other[0])!r}, not "
            f"{about[other[0]]!r}, in its {', '.join(kept)}: choose another --report, "
            "or measure every part anew"
        )
    found = {} if other else dict(before)
    found["about"] = about | {
        "attribution": request.attribution or ("" if everything else told.get("attribution", "")),
        "heads": request.heads is not None or (not everything and told.get("heads", False)),
    }
    if "machine" not in found or not _TIMED.isdisjoint(request.parts):
        found["machine"] = _machine()
    return found


def _about(study: Study) -> dict[str, Any]:
    return {
        "data": study.pairs_dir.resolve().name,
        "expression": study.expression,
        "people": len(study.portraits.people),
        "skipped": len(study.portraits.skipped),
        "folds": study.folds,
        "livexpr": livexpr.__version__,
    }


def _machine() -> dict[str, Any]:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }
