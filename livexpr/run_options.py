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

BadgeOption = Annotated[
    bool,
    typer.Option(
        "--badge",
        help='Put a small mark, "filtered", in a corner of the published picture.',
        rich_help_panel="What to show",
    ),
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.jsonl",
        help="Write time, landmarks, blendshapes, strength and preset of each frame, for studies.",
        rich_help_panel="Where they go",
    ),
]
ScheduleOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Carry out commands at given times: lines such as '10 preset sad' or "
        "'12.5 intensity 0.5', in seconds since the filter's first frame.",
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


def schedule_from(path: Path | None) -> Path | None:
    """Check a schedule before anything opens; raises LivexprError if it is wrong."""
    if path is not None:
        from livexpr import schedule

        schedule.load(path)
    return path
