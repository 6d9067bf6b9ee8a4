"""The command ``livexpr teach``: its options; the work is in :mod:`livexpr.teaching`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

livexpr teach my-smile --neutral a.jpg --expression-photo b.jpg

livexpr teach my-smile --film clip.mp4

livexpr teach my-smile --live"""

_PHOTOS, _FILM, _LIVE = "From photographs", "From a film", "From a camera"


def teach(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What your preset is to be called.")],
    neutral: Annotated[
        list[Path] | None,
        typer.Option(
            "--neutral",
            metavar="PICTURE",
            help="You with a neutral face; may be repeated.",
            rich_help_panel=_PHOTOS,
        ),
    ] = None,
    expression_photo: Annotated[
        list[Path] | None,
        typer.Option(
            "--expression-photo",
            metavar="PICTURE",
            help="You with the expression; may be repeated.",
            rich_help_panel=_PHOTOS,
        ),
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="You with a neutral face, then with the expression, half a minute at most. "
            "The calm neutral moments and those of the strongest expression are found in it.",
            rich_help_panel=_FILM,
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="In a window that says what to do.", rich_help_panel=_LIVE),
    ] = False,
    source: Annotated[
        str,
        typer.Option(
            metavar="auto, 0, NAME, /dev/videoN",
            help="With --live: the camera, by number, part of its name or device.",
            rich_help_panel=_LIVE,
        ),
    ] = "auto",
    like: Annotated[
        str,
        typer.Option(
            metavar="auto, none, EXPRESSION",
            help="The shipped expression that yours is a kind of: what a few pictures cannot tell "
            "is taken from it. auto finds it.",
        ),
    ] = "auto",
    force: Annotated[
        bool, typer.Option("--force", help="Replace your preset of that name.")
    ] = False,
) -> None:
    """Learn your own expression from a few pictures of your face, as a preset."""
    ways = [bool(neutral or expression_photo), film is not None, live]
    if sum(ways) != 1:
        raise typer.BadParameter(
            "expected one of: --neutral with --expression-photo, --film, --live",
            param_hint="NAME",
        )
    if ways[0] and not (neutral and expression_photo):
        raise typer.BadParameter(
            "expected at least one --neutral and one --expression-photo",
            param_hint="--expression-photo" if neutral else "--neutral",
        )
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
    from livexpr.teaching import command

    command.teach(
        command.Request(
            name=name,
            like=like,
            force=force,
            neutrals=tuple(neutral or ()),
            expressives=tuple(expression_photo or ()),
            film=film,
            source=source,
        )
    )
