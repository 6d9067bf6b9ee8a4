"""Options of ``livexpr run`` that need more than a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar, get_args

import typer

from livexpr.settings import OnLost, QualityMode, Sync
from livexpr.wording import offer

_Kind = TypeVar("_Kind", bound=str)

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
        "whole picture strongly blurred; blur never shows you unfiltered, nor anybody else of as "
        "many as --faces says.",
        rich_help_panel="What to show",
    ),
]

FacesOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=5,
        help="Filter up to N people, from 1 to 5; each further face costs about as much as the "
        "first. Whoever is filtered stays so; passers-by beyond N, and posters, are shown as they "
        "are.",
        rich_help_panel="What to show",
    ),
]
BadgeOption = Annotated[
    bool,
    typer.Option(
        "--badge/--no-badge",
        help='Put a small mark, "filtered", in a corner of the published picture.',
        rich_help_panel="What to show",
    ),
]
StudioOption = Annotated[
    bool,
    typer.Option(
        "--studio",
        help="Serve a page, to this machine only, that shows before and after and tunes "
        "everything; its address is told. Needs pip install 'livexpr\\[studio]'.",
        rich_help_panel="Where they go",
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


SyncOption = Annotated[
    str,
    typer.Option(
        metavar="exact, predict",
        help="Let each frame wait until its faces were found, or show it at once with the faces "
        "carried forward from the frame before, where that can be relied on: some 10 ms earlier.",
        rich_help_panel="How long, how fast",
    ),
]
QualityOption = Annotated[
    str,
    typer.Option(
        metavar="auto, full",
        help="On a machine that is too slow for the camera, look for faces less often and draw "
        "eyes with fewer triangles, or lose frames.",
        rich_help_panel="How long, how fast",
    ),
]

CtlOption = Annotated[
    bool,
    typer.Option(
        "--ctl/--no-ctl",
        help="Have `livexpr ctl` reach this filter, through a socket that only you may use.",
        rich_help_panel="How to steer it",
    ),
]
HotkeysOption = Annotated[
    bool,
    typer.Option(
        "--hotkeys/--no-hotkeys",
        help="Have keys work while another window has the focus, where the system allows it.",
        rich_help_panel="How to steer it",
    ),
]


def on_lost_from(text: str) -> OnLost:
    """Read what to show while no face is found.

    Raises
    ------
    typer.BadParameter
        If it is none of the three.
    """
    return _one_of(text, get_args(OnLost), "--on-lost")


def sync_from(text: str) -> Sync:
    """Read whether frames wait for their faces; raises typer.BadParameter as the others do."""
    return _one_of(text, get_args(Sync), "--sync")


def quality_from(text: str) -> QualityMode:
    """Read what a slow machine does; raises typer.BadParameter as the others do."""
    return _one_of(text, get_args(QualityMode), "--quality")


def _one_of(text: str, kinds: tuple[_Kind, ...], option: str) -> _Kind:
    for kind in kinds:
        if text == kind:
            return kind
    raise typer.BadParameter(f"{text!r} is unknown: {offer(text, kinds)}", param_hint=option)


def schedule_from(path: Path | None) -> Path | None:
    """Check a schedule before anything opens; raises LivexprError if it is wrong."""
    if path is not None:
        from livexpr import schedule

        schedule.load(path)
    return path
