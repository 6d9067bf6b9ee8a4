"""Presets changed piece by piece while they are shown."""

from __future__ import annotations

from dataclasses import fields, replace

from livexpr import presets
from livexpr.commands import named_number, stepped
from livexpr.errors import PresetError
from livexpr.preset_file import (
    AMOUNT_RANGE,
    DAMPING_RANGE,
    FEEL_RANGES,
    REGION_RANGE,
    Feel,
    Preset,
    RegionWeights,
)
from livexpr.toml_file import Range, range_text
from livexpr.wording import offer

ADJUSTABLE = ("mix", "region", "feel", "damping")


def adjusted(preset: Preset, verb: str, value: str) -> Preset:
    """Return a preset with one thing changed.

    Parameters
    ----------
    preset : Preset
    verb : str
        One of :data:`ADJUSTABLE`.
    value : str
        As :func:`livexpr.commands.parse` checks it. A map at 0 leaves the mix.

    Raises
    ------
    PresetError
        When the name is unknown, or the number out of range.

    Examples
    --------
    >>> adjusted(Preset("mine", {"happy": 1.0}), "region", "mouth=0.5").regions.mouth
    0.5
    """
    if verb == "damping":
        return replace(preset, damping=_damping(preset.damping, value))
    name, number = named_number(value)
    if verb == "mix":
        return replace(preset, mix=_mixed(preset, name, _within(number, AMOUNT_RANGE, name)))
    if verb == "region":
        _check(name, [field.name for field in fields(RegionWeights)], "region")
        weight = _within(number, REGION_RANGE, name)
        return replace(preset, regions=replace(preset.regions, **{name: weight}))
    _check(name, [field.name for field in fields(Feel)], "feel")
    number = _within(number, FEEL_RANGES[name], name)
    return replace(preset, feel=replace(preset.feel, **{name: number}))


def _damping(now: float, value: str) -> float:
    wanted = stepped(now, value)
    if value[0] in "+-":
        # As steps of the intensity: they end at the ends, and lead back to where they began.
        wanted = round(min(max(wanted, DAMPING_RANGE[0]), DAMPING_RANGE[1]), 3)
    return _within(wanted, DAMPING_RANGE, "damping")


def _mixed(preset: Preset, name: str, amount: float) -> dict[str, float]:
    if name not in preset.mix:
        presets.map_path(name)  # refuses unknown ones
    mix = {**preset.mix, name: amount}
    if amount == 0.0 and len(mix) > 1:
        del mix[name]
    return mix


def _check(name: str, known: list[str], what: str) -> None:
    if name not in known:
        raise PresetError(f"there is no {what} {name!r}: {offer(name, known)}")


def _within(number: float, limits: Range, name: str) -> float:
    if not limits[0] <= number <= limits[1]:
        raise PresetError(f"{name} was to be {number:g}: expected {range_text(limits)}")
    return number
