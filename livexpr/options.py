"""Options that commands share, and their texts as checked values; what is wrong is wrong usage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from livexpr import presets
from livexpr.errors import PresetError
from livexpr.ordinary_files import expanded
from livexpr.preset_file import AMOUNT_RANGE
from livexpr.presets import Preset
from livexpr.settings import DEFAULT_EXPRESSION
from livexpr.toml_file import Range, range_text
from livexpr.wording import offer

SIDE_RANGE = (16, 8192)
"""Sides of a picture, in px."""

FPS_RANGE: Range = (1.0, 240.0)

_OUTPUTS = ("auto", "camera", "window", "null")

_WHAT = "What to show"

ExpressionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--expression",
        "-e",
        metavar="NAME[=AMOUNT]",
        help="An expression and how much of it, from -1 to 2; may be repeated to mix several. "
        f"Without it and a preset: {DEFAULT_EXPRESSION}.",
        rich_help_panel=_WHAT,
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        "-p",
        metavar="NAME or FILE.toml",
        help="A preset instead; `livexpr presets` lists them.",
        rich_help_panel=_WHAT,
    ),
]
MapOption = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE.safetensors",
        help="A map of `livexpr fit` instead, alone and as it is.",
        rich_help_panel=_WHAT,
    ),
]
IntensityOption = Annotated[
    float | None,
    typer.Option(
        "--intensity",
        "-i",
        metavar="A",
        help="How much of the whole, from -1 to 2: 0 is off, 1 as made, below 0 the opposite. "
        "By default as the preset says, 1 for expressions.",
        rich_help_panel=_WHAT,
    ),
]
_IN = "Where pictures come from"

MirrorOption = Annotated[
    bool, typer.Option("--mirror/--no-mirror", help="Mirror the source.", rich_help_panel=_IN)
]
OnDemandOption = Annotated[
    bool,
    typer.Option(
        "--on-demand",
        help="Have the webcam off while no program reads the virtual camera (Linux).",
        rich_help_panel=_IN,
    ),
]


def preset_from(
    expressions: Sequence[str],
    preset: str | None,
    intensity: float | None,
    map_file: Path | None = None,
) -> Preset:
    """Make the preset that ``--expression``, ``--preset``, ``--map``, ``--intensity`` ask for.

    Parameters
    ----------
    expressions : sequence of str
        Each ``NAME[=AMOUNT]``. Without them and a preset: the default expression.
    preset : str or None
        A name, or a file that ends in ``.toml``.
    intensity : float or None
        Goes before the preset's own.
    map_file : Path or None
        Of a map, which is then the whole mix.

    Raises
    ------
    typer.BadParameter
        If a name is unknown, an amount out of range, or more than one kind is given.
    PresetError
        If the preset's file is unreadable or wrong.
    """
    if preset is not None and expressions:
        raise typer.BadParameter(
            "give either --expression or --preset, not both", param_hint="--preset"
        )
    if map_file is not None:
        if preset is not None or expressions:
            raise typer.BadParameter(
                "give either --map or --expression or --preset", param_hint="--map"
            )
        with _usage_errors("--map"):
            chosen = presets.from_map_file(map_file)
    elif preset is not None:
        with _usage_errors("--preset"):
            presets.find(preset)
        chosen = presets.load(preset)
    else:
        with _usage_errors("--expression"):
            chosen = presets.from_expressions(expressions or [DEFAULT_EXPRESSION])
    if intensity is None:
        return chosen
    return replace(chosen, intensity=within(intensity, AMOUNT_RANGE, "--intensity"))


def within(value: float, limits: Range, option: str) -> float:
    """Return a number if it is in a range, ends included.

    Raises
    ------
    typer.BadParameter
        If it is not; the message names the range.
    """
    if not limits[0] <= value <= limits[1]:
        raise typer.BadParameter(
            f"{value:g} is out of range, expected {range_text(limits)}", param_hint=option
        )
    return value


def size_from(text: str | None) -> tuple[int, int] | None:
    """Read ``WxH``, in px.

    Raises
    ------
    typer.BadParameter
        If it is not of that form, or a side is out of range.

    Examples
    --------
    >>> size_from("1280x720")
    (1280, 720)
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,9})\s*[xX×*]\s*(\d{1,9})\s*", text)  # noqa: RUF001
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no size, expected WIDTHxHEIGHT such as 1280x720", param_hint="--size"
        )
    width, height = int(found[1]), int(found[2])
    if not all(SIDE_RANGE[0] <= side <= SIDE_RANGE[1] for side in (width, height)):
        raise typer.BadParameter(
            f"{width}x{height} is out of range, expected sides from {SIDE_RANGE[0]} to "
            f"{SIDE_RANGE[1]} px",
            param_hint="--size",
        )
    return width, height


