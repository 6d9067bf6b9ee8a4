"""A preset for people to change: everything that can be set, each with a word on what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livexpr.preset_file import Preset, preset_text
from livexpr.preset_schema import DIRECTIVE, MEANINGS

_WIDTH = 96


def commented_text(preset: Preset, maps: Sequence[str]) -> str:
    """Return a preset as TOML with comments.

    Parameters
    ----------
    preset : Preset
        Its name is left out: it is then called as its file.
    maps : sequence of str
        Names to offer for the mix.
    """
    lines = [DIRECTIVE, ""]
    for line in preset_text(replace(preset, name="")).splitlines():
        key = line.strip("[]").partition(" = ")[0]
        if key in MEANINGS and not line.startswith("description"):
            lines.append(f"# {MEANINGS[key]}")
        if line == "[mix]":
            lines += _wrapped(maps)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _wrapped(names: Sequence[str]) -> list[str]:
    lines = ["#"]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append("#")
        lines[-1] += f" {name}"
    return lines
