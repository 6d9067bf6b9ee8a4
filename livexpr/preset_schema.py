"""What a preset may hold, as a JSON schema, by which editors complete and check it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from livexpr.preset_file import (
    AMOUNT_RANGE,
    DAMPING_RANGE,
    FEEL_RANGES,
    MAX_MAPS,
    REGION_RANGE,
    Feel,
    Preset,
    RegionWeights,
)
from livexpr.toml_file import Range
from livexpr.whole_file import write_whole

FILE_NAME = "preset.schema.json"
DIRECTIVE = f"#:schema ./{FILE_NAME}"
"""A comment from which editors know where the schema is; it stands first in a preset."""

MEANINGS = {
    "name": "For people; without one, the file's name.",
    "description": "One sentence.",
    "intensity": "How much of the whole, from -1 to 2; 0 is off.",
    "damping": "What part of your own expression is taken back, from 0 to 1.",
    "mix": "Maps, or files of maps, and how much of each, from -1 to 2.",
    "regions": "How much each region takes part, from 0 to 2; 1 is as the map was made.",
    "feel": "How the effect moves.",
    "smoothing": "Against jitter, from 0 (none) to 1 (calm, but it lags a little).",
    "easing_s": "Seconds that a change takes, from 0 to 5.",
}
"""Of each key, in a sentence."""


def schema(maps: Collection[str]) -> dict[str, Any]:
    """Return the schema, as JSON Schema draft 7 has it.

    Parameters
    ----------
    maps : collection of str
        Names to offer for a mix; others are allowed, since users have maps of their own.
    """
    usual = Preset("", {})
    amount = _number(AMOUNT_RANGE)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "livexpr preset",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "description": MEANINGS["name"]},
            "description": {"type": "string", "description": MEANINGS["description"]},
            "intensity": _number(AMOUNT_RANGE, "intensity", usual.intensity),
            "damping": _number(DAMPING_RANGE, "damping", usual.damping),
            "mix": {
                "type": "object",
                "description": MEANINGS["mix"],
                "maxProperties": MAX_MAPS,
                "properties": dict.fromkeys(sorted(maps), amount),
                "additionalProperties": amount,
            },
            "regions": _regions(),
            "feel": _feel(),
        },
    }


def schema_text(maps: Collection[str]) -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(maps), indent=2) + "\n"


def put_beside(folder: Path, maps: Collection[str]) -> None:
    """Have the schema lie in a folder of presets; raises OSError if it cannot be written."""
    content = schema_text(maps).encode()
    file = folder / FILE_NAME
    if not file.is_file() or file.read_bytes() != content:
        write_whole(file, content)


def _regions() -> dict[str, Any]:
    names = {each.name: each.default for each in fields(RegionWeights)}
    numbers = {name: _number(REGION_RANGE, usual=usual) for name, usual in names.items()}
    return _table("regions", numbers)


def _feel() -> dict[str, Any]:
    usual = asdict(Feel())
    numbers = {name: _number(FEEL_RANGES[name], name, usual[name]) for name in usual}
    return _table("feel", numbers)


def _table(key: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": MEANINGS[key],
        "additionalProperties": False,
        "properties": properties,
    }


def _number(limits: Range, key: str = "", usual: object = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "number", "minimum": limits[0], "maximum": limits[1]}
    if usual is not None:
        found["default"] = usual
    if key:
        found["description"] = MEANINGS[key]
    return found
