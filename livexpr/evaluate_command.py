"""The command ``livexpr evaluate``: its options; the work is in :mod:`livexpr.training`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livexpr.training.evaluation import PARTS

EPILOG = """Examples:

livexpr evaluate pairs --people 10 --part methods

livexpr evaluate pairs --unlike paintings --heads ict_facekit.npz --report evaluation.md

livexpr evaluate --report evaluation.md"""

_LEAST_PEOPLE, _LEAST_FOLDS = 4, 2


def evaluate(
    pairs_dir: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAIRS_DIR",
            help="A folder with neutral/ID.jpg, EXPRESSION/ID.jpg and people.csv. Without it, the "
            "report is written anew from what was measured before.",
        ),
    ] = None,
    expression: Annotated[
        str,
        typer.Option("--expression", "-e", metavar="NAME", help="The folder with the expression."),
    ] = "happy",
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Write the report here, and its numbers, plots and sheets into the folder FILE "
            "beside it. Without it, print it.",
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar=", ".join(PARTS),
            help="Measure only this; may be repeated. Everything by default.",
        ),
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(metavar="N", min=_LEAST_PEOPLE, help="So many at most, for a quick try."),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            metavar="N", min=_LEAST_FOLDS, help="Into how many groups people are divided."
        ),
    ] = 5,
    unlike: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="Pictures of faces that are no photographs; may be repeated."
        ),
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The ICT-FaceKit head model, for plaster casts and the sheets."
        ),
    ] = None,
    attribution: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Source and licence of the photographs, told in it."),
    ] = "",
) -> None:
    """Judge expressions on people who had no part in their making."""
    _check_folders([] if pairs_dir is None else [pairs_dir], "PAIRS_DIR")
    _check_folders(unlike or [], "--unlike")
    if heads is not None and not heads.exists():
        raise typer.BadParameter(f"there is no file or folder {heads}", param_hint="--heads")
    parts = tuple(part or PARTS)
    if unknown := [name for name in parts if name not in PARTS]:
        raise typer.BadParameter(
            f"there is no part {unknown[0]!r}, expected {', '.join(PARTS)}", param_hint="--part"
        )
    if report is not None and report.suffix != ".md":
        raise typer.BadParameter(
            f"cannot write {report}, expected a name that ends in .md", param_hint="--report"
        )
    if pairs_dir is None and report is None:
        raise typer.BadParameter(
            "name the folder of photographs, or a --report to be written anew",
            param_hint="PAIRS_DIR",
        )
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
    from livexpr.training.evaluation import command

    command.evaluate(
        command.Request(
            pairs_dir=pairs_dir,
            report=report,
            expression=expression,
            parts=parts,
            people=people,
            folds=folds,
            unlike=tuple(unlike or ()),
            heads=heads,
            attribution=attribution,
        )
    )


def _check_folders(folders: list[Path], option: str) -> None:
    for folder in folders:
        if not folder.is_dir():
            raise typer.BadParameter(f"there is no folder {folder}", param_hint=option)
