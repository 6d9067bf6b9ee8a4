"""``livexpr run``: its options, and what they make of the settings."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from livexpr import config, options, run_options
from livexpr.learning import Lesson
from livexpr.options import ExpressionOption, IntensityOption, MapOption, PresetOption
from livexpr.settings import Settings

# One home per default: what is not asked for is as in Settings.
_DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Settings)}

_IN = "Where pictures come from"
_OUT = "Where they go"
_HOW = "How long, how fast"

EXAMPLES = """Examples:

livexpr run --expression happy

livexpr run --expression happy=0.5 --source 0 --output camera,window

livexpr run --preset mine.toml --source talk.mp4 --output out.mp4 --fast

livexpr run --source demo --output window"""


def _open_lesson() -> Lesson:
    from livexpr.teaching.beside import LessonBeside

    return LessonBeside()


class RunCommand(TyperCommand):
    """Lists the keys in force below its options."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        super().format_help(ctx, formatter)
        keys = config.of(ctx).keys
        typer.echo(" Keys, in the preview and the terminal:\n")
        for line in replace(keys, anywhere=()).help_lines(preview=True):
            typer.echo(f" {line}")
        typer.echo("\n With --hotkeys, while any window has the focus:\n")
        for line in replace(keys, here=()).help_lines():
            typer.echo(f" {line}")
        typer.echo("\n `livexpr config edit` changes them.")


def run(
    context: typer.Context,
    expression: ExpressionOption = None,
    preset: PresetOption = None,
    map_file: MapOption = None,
    intensity: IntensityOption = None,
    faces: run_options.FacesOption = _DEFAULTS["faces"],
    on_lost: run_options.OnLostOption = _DEFAULTS["on_lost"],
    source: Annotated[
        str,
        typer.Option(
            metavar="auto, demo, 0, NAME, /dev/videoN, FILE",
            help="A camera by number, part of its name or device; a film; a picture; the built-in "
            "demo. auto is the first real webcam, or else the demo.",
            rich_help_panel=_IN,
        ),
    ] = _DEFAULTS["source"],
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Size in px to ask a camera for, such as 1280x720; the outputs keep it.",
            rich_help_panel=_IN,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="Frames per second to ask a camera for, from 1 to 240.",
            rich_help_panel=_IN,
        ),
    ] = _DEFAULTS["fps"],
    on_demand: options.OnDemandOption = _DEFAULTS["on_demand"],
    mirror: options.MirrorOption = _DEFAULTS["mirror"],
    loop: Annotated[
        bool,
        typer.Option("--loop", help="Begin a file again at its end.", rich_help_panel=_IN),
    ] = _DEFAULTS["loop"],
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="auto, camera, camera:/dev/video10, window, FILE.mp4, null",
            help="May be repeated, or several with commas between. auto, the default, is the "
            "virtual camera, or else a window, or else the studio, if it is installed, or else, "
            "where it is alone, a film of ten seconds, livexpr-preview.mp4.",
            rich_help_panel=_OUT,
        ),
    ] = None,
    preview: Annotated[
        bool | None,
        typer.Option(
            "--preview/--no-preview",
            help="The window beside the virtual camera, or not. "
            "By default it is there where there is a display.",
            rich_help_panel=_OUT,
            show_default=False,
        ),
    ] = _DEFAULTS["preview"],
    badge: run_options.BadgeOption = _DEFAULTS["badge"],
    schedule: run_options.ScheduleOption = _DEFAULTS["schedule"],
    studio: run_options.StudioOption = _DEFAULTS["studio"],
    log: run_options.LogOption = _DEFAULTS["log"],
    stats: run_options.StatsOption = _DEFAULTS["stats"],
    ctl: run_options.CtlOption = _DEFAULTS["ctl"],
    hotkeys: run_options.HotkeysOption = _DEFAULTS["hotkeys"],
    sync: run_options.SyncOption = _DEFAULTS["sync"],
    quality: run_options.QualityOption = _DEFAULTS["quality"],
    max_frames: run_options.MaxFramesOption = _DEFAULTS["max_frames"],
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Of a file: do not wait for real time, and drop no frame.",
            rich_help_panel=_HOW,
        ),
    ] = _DEFAULTS["fast"],
) -> None:
    """Filter a webcam live, into a virtual camera."""
    if (expression or map_file) and config.is_from_config(context, "preset"):
        preset = None
    settings = Settings(
        source=source,
        outputs=options.outputs_from(output or _DEFAULTS["outputs"]),
        size=options.size_from(size),
        fps=options.fps_from(fps),
        on_demand=options.on_demand_from(on_demand, output or _DEFAULTS["outputs"]),
        mirror=mirror,
        preview=preview,
        max_frames=options.max_frames_from(max_frames),
        loop=loop,
        fast=fast,
        faces=faces,
        sync=run_options.sync_from(sync),
        quality=run_options.quality_from(quality),
        on_lost=run_options.on_lost_from(on_lost),
        badge=badge,
        studio=studio,
        open_lesson=_open_lesson,
        log=log,
        schedule=run_options.schedule_from(schedule),
        stats=options.stats_from(stats),
        ctl=ctl,
        hotkeys=hotkeys,
        keys=config.of(context).keys,
        preset=options.preset_from(expression or [], preset, intensity, map_file),
    )
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
    from livexpr import runtime

    raise typer.Exit(runtime.run(settings))
