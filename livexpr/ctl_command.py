"""``livexpr ctl``: asks a running filter for something. Quick to start: keys are bound to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from livexpr import channel
from livexpr.commands import VERBS, Command, CommandError, parse
from livexpr.errors import LivexprError
from livexpr.ordinary_files import may_exist
from livexpr.preset_file import MAP_SUFFIX
from livexpr.presets import SUFFIX

_FILES: Mapping[str, tuple[str, ...]] = {
    "preset": (SUFFIX,),
    "reload": (SUFFIX, MAP_SUFFIX),
    "mix": (MAP_SUFFIX,),
    "source": ("",),
}
"""Which commands take files, and how those end."""

_WIDTH = max(len(f"{verb.name} {verb.value}") for verb in VERBS)

EPILOG = """Examples:

livexpr ctl toggle

livexpr ctl intensity +0.1

livexpr ctl preset warm

livexpr ctl status --json

A desktop's keyboard settings can bind keys to such a command, on Wayland too."""


class CtlCommand(TyperCommand):
    """Lists all that can be asked for below its options."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        super().format_help(ctx, formatter)
        typer.echo(" Commands:\n")
        for verb in VERBS:
            typer.echo(f" {f'{verb.name} {verb.value}':<{_WIDTH}}  {verb.meaning}")


def ctl(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="One of those below, and its value."),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--filter",
            metavar="N",
            min=channel.NUMBERS[0],
            max=channel.NUMBERS[-1],
            help="Which, where several filters run; the first by default.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what is shown then, for programs.")
    ] = False,
) -> None:
    """Change what a running filter shows, from another terminal or by keys of the desktop."""
    if not command:
        typer.echo(context.get_help())
        return
    try:
        asked = parse(command)
    except CommandError as error:
        raise typer.BadParameter(str(error), param_hint="COMMAND") from None
    value = _seen_from_anywhere(asked)
    answer = channel.ask([asked.verb, value] if value else [asked.verb], number)
    if not answer.get("ok"):
        raise LivexprError(str(answer.get("text")))
    if as_json:
        typer.echo(json.dumps(answer["status"]))
    elif asked.verb == "status":
        for line in status_lines(answer["status"]):
            typer.echo(line)
    elif answer.get("text"):
        typer.echo(answer["text"])


def _seen_from_anywhere(asked: Command) -> str:
    """Return a command's value; a file of this folder by its whole path, as filters have another.

    What could as well be a camera or a preset, without folder or ending, stays as it is.
    """
    name, equals, amount = asked.value, "", ""
    if asked.verb == "mix":
        name, equals, amount = asked.value.rpartition("=")
    file = Path(name)
    fits = name.lower().endswith(_FILES.get(asked.verb, ())) and (file.suffix or file.name != name)
    return f"{file.absolute()}{equals}{amount}" if fits and may_exist(file) else asked.value


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """Return what is shown, as people read it.

    Parameters
    ----------
    status : Mapping
        As :meth:`livexpr.session.Session.status` returns it; what is missing is left out.
    """
    state = "on" if status.get("on") else "off"
    if error := status.get("error"):
        state += f", but unfiltered: {error}"
    elif not status.get("ready", True):
        state += ", still starting"
    amounts = _numbers(status.get("mix"))
    lines = [
        ("filter", state),
        ("preset", status.get("preset")),
        ("intensity", _number(status.get("intensity"))),
        ("mix", amounts or "nothing"),
        ("regions", _numbers(status.get("regions"), usual=1.0)),
        ("feel", _numbers(status.get("feel"))),
        ("damping", _number(status.get("damping")) if status.get("damping") else ""),
        ("picture", ", ".join(word for word in ("mirrored", "frozen") if status.get(word))),
        ("face", "found" if status.get("face") else "none"),
        ("source", status.get("source")),
        ("output", status.get("output")),
        ("notice", status.get("notice")),
    ]
    return [f"{name:<10} {value}" for name, value in lines if value]


def _numbers(named: object, usual: float | None = None) -> str:
    if not isinstance(named, Mapping):
        return ""
    return ", ".join(f"{k}={_number(v)}" for k, v in named.items() if v != usual)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else ""
