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
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.training.evaluation import PARTS, plots, report, results
from livexpr.training.evaluation.results import Results
from livexpr.training.evaluation.study import Study
from livexpr.training.judges import EXPRESSIONS, Judges
from livexpr.training.pair_observations import find_pairs

RESULTS_NAME = "results.json"


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
        Of :data:`livexpr.training.evaluation.PARTS`; others are kept as they were.
    people : int or None
        So many at most, for a quick try.
    folds : int
    unlike : sequence of Path
        Folders of pictures that are no photographs.
    heads : Path or None
        The head model, for rendered heads.
    attribution : str
        Source and licence of the photographs.
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
    found: Results = {}
    sheets: dict[str, bytes] = {}
    if request.pairs_dir is None or set(request.parts) != set(PARTS):
        found = _measured_before(assets, needed=request.pairs_dir is None)
    if request.pairs_dir is not None:
        found, sheets = _measure(request, request.pairs_dir, found)
    if request.report is None or assets is None:
        typer.echo(report.render(results.plain(found), "."))
        return
    # First what took long: the plots may want a package that is missing.
    results.save(found, assets / RESULTS_NAME)
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


def _measured_before(assets: Path | None, *, needed: bool) -> Results:
    if assets is None:
        return {}
    path = assets / RESULTS_NAME
    return results.load(path) if needed or path.exists() else {}


def _measure(request: Request, pairs_dir: Path, found: Results) -> tuple[Results, dict[str, bytes]]:
    """Return the results with what is asked for measured anew, and the sheets."""
    if request.expression not in EXPRESSIONS:
        raise LivexprError(
            f"no judge knows {request.expression!r}; they know {', '.join(EXPRESSIONS)}"
        )
    find_pairs(pairs_dir, request.expression)
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
        for part in PARTS:
            if part in request.parts:
                found[part] = getattr(study, f"measure_{part}")()
        found |= {"about": _about(study, request.attribution), "machine": _machine()}
        sheets = study.draw_sheets() if request.report is not None else {}
    for person, reason in study.portraits.skipped.items():
        typer.echo(f"skipped {person}: {reason}", err=True)
    return found, sheets


def _about(study: Study, attribution: str) -> dict[str, Any]:
    return {
        "attribution": attribution,
        "heads": study.heads is not None,
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
