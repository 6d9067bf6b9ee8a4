"""What a preset is, and its form as TOML: every key, type and range, checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from livexpr.errors import PresetError
from livexpr.toml_file import Range, TomlFile, line_of

AMOUNT_RANGE: Range = (-1.0, 2.0)
"""Of a map in a mix, of an expression, and of the whole (intensity)."""

MAP_SUFFIX = ".safetensors"
MAX_BYTES = 65_536
"""Of a preset's file; those we know have less than a thousand."""

MAX_MAPS = 64
"""In one mix: each that is named is loaded."""

_LONGEST_SHOWN = 80

KEYS = ("name", "description", "intensity", "damping", "mix", "regions", "feel")
"""What a file may hold, in the order in which it is written."""

REGION_RANGE: Range = (0.0, 2.0)
DAMPING_RANGE: Range = (0.0, 1.0)
FEEL_RANGES: Mapping[str, Range] = {"smoothing": (0.0, 1.0), "easing_s": (0.0, 5.0)}


@dataclass(frozen=True, slots=True)
class RegionWeights:
    """How much each region takes part, from 0 (not at all) to 2; 1 is as the map was made."""

    brows: float = 1.0
    eyes: float = 1.0
    cheeks: float = 1.0
    mouth: float = 1.0


@dataclass(frozen=True, slots=True)
class Feel:
    """How the effect moves.

    Attributes
    ----------
    smoothing : float
        Against jitter, from 0 (none) to 1 (calm, but it lags a little).
    easing_s : float
        Seconds that a change takes, from 0 to 5.
    """

    smoothing: float = 0.5
    easing_s: float = 0.35


@dataclass(frozen=True, slots=True)
class Preset:
    """What to show.

    Attributes
    ----------
    name : str
        For people.
    mix : Mapping of str to float
        Map names, or whole paths of their files, and amounts in [-1, 2]; empty adds nothing.
    intensity : float
        Scales the whole, from -1 to 2; 0 is off.
    regions : RegionWeights
    feel : Feel
    description : str
        One sentence.
    damping : float
        What part of the user's own expression is taken back, from 0 to 1.
    file : Path or None
        Where it was read from, if it is as it stands there or was changed since; it has no part
        in comparisons.
    """

    name: str
    mix: Mapping[str, float]
    intensity: float = 1.0
    regions: RegionWeights = field(default_factory=RegionWeights)
    feel: Feel = field(default_factory=Feel)
    description: str = ""
    damping: float = 0.0
    file: Path | None = field(default=None, compare=False, repr=False)


def read_preset(text: str, source: str, known_maps: Collection[str]) -> Preset:
    """Read a preset from TOML.

    Parameters
    ----------
    text : str
        The TOML.
    source : str
        Its file, for messages; without a ``name`` in the text, its stem is the preset's name.
    known_maps : collection of str
        What a mix may name.

    Raises
    ------
    PresetError
        If it is not TOML, or has unknown keys, wrong types or values out of range.
    """
    file = TomlFile(text, source)
    content = file.content
    file.check_keys(content, KEYS, ())
    regions = file.table("regions")
    file.check_keys(regions, [each.name for each in fields(RegionWeights)], ("regions",))
    feel = file.table("feel")
    file.check_keys(feel, list(FEEL_RANGES), ("feel",))
    intensity = content.get("intensity", 1.0)
    return Preset(
        name=file.text(content.get("name", ""), ("name",)) or Path(source).stem,
        mix=_read_mix(file, known_maps),
        intensity=file.number(intensity, AMOUNT_RANGE, ("intensity",)),
        regions=RegionWeights(
            **{k: file.number(v, REGION_RANGE, ("regions", k)) for k, v in regions.items()}
        ),
        feel=Feel(**{k: file.number(v, FEEL_RANGES[k], ("feel", k)) for k, v in feel.items()}),
        description=" ".join(file.text(content.get("description", ""), ("description",)).split()),
        damping=file.number(content.get("damping", 0.0), DAMPING_RANGE, ("damping",)),
    )


