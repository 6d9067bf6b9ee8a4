"""What a preset is, and its form as TOML: every key, type and range, checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from livexpr.errors import PresetError

Range = tuple[float, float]

AMOUNT_RANGE: Range = (-1.0, 2.0)
"""Of a map in a mix, of an expression, and of the whole (intensity)."""

MAP_SUFFIX = ".safetensors"
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
    """

    name: str
    mix: Mapping[str, float]
    intensity: float = 1.0
    regions: RegionWeights = field(default_factory=RegionWeights)
    feel: Feel = field(default_factory=Feel)
    description: str = ""
    damping: float = 0.0


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
    file = _Checked(text, source)
    content = _parsed(text, source)
    file.check_keys(content, [each.name for each in fields(Preset)], ())
    regions = file.table(content, "regions")
    file.check_keys(regions, [each.name for each in fields(RegionWeights)], ("regions",))
    feel = file.table(content, "feel")
    file.check_keys(feel, list(FEEL_RANGES), ("feel",))
    mix = file.table(content, "mix")
    named = {name: amount for name, amount in mix.items() if not is_map_file(name)}
    file.check_keys(named, sorted(known_maps), ("mix",), what="map")
    intensity = content.get("intensity", 1.0)
    return Preset(
        name=file.text(content, "name") or Path(source).stem,
        mix={
            name: file.number(amount, AMOUNT_RANGE, ("mix", name)) for name, amount in mix.items()
        },
        intensity=file.number(intensity, AMOUNT_RANGE, ("intensity",)),
        regions=RegionWeights(
            **{k: file.number(v, REGION_RANGE, ("regions", k)) for k, v in regions.items()}
        ),
        feel=Feel(**{k: file.number(v, FEEL_RANGES[k], ("feel", k)) for k, v in feel.items()}),
        description=file.text(content, "description"),
        damping=file.number(content.get("damping", 0.0), DAMPING_RANGE, ("damping",)),
    )


def preset_text(preset: Preset) -> str:
    """Return a preset as TOML."""
    import tomlkit

    content: dict[str, Any] = {"name": preset.name}
    if preset.description:
        content["description"] = preset.description
    content["intensity"] = float(preset.intensity)
    content["damping"] = float(preset.damping)
    content["mix"] = {name: float(amount) for name, amount in preset.mix.items()}
    content["regions"] = {name: float(weight) for name, weight in asdict(preset.regions).items()}
    content["feel"] = {name: float(value) for name, value in asdict(preset.feel).items()}
    return tomlkit.dumps(content)


def is_map_file(name: str) -> bool:
    """Tell whether a mix names a map's file rather than a known map.

    >>> is_map_file("happy"), is_map_file("maps/mine.safetensors")
    (False, True)
    """
    return name.lower().endswith(MAP_SUFFIX)


def offer(name: str, known: Iterable[str]) -> str:
    """Return which names could have been meant instead of an unknown one.

    >>> offer("hapy", ["happy", "neutral"])
    "did you mean 'happy'?"
    >>> offer("x", ["happy", "neutral"])
    "expected 'happy' or 'neutral'"
    """
    known = list(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {_alternatives(near)}?"
    return f"expected {_alternatives(known)}" if known else "there are none here"


def range_text(limits: Range = AMOUNT_RANGE) -> str:
    """Return a range as messages say it.

    >>> range_text()
    'a number from -1 to 2'
    """
    return f"a number from {limits[0]:g} to {limits[1]:g}"


def _alternatives(names: list[str]) -> str:
    *first, last = map(repr, names)
    return f"{', '.join(first)} or {last}" if first else last


def _parsed(text: str, source: str) -> dict[str, Any]:
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        return tomlkit.parse(text).unwrap()
    except ParseError as error:
        reason = re.sub(r"\.? at line \d+ col \d+$", "", str(error))
        raise PresetError(
            f"this is not TOML: {reason}, in {source}, line {error.line}, column {error.col + 1}"
        ) from None
    except (TOMLKitError, ValueError) as error:
        raise PresetError(f"this is not TOML: {error}, in {source}") from None


class _Checked:
    """Takes values out of a preset's text; says where when one is wrong."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source

    def check_keys(
        self,
        table: Mapping[str, Any],
        known: list[str],
        path: tuple[str, ...],
        *,
        what: str = "key",
    ) -> None:
        for key in table:
            if key not in known:
                self._refuse(f"unknown {what} {key!r}: {offer(key, known)}", (*path, key))

    def table(self, content: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = content.get(key, {})
        if not isinstance(value, dict):
            self._refuse(f"expected a table, [{key}], got {_kind(value)}", (key,))
        return dict(value)

    def text(self, content: Mapping[str, Any], key: str) -> str:
        value = content.get(key, "")
        if not isinstance(value, str):
            self._refuse(f"expected a text in quotes, got {_kind(value)}", (key,))
        return " ".join(value.split())

    def number(self, value: Any, limits: Range, path: tuple[str, ...]) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self._refuse(f"expected {range_text(limits)}, got {_kind(value)}", path)
        if not limits[0] <= value <= limits[1]:
            self._refuse(f"expected {range_text(limits)}, got {value:g}", path)
        return float(value)

    def _refuse(self, reason: str, path: tuple[str, ...]) -> NoReturn:
        line = _line_of(self._text, path)
        where = f", line {line}" if line else ""
        raise PresetError(f"{reason} (in {self._source}, {'.'.join(path)}{where})")


def _kind(value: object) -> str:
    if isinstance(value, (bool, str)):
        return f"{str(value).lower()}" if isinstance(value, bool) else f"the text {value[:40]!r}"
    kinds = {dict: "a table", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "a date or time")


def _line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Find the line of a key, from 1; None where it is written in some unusual way.

    >>> _line_of("a = 1\\n[mix]\\nhappy = 1", ("mix", "happy"))
    3
    """
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            section = _keys(header[1])
            if section[: len(path)] == path:
                return number
        elif assigned := re.match(r"\s*([^=#]+?)\s*=", line):
            key = (*section, *_keys(assigned[1]))
            # The longer of the two may go on: in dots, or in braces on this line.
            shared = min(len(key), len(path))
            if key[:shared] == path[:shared]:
                return number
    return None


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
