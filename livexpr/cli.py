"""The command line: arguments -> Settings, errors -> one line and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from livexpr import (
    __version__,
    config,
    config_command,
    ctl_command,
    doctor_command,
    evaluate_command,
    fit_options,
    fit_rendered_command,
    options,
    presets_command,
    run_command,
    run_options,
    service_command,
    teach_command,
)
from livexpr.one_line_errors import OneLineErrors
from livexpr.options import ExpressionOption, IntensityOption, MapOption, PresetOption

app = typer.Typer(
    cls=OneLineErrors,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command explains itself: [bold]livexpr run --help[/bold].",
)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False,
) -> None:
    """Change the expression on your own face, live, between webcam and video call."""
    if version:
        typer.echo(f"livexpr {__version__}")
        raise typer.Exit
    if context.invoked_subcommand == "run":
        context.obj = config.load()
        context.default_map = {"run": context.obj.run}
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(cls=run_command.RunCommand, epilog=run_command.EXAMPLES)(run_command.run)
app.command(
    cls=ctl_command.CtlCommand,
    epilog=ctl_command.EPILOG,
    context_settings={"ignore_unknown_options": True},  # such as -0.1
)(ctl_command.ctl)

_RENDER_EXAMPLES = """Examples:

livexpr render photo.jpg smiling.jpg --expression happy

livexpr render talk.mp4 compared.mp4 --expression happy=0.8 --compare

livexpr render holiday/ holiday-happy/ --preset happy"""


@app.command(epilog=_RENDER_EXAMPLES)
def render(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A picture, a film, or a folder of them.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="What to write, of the same kind; replaced.")
    ],
    expression: ExpressionOption = None,
    preset: PresetOption = None,
    map_file: MapOption = None,
    intensity: IntensityOption = None,
    faces: run_options.FacesOption = 1,
    compare: Annotated[
        bool, typer.Option("--compare", help="Put before and after side by side.")
    ] = False,
) -> None:
    """Filter pictures and films at full resolution; films keep their sound."""
    chosen = options.preset_from(expression or [], preset, intensity, map_file)
    _check_installation()
    from livexpr import render as rendering

    raise typer.Exit(rendering.render(source, target, chosen, compare=compare, faces=faces))


@app.command()
def cameras() -> None:
    """List the cameras that can be a source."""
    from livexpr.tables import print_cameras

    print_cameras()


app.command(epilog=doctor_command.EPILOG)(doctor_command.doctor)
app.command(epilog=service_command.EPILOG)(service_command.install_service)


@app.command(
    epilog="Example:\n\nlivexpr fit pairs --expression happy -o happy.safetensors",
)
def fit(
    pairs_dir: Annotated[
        Path,
        typer.Argument(
            metavar="PAIRS_DIR",
            help="A folder with neutral/ID.jpg and EXPRESSION/ID.jpg of the same people.",
        ),
    ],
    expression: Annotated[
        str, typer.Option("--expression", "-e", metavar="NAME", help="The folder to fit from.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE.safetensors", help="The map to write."),
    ],
    asymmetric: Annotated[
        bool,
        typer.Option("--asymmetric", help="Keep what differs between left and right."),
    ] = False,
    closed_mouth: fit_options.ClosedMouthOption = False,
    attribution: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Source and licence of the photographs, kept in it."),
    ] = "",
    method: fit_options.MethodOption = "displaced",
    align: fit_options.AlignOption = None,
    shared_channels: fit_options.SharedChannelsOption = False,
    min_max: fit_options.MinMaxOption = False,
    workers: fit_options.WorkersOption = 1,
    scheduler: fit_options.SchedulerOption = None,
) -> None:
    """Make the map of an expression from pairs of photographs."""
    chosen = fit_options.method_from(method, align, shared_channels, min_max, asymmetric)
    fit_options.check_one_place(workers, scheduler)
    fit_options.check_paths(pairs_dir, output)
    _check_installation()
    from livexpr.training import photo_pairs

    photo_pairs.fit_command(
        pairs_dir,
        expression,
        output,
        symmetric=not asymmetric,
        closed_mouth=closed_mouth,
        attribution=attribution,
        method=chosen,
        processes=workers,
        scheduler=scheduler,
    )


app.command(epilog=fit_rendered_command.EPILOG)(fit_rendered_command.fit_rendered)
app.command(epilog=evaluate_command.EPILOG)(evaluate_command.evaluate)
app.add_typer(presets_command.app, name="presets")
app.add_typer(config_command.app, name="config")
app.command(epilog=teach_command.EPILOG)(teach_command.teach)


@app.command()
def bench(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print numbers for programs instead of a table.")
    ] = False,
) -> None:
    """Measure how fast the filter is on this machine."""
    _check_installation()
    from livexpr import bench as benchmark

    raise typer.Exit(benchmark.main(as_json))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        As on the command line, without the program's name; those of this process by default.
    """
    app(args=None if arguments is None else list(arguments), prog_name="livexpr")


def _check_installation() -> None:
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
