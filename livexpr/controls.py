"""Hotkeys: which key asks for what, and what that changes. Knows no window and no terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Action = Literal[
    "on_off",
    "stronger",
    "weaker",
    "next_preset",
    "previous_preset",
    "split",
    "mirror",
    "freeze",
    "landmarks",
    "save",
    "help",
    "quit",
]

MIN_INTENSITY, MAX_INTENSITY = -1.0, 2.0
INTENSITY_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be asked for by key.

    Attributes
    ----------
    action : Action
    names : tuple of str
        The keys that ask for it: a character, or ``up``, ``down``, ``esc``.
    shown : str
        The keys as people read them.
    meaning : str
        What happens, in a few words.
    preview_only : bool
        Whether it changes nothing but the preview.
    """

    action: Action
    names: tuple[str, ...]
    shown: str
    meaning: str
    preview_only: bool = False


KEYS = (
    Key("on_off", ("o", " "), "o  space", "filter on / off"),
    Key("stronger", ("+", "=", "up"), "+  ↑", "stronger"),
    Key("weaker", ("-", "_", "down"), "-  ↓", "weaker"),
    Key("next_preset", ("n",), "n", "next preset"),
    Key("previous_preset", ("p",), "p", "previous preset"),
    Key("split", ("b",), "b", "before | after", preview_only=True),
    Key("mirror", ("m",), "m", "mirror the picture"),
    Key("freeze", ("f",), "f", "freeze the picture"),
    Key("landmarks", ("l",), "l", "landmarks", preview_only=True),
    Key("save", ("s",), "s", "save this tuning as a preset"),
    Key("help", ("h", "?"), "h", "show or hide this help"),
    Key("quit", ("q", "esc"), "q  Esc", "quit"),
)
"""All hotkeys; help texts are made from it."""

_ACTION_OF_KEY: Mapping[str, Action] = {name: key.action for key in KEYS for name in key.names}


def action_for(key: str) -> Action | None:
    """Return what a key asks for; letters count in either case.

    >>> action_for("Q"), action_for("up"), action_for("x")
    ('quit', 'stronger', None)
    """
    return _ACTION_OF_KEY.get(key.lower())


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


def apply(action: Action, controls: Controls) -> Controls:
    """Return what is set after a key.

    Parameters
    ----------
    action : Action
        Presets, saving and quitting change nothing here: they need files.
    controls : Controls
        What was set before.

    Examples
    --------
    >>> apply("stronger", Controls(intensity=1.95)).intensity
    2.0
    """
    if action == "on_off":
        return replace(controls, on=not controls.on)
    if action == "stronger":
        return _with_intensity(controls, controls.intensity + INTENSITY_STEP)
    if action == "weaker":
        return _with_intensity(controls, controls.intensity - INTENSITY_STEP)
    if action == "mirror":
        return replace(controls, mirrored=not controls.mirrored)
    if action == "freeze":
        return replace(controls, frozen=not controls.frozen)
    if action == "split":
        return replace(controls, split=not controls.split)
    if action == "landmarks":
        return replace(controls, landmarks=not controls.landmarks)
    if action == "help":
        return replace(controls, help_shown=not controls.help_shown)
    return controls


def _with_intensity(controls: Controls, intensity: float) -> Controls:
    """Set the intensity to a whole number of steps, so that +, - leads back to where it was."""
    rounded = round(intensity / INTENSITY_STEP) * INTENSITY_STEP
    limited = min(max(rounded, MIN_INTENSITY), MAX_INTENSITY)
    # Who turns the strength wants to see it.
    return replace(controls, intensity=round(limited, 3) + 0.0, on=True)


def describe(action: Action, controls: Controls) -> str:
    """Say in a few words what a key has just set; '' where there is nothing to say.

    >>> describe("on_off", Controls(on=False))
    'filter off'
    """
    switches: Mapping[Action, tuple[str, bool]] = {
        "on_off": ("filter", controls.on),
        "mirror": ("mirror", controls.mirrored),
        "freeze": ("freeze", controls.frozen),
        "split": ("split", controls.split),
        "landmarks": ("landmarks", controls.landmarks),
    }
    if action in switches:
        name, on = switches[action]
        return f"{name} {'on' if on else 'off'}"
    if action in ("stronger", "weaker"):
        return f"intensity {controls.intensity:.1f}"
    return ""
