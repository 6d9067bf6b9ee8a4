"""What can be set while the filter runs, and what each command makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livexpr.commands import Command, stepped, switched

MIN_INTENSITY, MAX_INTENSITY = -1.0, 2.0


_SWITCHES: Mapping[str, str] = {
    "mirror": "mirrored",
    "freeze": "frozen",
    "split": "split",
    "landmarks": "landmarks",
    "help": "help_shown",
}


@dataclass(frozen=True, slots=True)
class Controls:
    """What the user has set, by key or otherwise.

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
    >>> apply(Command("intensity", "+0.1"), Controls(intensity=1.95)).intensity
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
    limited = min(max(wanted, MIN_INTENSITY), MAX_INTENSITY)
    # Rounded, so that +, - leads back to where it was; who turns the strength wants to see it.
    return replace(controls, intensity=round(limited, 3) + 0.0, on=True)


def describe(command: Command, controls: Controls) -> str:
    """Say in a few words what a command has just set; '' where there is nothing to say.

    >>> describe(Command("off"), Controls(on=False))
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
