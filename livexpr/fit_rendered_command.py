"""The command ``livexpr fit-rendered``: its options; the work is in :mod:`livexpr.training`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from livexpr.training.recipes import RECIPES
from livexpr.wording import offer

EPILOG = """Examples:

livexpr fit-rendered FaceXModel -o maps

livexpr fit-rendered ict_facekit.npz sad brows-up -o maps --people 1"""


def fit_rendered(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="The ICT-FaceKit head model: its folder FaceXModel, or an npz of the same.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The folder for the maps, NAME.safetensors."
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Which expressions to render; all of them by default."),
    ] = None,
    people: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="So many people are rendered, and a map is their mean."
        ),
    ] = 7,
) -> None:
    """Make the maps of expressions from a head model that is rendered, without photographs."""
    chosen = list(dict.fromkeys(names or RECIPES))
    for name in chosen:
        if name not in RECIPES:
            raise typer.BadParameter(
                f"there is no recipe {name!r}: {offer(name, sorted(RECIPES))}", param_hint="NAME"
            )
    if not model.exists():
        raise typer.BadParameter(f"there is no file or folder {model}", param_hint="MODEL")
    _check_folder(output)
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
    from livexpr.training import rendered_command

    rendered_command.fit_rendered_command(model, chosen, output, people)


def _check_folder(folder: Path) -> None:
    """Raise typer.BadParameter unless maps can be written to a folder: rendering takes minutes."""
    if not folder.is_dir():
        raise typer.BadParameter(
            f"{folder} is a file, expected a folder"
            if folder.exists()
            else f"there is no folder {folder}, create it first",
            param_hint="--output",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise typer.BadParameter(
            f"you may not write into the folder {folder}", param_hint="--output"
        )
