"""Options of ``livexpr run`` that need more than a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from livexpr.preset_file import offer
from livexpr.settings import OnLost

StatsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        help="Write counts of frames, latency and time per stage at the end.",
        rich_help_panel="Where they go",
    ),
]
MaxFramesOption = Annotated[
    int | None,
    typer.Option(metavar="N", help="Stop after N frames.", rich_help_panel="How long, how fast"),
]
OnLostOption = Annotated[
    str,
    typer.Option(
        metavar="passthrough, freeze, blur",
        help="While no face is found, show the picture as it is, the last filtered one, or the "
        "whole picture strongly blurred; blur never shows you unfiltered.",
        rich_help_panel="What to show",
    ),
]


def on_lost_from(text: str) -> OnLost:
    """Read what to show while no face is found.

    Raises
    ------
    typer.BadParameter
        If it is none of the three.
    """
    kinds: tuple[OnLost, ...] = get_args(OnLost)
    for kind in kinds:
        if text == kind:
            return kind
    raise typer.BadParameter(f"{text!r} is unknown: {offer(text, kinds)}", param_hint="--on-lost")
