"""Carries out commands: holds what the user has set and the preset that is shown."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from livexpr import controls as hotkeys
from livexpr.adjusting import ADJUSTABLE
from livexpr.commands import Command
from livexpr.controls import Controls
from livexpr.edges import Edges
from livexpr.tuning import Tuning

if TYPE_CHECKING:
    from livexpr.engine_start import Engine
    from livexpr.pipeline import Effect
    from livexpr.presets import Preset


class Pilot:
    """What is to be shown, and what changes it.

    Parameters
    ----------
    preset : Preset
        The first one.
    edges : Edges

    Attributes
    ----------
    controls : Controls
    """

    def __init__(self, preset: Preset, edges: Edges) -> None:
        self.controls = Controls(intensity=preset.intensity)
        self._tuning = Tuning(preset, edges)
        self._effect: Effect | None = None

    @property
    def preset(self) -> Preset:
        """The one that is shown."""
        return self._tuning.preset

    def carry_out(self, command: Command) -> str:
        """Do what is asked for, but for quitting and telling the status.

        Returns
        -------
        str
            What was set; '' where there is nothing to say.

        Raises
        ------
        LivexprError
            When it cannot be done; everything stays as it was.
        """
        message = self._change_preset(command)
        self.controls = hotkeys.apply(command, self.controls)
        self._effect = None
        return message or hotkeys.describe(command, self.controls)

    def effect(self, engine: Engine) -> Effect:
        """Return what to show now, its maps loaded at most once.

        Raises
        ------
        LivexprError
            When a map is missing or broken.
        """
        if self._effect is None:
            self._effect = self._tuning.effect(engine, self.controls.live_intensity)
        return self._effect

    def afresh(self) -> None:
        """Make the effect again: it was in use when the filter failed."""
        self._effect = None

    def leave(self) -> None:
        """Give up a preset that cannot be shown, for the last one that could."""
        left = self.preset
        self._tuning.leave()
        # Where only a piece of it is taken back, what the user has set stays.
        if (self.preset.name, self.preset.intensity) != (left.name, left.intensity):
            self._take_intensity()

    def status(self) -> dict[str, object]:
        """Return what is set, as plain values for other programs."""
        preset, controls = self.preset, self.controls
        return {
            "preset": preset.name,
            "file": None if preset.file is None else str(preset.file),
            "intensity": controls.intensity,
            "on": controls.on,
            "mirrored": controls.mirrored,
            "frozen": controls.frozen,
            "mix": dict(preset.mix),
            "regions": asdict(preset.regions),
            "feel": asdict(preset.feel),
            "damping": preset.damping,
        }

    def _change_preset(self, command: Command) -> str:
        verb, value = command.verb, command.value
        if verb == "save":
            path = self._tuning.save(self.controls.intensity, value)
            return f"saved as {path.stem} in {path.parent}"
        if verb == "reload":
            return self._reload(value)
        if verb in ADJUSTABLE:
            return self._tuning.adjust(verb, value)
        if verb in ("next", "previous"):
            self._tuning.step(1 if verb == "next" else -1)
        elif verb == "preset":
            self._tuning.take(value)
        else:
            return ""
        self._take_intensity()
        return f"preset {self.preset.name}"

    def _reload(self, name: str) -> str:
        before = self.preset.intensity
        if not self._tuning.reload(name):
            return ""
        if self.preset.intensity != before:
            self._take_intensity()
        return f"{Path(name).stem} was changed"

    def _take_intensity(self) -> None:
        self.controls = replace(self.controls, intensity=self.preset.intensity)
