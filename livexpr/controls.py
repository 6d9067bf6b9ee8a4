"""Hotkeys: which key asks for what, and what that sets. Knows no window and no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livexpr.commands import Command, parse_line, stepped, switched

MIN_INTENSITY, MAX_INTENSITY = -1.0, 2.0
INTENSITY_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be asked for by key.

    Attributes
    ----------
    command : str
        As :func:`livexpr.commands.parse_line` reads it.
    names : tuple of str
        The keys that ask for it: a character, or ``up``, ``down``, ``esc``.
    shown : str
        The keys as people read them.
    meaning : str
        What happens, in a few words.
    preview_only : bool
        Whether it changes nothing but the preview.
    """

    command: str
    names: tuple[str, ...]
    shown: str
    meaning: str
    preview_only: bool = False


KEYS = (
    Key("toggle", ("o", " "), "o  space", "filter on / off"),
    Key("intensity +0.1", ("+", "=", "up"), "+  ↑", "stronger"),
    Key("intensity -0.1", ("-", "_", "down"), "-  ↓", "weaker"),
    Key("next", ("n",), "n", "next preset"),
    Key("previous", ("p",), "p", "previous preset"),
    Key("split", ("b",), "b", "before | after", preview_only=True),
    Key("mirror", ("m",), "m", "mirror the picture"),
    Key("freeze", ("f",), "f", "freeze the picture"),
    Key("landmarks", ("l",), "l", "landmarks", preview_only=True),
    Key("save", ("s",), "s", "save this tuning as a preset"),
    Key("help", ("h", "?"), "h", "show or hide this help"),
    Key("quit", ("q", "esc"), "q  Esc", "quit"),
)
"""All hotkeys; help texts are made from it."""

_SWITCHES: Mapping[str, str] = {
    "mirror": "mirrored",
    "freeze": "frozen",
    "split": "split",
    "landmarks": "landmarks",
    "help": "help_shown",
}

_OF_KEY: Mapping[str, Command] = {
    name: parse_line(key.command) for key in KEYS for name in key.names
}


def command_for(key: str) -> Command | None:
    """Return what a key asks for; letters count in either case.

    >>> command_for("Q").verb, command_for("up").value, command_for("x")
    ('quit', '+0.1', None)
    """
    return _OF_KEY.get(key.lower())


def help_lines() -> list[str]:
    """Return one line per hotkey that works without a window, in two columns."""
    width = max(len(key.shown) for key in KEYS)
    return [f"{key.shown:<{width}}  {key.meaning}" for key in KEYS if not key.preview_only]


@dataclass(frozen=True, slots=True)
class Controls:
    """What the user has set by key.

    Attributes
    ----------
    intensity : float
        From -1 to 2; kept while the filter is off.
    on : bool
        Whether the filter works.
    mirrored, frozen : bool
        Change the published picture.
    split, landmarks, help_shown : bool
        Change the preview only.
    """

    intensity: float = 1.0
    on: bool = True
    mirrored: bool = False
    frozen: bool = False
    split: bool = False
    landmarks: bool = False
    help_shown: bool = False

    @property
    def live_intensity(self) -> float:
        """What to hand to the pipeline: 0 while the filter is off."""
        return self.intensity if self.on else 0.0


def apply(command: Command, controls: Controls) -> Controls:
    """Return what is set after a command.

    Parameters
    ----------
    command : Command
        Those that need files, such as presets and saving, change nothing here.
    controls : Controls
        What was set before.

    Examples
    --------
    >>> apply(parse_line("intensity +0.1"), Controls(intensity=1.95)).intensity
    2.0
    """
    verb, value = command.verb, command.value
    if verb in ("on", "off", "toggle"):
        return replace(controls, on=switched(controls.on, "" if verb == "toggle" else verb))
    if verb == "intensity":
        return _with_intensity(controls, value)
    if verb in _SWITCHES:
        name = _SWITCHES[verb]
        return replace(controls, **{name: switched(getattr(controls, name), value)})
    return controls


def _with_intensity(controls: Controls, value: str) -> Controls:
    wanted = stepped(controls.intensity, value)
    if value[:1] in ("+", "-"):
        # A whole number of steps, so that +, - leads back to where it was.
        step = abs(float(value)) or INTENSITY_STEP
        wanted = round(wanted / step) * step
    limited = min(max(wanted, MIN_INTENSITY), MAX_INTENSITY)
    # Who turns the strength wants to see it.
    return replace(controls, intensity=round(limited, 3) + 0.0, on=True)


def describe(command: Command, controls: Controls) -> str:
    """Say in a few words what a command has just set; '' where there is nothing to say.

    >>> describe(parse_line("off"), Controls(on=False))
    'filter off'
    """
    verb = command.verb
    if verb in ("on", "off", "toggle"):
        return f"filter {'on' if controls.on else 'off'}"
    if verb == "intensity":
        return f"intensity {controls.intensity:.2f}".removesuffix("0")
    if verb in _SWITCHES and verb != "help":
        return f"{verb} {'on' if getattr(controls, _SWITCHES[verb]) else 'off'}"
    return ""
