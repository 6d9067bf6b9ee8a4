"""Presets to step through and to change while live, and saving what was tuned as a new one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from livexpr.adjusting import adjusted
from livexpr.edges import Edges
from livexpr.errors import LivexprError
from livexpr.preset_file import MAP_SUFFIX, check_name, is_map_file, namesake

if TYPE_CHECKING:
    from livexpr.engine_start import Engine
    from livexpr.pipeline import Effect
    from livexpr.presets import Preset

_UNFIT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class Tuning:
    """The preset that is shown, those before and after it, and their loaded maps.

    Parameters
    ----------
    preset : Preset
        The first one.
    edges : Edges

    Attributes
    ----------
    preset : Preset
        The one that is shown.
    """

    def __init__(self, preset: Preset, edges: Edges) -> None:
        self.preset = preset
        self._edges = edges
        self._first = preset
        self._effects: dict[str, Effect] = {}
        self._outdated: set[str] = set()

    def step(self, direction: int) -> None:
        """Take the next (1) or previous (-1) preset; broken ones are left out, and named.

        Raises
        ------
        LivexprError
            When the very preset that was shown is the only one.
        """
        names = self._names()
        start = names.index(self.preset.name) if self.preset.name in names else 0
        for distance in range(1, len(names)):
            name = names[(start + direction * distance) % len(names)]
            try:
                self.preset = (
                    self._first if name == self._first.name else self._edges.load_preset(name)
                )
            except LivexprError as error:
                self._edges.say(str(error))
                continue
            return
        raise LivexprError("there is no other preset")

    def take(self, name: str) -> None:
        """Take the preset of that name, or of that file.

        Raises
        ------
        LivexprError
            When there is none, or it is broken.
        """
        self.preset = self._edges.load_preset(name)

    def reload(self, name: str) -> bool:
        """Read a preset or a map again; False when what is shown stays as it is.

        Parameters
        ----------
        name : str
            A preset's name or file, or a map's file.

        Raises
        ------
        LivexprError
            When it is broken; the one that is shown stays.
        """
        if name.endswith(MAP_SUFFIX):
            return self._reload_map(Path(name).stem)
        shown = self.preset
        if name not in (shown.name, str(shown.file and shown.file.absolute())):
            return False
        preset = self._edges.load_preset(name)
        if shown.file is not None and shown.name == shown.file.stem:
            preset = replace(preset, name=shown.name)
        self._go_on_with(preset)
        return preset != shown

    def adjust(self, verb: str, value: str) -> str:
        """Change the preset that is shown, not its file.

        Parameters
        ----------
        verb : str
            ``mix``, ``region``, ``feel`` or ``damping``.
        value : str
            As :mod:`livexpr.commands` checks it.

        Returns
        -------
        str
            What was set.

        Raises
        ------
        LivexprError
            When the name is unknown, or the number out of range.
        """
        self.preset = adjusted(self.preset, verb, value)
        return f"{verb} {value}"

    def leave(self) -> None:
        """Give up a preset that cannot be shown, for the last one that could."""
        loaded = [effect.preset for effect in self._effects.values()]
        self.preset = loaded[-1] if loaded else self._first

    def effect(self, engine: Engine, intensity: float) -> Effect:
        """Return what to show now, its maps loaded at most once.

        Raises
        ------
        LivexprError
            When a map is missing or broken.
        """
        effect = self._effects.get(self.preset.name)
        if self.preset.name in self._outdated:
            self._outdated.remove(self.preset.name)  # first: a broken map is tried but once
            effect = self._effects[self.preset.name] = engine.load_effect(self.preset)
        elif effect is None or (effect.preset is not self.preset and effect.preset != self.preset):
            effect = _with_loaded_maps(effect, self.preset) or engine.load_effect(self.preset)
            self._effects[self.preset.name] = effect
        self.preset = effect.preset
        # The last one is the one to go back to.
        self._effects[self.preset.name] = self._effects.pop(self.preset.name)
        return effect if effect.intensity == intensity else replace(effect, intensity=intensity)

    def save(self, intensity: float, name: str = "") -> Path:
        """Save the preset at this intensity under a name, and go on with that one.

        Parameters
        ----------
        intensity : float
        name : str
            Of a new preset, or that of the one that is shown if it is the user's own, whose file
            then keeps its comments; '' makes one up.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        LivexprError
            When it cannot be written, or the name is taken or unfit.
        """
        folder = self._edges.user_presets_dir()
        own = self.preset.file == folder / f"{self.preset.name}.toml"
        if not (own and name == self.preset.name):
            name = self._free_name(name)
        path = folder / f"{name}.toml"
        preset = replace(self.preset, name=name, intensity=intensity, file=path)
        try:
            self._edges.save_preset(preset, path)
        except OSError as error:
            raise LivexprError(f"cannot save {path}: {error.strerror}") from None
        # Whatever is loaded of its maps need not be loaded again.
        loaded = _with_loaded_maps(self._effects.get(self.preset.name), preset)
        self._effects.pop(name, None)
        if loaded is not None:
            self._effects[name] = replace(loaded, intensity=intensity)
        self._go_on_with(preset)
        return path

    def _go_on_with(self, preset: Preset) -> None:
        """Take a preset, also wherever it is stepped to, if that is its file."""
        if (self._first.name, self._first.file) == (preset.name, preset.file):
            self._first = preset
        self.preset = preset

    def _reload_map(self, name: str) -> bool:
        self._effects = {
            shown: effect
            for shown, effect in self._effects.items()
            if shown == self.preset.name or name not in _map_names(effect.preset)
        }
        if name not in _map_names(self.preset):
            return False
        self._outdated.add(self.preset.name)
        return True

    def _free_name(self, wanted: str) -> str:
        names = self._edges.available_presets()
        if wanted:
            check_name(wanted)
            if taken := namesake(wanted, names):
                raise LivexprError(f"there is a preset {taken!r} already: choose another name")
            return wanted
        base = re.sub(r"-\d+$", "", _UNFIT_IN_NAME.sub("-", self.preset.name)).strip("-") or "mine"
        number = 2
        while namesake(f"{base}-{number}", names):
            number += 1
        return f"{base}-{number}"

    def _names(self) -> list[str]:
        names = self._edges.available_presets()
        return names if self._first.name in names else [self._first.name, *names]


def _map_names(preset: Preset) -> set[str]:
    return {Path(name).stem if is_map_file(name) else name for name in preset.mix}


def _with_loaded_maps(effect: Effect | None, preset: Preset) -> Effect | None:
    """Return the effect of a changed preset, where that takes no more than what is loaded."""
    if effect is None or preset.mix.keys() != effect.preset.mix.keys():
        return None
    if preset.damping and effect.damped is None:
        return None
    return replace(effect, preset=preset)
