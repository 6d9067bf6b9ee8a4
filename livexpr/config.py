"""The user's config: what ``livexpr run`` does unless told otherwise, and which key does what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from livexpr import options, presets, run_options
from livexpr.commands import CommandError, parse_line
from livexpr.errors import LivexprError, PresetError
from livexpr.keys import KEYS, MOST_BINDINGS, KeyTable, normal_name
from livexpr.toml_file import TomlFile, read_text

MAX_BYTES = 65_536

_Check = Callable[[str], object]
_TEXTS: Mapping[str, _Check] = {
    "preset": presets.find,
    "source": str,
    "size": options.size_from,
    "on_lost": run_options.on_lost_from,
    "quality": run_options.quality_from,
}
_SWITCHES = ("mirror", "preview", "badge", "ctl", "hotkeys")
RUN_KEYS = (*_TEXTS, "output", "fps", *_SWITCHES)
"""The options of ``livexpr run`` that a config may set, by their names."""

TEMPLATE = """\
# What `livexpr run` does unless it is told otherwise. Take out a # and change what follows.

[run]
# preset = "happy"             # a name of `livexpr presets`, or a file
# source = "auto"              # a camera's number or part of its name
# size = "1280x720"
# fps = 30
# output = ["camera", "window"]
# mirror = true
# preview = true
# on_lost = "passthrough"      # or freeze, blur
# quality = "auto"
# badge = true
# hotkeys = true               # keys with modifiers work while another window has the focus
# ctl = true                   # `livexpr ctl` reaches the filter

# A key, and any command of `livexpr ctl --help`; an empty one takes the key away.
[keys]
# k = "preset warm"
# "0" = "intensity 0"
# q = ""
# "ctrl+alt+shift+k" = "preset warm"
"""


class ConfigError(LivexprError):
    """The config is not TOML, or has unknown keys or wrong values."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the user has set.

    Attributes
    ----------
    run : Mapping of str to object
        Options of ``livexpr run``, of :data:`RUN_KEYS`, as the command line would have them.
    keys : KeyTable
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    keys: KeyTable = KEYS


def path() -> Path:
    """Return the config's file, which need not exist."""
    return presets.user_dir().parent / "config.toml"


def load() -> Config:
    """Read the config; without a file, all is as usual.

    Raises
    ------
    ConfigError
        If it cannot be read, or something in it is wrong; the message ends with where.
    """
    file = path()
    if not file.exists():
        return Config()
    return parse(read_text(file, MAX_BYTES, "config", ConfigError), str(file))


def parse(text: str, source: str) -> Config:
    """Read a config from TOML.

    Parameters
    ----------
    text : str
        The TOML.
    source : str
        Its file, for messages.

    Raises
    ------
    ConfigError
        As :func:`load`.

    Examples
    --------
    >>> parse('[keys]\\nk = "preset warm"', "config.toml").keys.command_for("k").value
    'warm'
    """
    file = TomlFile(text, source, ConfigError)
    file.check_keys(file.content, ("run", "keys"), (), what="table")
    chosen = file.table("run")
    file.check_keys(chosen, RUN_KEYS, ("run",))
    return Config(
        {key: _run_value(file, key, value) for key, value in chosen.items()},
        KEYS.bound(_bindings(file)),
    )


def of(context: typer.Context) -> Config:
    """Return the config that a command was started with."""
    found = context.find_object(Config)
    return Config() if found is None else found


def is_from_config(context: typer.Context, option: str) -> bool:
    """Whether an option was not given on the command line, but in the config."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "DEFAULT_MAP"


def _run_value(file: TomlFile, key: str, value: object) -> object:
    where = ("run", key)
    if key in _SWITCHES:
        return file.switch(value, where)
    if key == "fps":
        return file.number(value, options.FPS_RANGE, where)
    if key == "output":
        texts = [file.text(one, where) for one in (value if isinstance(value, list) else [value])]
        _check(file, lambda _: options.outputs_from(texts), "", where)
        return texts
    text = file.text(value, where)
    _check(file, _TEXTS[key], text, where)
    return text


def _check(file: TomlFile, check: _Check, text: str, where: tuple[str, ...]) -> None:
    try:
        check(text)
    except (typer.BadParameter, PresetError) as error:
        file.refuse(str(error), where)


def _bindings(file: TomlFile) -> dict[str, str]:
    written = file.table("keys")
    if len(written) > MOST_BINDINGS:
        file.refuse(f"expected at most {MOST_BINDINGS} keys, got {len(written)}", ("keys",))
    bindings: dict[str, str] = {}
    for key, value in written.items():
        line = file.text(value, ("keys", key))
        try:
            name = normal_name(key)
            if line:
                parse_line(line)
        except ValueError as error:
            file.refuse(f"{key!r} is no key: {error}", ("keys", key))
        except CommandError as error:
            file.refuse(str(error), ("keys", key))
        if name in bindings:
            file.refuse(f"{key!r} is bound twice", ("keys", key))
        bindings[name] = line
    return bindings