def outputs_from(values: Sequence[str]) -> tuple[str, ...]:
    """Read where pictures go: each value is one output, or several with commas between.

    Returns
    -------
    tuple of str
        In the order given, each once.

    Raises
    ------
    typer.BadParameter
        If one is neither a kind of output nor a film's name.

    Examples
    --------
    >>> outputs_from(["camera,window", "talk.mp4"])
    ('camera', 'window', 'talk.mp4')
    """
    parts = [part.strip() for value in values for part in value.split(",")]
    return tuple(dict.fromkeys(_output(part) for part in parts if part)) or _no_output()


def on_demand_from(on_demand: bool, outputs: Sequence[str]) -> bool:
    """Check that there is a virtual camera to be read when the webcam is to wait for readers.

    Raises
    ------
    typer.BadParameter
        If there is none among the outputs.
    """
    chosen = outputs_from(outputs)
    if on_demand and not any(one.partition(":")[0] in ("auto", "camera") for one in chosen):
        raise typer.BadParameter(
            f"nobody reads {', '.join(chosen)}, expected a virtual camera among the outputs",
            param_hint="--on-demand",
        )
    return on_demand


def stats_from(path: Path | None) -> Path | None:
    """Check that a statistics file can be made.

    Raises
    ------
    typer.BadParameter
        If its folder is missing, or it is a folder itself.
    """
    if path is not None:
        check_folder_of(path, "--stats")
    return path


def check_folder_of(path: Path, option: str) -> None:
    """Raise a typer.BadParameter unless `path` is in a folder that exists, and is none itself."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder, expected a file", param_hint=option)
    if not path.parent.is_dir():
        raise typer.BadParameter(
            f"there is no folder {path.parent}, create it first", param_hint=option
        )


def fps_from(value: float | None) -> float | None:
    """Check a frame rate.

    Raises
    ------
    typer.BadParameter
        If it is out of range.
    """
    return None if value is None else within(value, FPS_RANGE, "--fps")


def max_frames_from(value: int | None) -> int | None:
    """Check a number of frames.

    Raises
    ------
    typer.BadParameter
        If it is less than 1.
    """
    if value is not None and value < 1:
        raise typer.BadParameter(
            f"{value} is out of range, expected 1 or more", param_hint="--max-frames"
        )
    return value


def _output(text: str) -> str:
    if text in _OUTPUTS or (text.startswith("camera:") and text != "camera:"):
        return text
    if not Path(text).suffix:
        expected = ", ".join([*_OUTPUTS, "camera:DEVICE or a film such as talk.mp4"])
        near = offer(text, _OUTPUTS)
        hint = f"{near} Expected {expected}" if near.startswith("did") else f"expected {expected}"
        raise typer.BadParameter(f"{text!r} is no output: {hint}", param_hint="--output")
    # Only now: it brings OpenCV with it.
    from livexpr.film import FILM_SUFFIXES

    path = expanded(text)
    if path.suffix.lower() not in FILM_SUFFIXES:
        raise typer.BadParameter(
            f"cannot write {text}, expected a film that ends in {', '.join(FILM_SUFFIXES)}",
            param_hint="--output",
        )
    check_folder_of(path, "--output")
    return str(path)


def _no_output() -> tuple[str, ...]:
    raise typer.BadParameter("no output given", param_hint="--output")


@contextmanager
def _usage_errors(option: str) -> Iterator[None]:
    try:
        yield
    except PresetError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
