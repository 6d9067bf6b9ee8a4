"""Options of ``livexpr fit``: by which method, and where it is worked out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from livexpr.options import check_folder_of
from livexpr.preset_file import MAP_SUFFIX

if TYPE_CHECKING:
    from livexpr.training.intensity_fit import IntensityMethod

# As livexpr.intensity_map has them, which would bring NumPy to every start of the program.
MethodName = Literal["displaced", "ridge", "kernel", "located"]
AlignName = Literal["crop", "mesh"]

ClosedMouthOption = Annotated[
    bool,
    typer.Option(
        "--closed-mouth", help="Fit only from those pairs in which the mouth stays closed."
    ),
]

_PANEL = "Methods to compare with"

MethodOption = Annotated[
    MethodName,
    typer.Option(
        "--method",
        help="displaced moves the face's mesh and shades it. The others give each pixel a new "
        "intensity from one other: ridge (Pixel-RR) and kernel (Pixel-KR) from itself, located "
        "from the one near it that fits best.",
        rich_help_panel=_PANEL,
    ),
]
AlignOption = Annotated[
    AlignName | None,
    typer.Option(
        "--align",
        help="How those others lay faces over each other: by eyes and mouth (crop, the default) "
        "or by the mesh.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
SharedChannelsOption = Annotated[
    bool,
    typer.Option(
        "--shared-channels",
        help="One gain and bias, or curve, for red, green and blue.",
        rich_help_panel=_PANEL,
    ),
]
MinMaxOption = Annotated[
    bool,
    typer.Option(
        "--min-max",
        help="Stretch each result between its least and greatest intensity instead of clipping.",
        rich_help_panel=_PANEL,
    ),
]

_WHERE = "Where it is worked out"

WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        metavar="N",
        # As many as Windows can wait for.
        min=1,
        max=61,
        help="In so many processes of this machine at once.",
        rich_help_panel=_WHERE,
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="HOST:PORT",
        help="On the dask cluster of this scheduler, which gets the photographs. It and livexpr "
        "can run anything on each other: name one only that is your own and that you trust.",
        rich_help_panel=_WHERE,
    ),
]


def method_from(
    name: MethodName,
    align: AlignName | None,
    shared_channels: bool,
    min_max: bool,
    asymmetric: bool,
) -> IntensityMethod | None:
    """Return the method that is asked for; None for the one that displaces.

    Raises
    ------
    typer.BadParameter
        If an option does not go with the method.
    """
    if name == "displaced":
        for option, given in (
            ("--align", align is not None),
            ("--shared-channels", shared_channels),
            ("--min-max", min_max),
        ):
            if given:
                raise typer.BadParameter(
                    "goes with --method ridge, kernel or located only", param_hint=option
                )
        return None
    if asymmetric:
        raise typer.BadParameter(
            f"goes with --method displaced only; {name} never makes left and right alike",
            param_hint="--asymmetric",
        )
    from livexpr.training.intensity_fit import IntensityMethod

    return IntensityMethod(name, align or "crop", shared_channels, min_max)


def check_one_place(workers: int, scheduler: str | None) -> None:
    """Raise typer.BadParameter if both local workers and a cluster are asked for."""
    if scheduler is not None and workers != 1:
        raise typer.BadParameter(
            "a cluster has workers of its own; leave out --workers", param_hint="--scheduler"
        )


def check_paths(pairs_dir: Path, output: Path) -> None:
    """Raise typer.BadParameter unless there is a folder to read and one to write a map to."""
    if not pairs_dir.is_dir():
        raise typer.BadParameter(f"there is no folder {pairs_dir}", param_hint="PAIRS_DIR")
    if output.suffix != MAP_SUFFIX:
        raise typer.BadParameter(
            f"cannot write {output}, expected a name that ends in {MAP_SUFFIX}",
            param_hint="--output",
        )
    check_folder_of(output, "--output")