def _read_mix(file: TomlFile, known_maps: Collection[str]) -> dict[str, float]:
    mix = file.table("mix")
    if len(mix) > MAX_MAPS:
        file.refuse(f"expected at most {MAX_MAPS} maps, got {len(mix)}", ("mix",))
    named = {name: amount for name, amount in mix.items() if not is_map_file(name)}
    file.check_keys(named, sorted(known_maps), ("mix",), what="map")
    return {name: file.number(amount, AMOUNT_RANGE, ("mix", name)) for name, amount in mix.items()}


def preset_text(preset: Preset) -> str:
    """Return a preset as TOML."""
    import tomlkit

    return tomlkit.dumps({key: value for key, value in _content(preset).items() if value != ""})


def changed_text(preset: Preset, before: str, stem: str) -> str:
    """Return a preset as TOML, with the comments and the order that its file has now.

    Parameters
    ----------
    preset : Preset
    before : str
        What the file holds.
    stem : str
        The file's name without its ending, which is the preset's name where none is given.

    Raises
    ------
    ValueError
        If it is no TOML, or written so unusually that it has to be written anew.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        wanted, defaults = _content(preset), _content(Preset(stem, {}))
        changed = tomlkit.parse(_with_new_lines(before, wanted, defaults))
        _update(changed, wanted, defaults)
        return tomlkit.dumps(changed)
    except (TOMLKitError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _content(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "description": preset.description,
        "intensity": float(preset.intensity),
        "damping": float(preset.damping),
        "mix": {name: float(amount) for name, amount in preset.mix.items()},
        "regions": {name: float(weight) for name, weight in asdict(preset.regions).items()},
        "feel": {name: float(value) for name, value in asdict(preset.feel).items()},
    }


def _with_new_lines(text: str, wanted: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Add what a document has no line for yet, below its last line of that kind.

    TOML Kit would put it below the comment that belongs to the first table.
    """
    import tomlkit

    document = tomlkit.parse(text)
    new = {
        key: value
        for key, value in wanted.items()
        if not isinstance(value, dict) and key not in document and value != defaults[key]
    }
    if not new:
        return text
    lines = text.split("\n")
    at = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    for key, value in document.items():
        if not isinstance(value, dict) and "\n" not in str(value):
            at = max(at, line_of(text, (key,)) or 0)
    lines[at:at] = tomlkit.dumps(new).splitlines()
    return "\n".join(lines)


def _update(table: Any, wanted: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Set what differs in a table of a document, and take out what is wanted no more."""
    for key in [key for key in table if key not in wanted]:
        del table[key]
    for key, value in wanted.items():
        if isinstance(value, dict):
            if key in table or value != defaults[key]:
                _update(table.setdefault(key, {}), value, defaults[key])
        elif key in table:
            if table[key] != value or isinstance(table[key], bool):
                table[key] = value
        elif value != defaults.get(key):
            table[key] = value


def check_name(name: str) -> str:
    """Return a name that can be that of a file everywhere.

    Raises
    ------
    PresetError
        If it is no such name.

    Examples
    --------
    >>> check_name("my-smile_2")
    'my-smile_2'
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}", name):
        raise PresetError(
            f"{_shown(name)} is no name: expected letters, digits, _ and - (not first), at most 60"
        )
    if re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9]", name.lower()):
        raise PresetError(f"{name!r} is a name that Windows keeps to itself: choose another")
    return name


def namesake(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` whose file would be that of `name` on Windows and macOS.

    >>> namesake("Mine", ["happy", "mine"])
    'mine'
    """
    return next((each for each in names if each.casefold() == name.casefold()), None)


def _shown(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}...")


def is_map_file(name: str) -> bool:
    """Tell whether a mix names a map's file rather than a known map.

    >>> is_map_file("happy"), is_map_file("maps/mine.safetensors")
    (False, True)
    """
    return name.lower().endswith(MAP_SUFFIX)
