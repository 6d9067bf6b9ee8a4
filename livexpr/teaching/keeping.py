"""A personal map kept as one of the user's own presets."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path

from livexpr import pixel_map, preset_file, presets
from livexpr.errors import PresetError
from livexpr.pixel_map import PixelMap
from livexpr.preset_file import MAP_SUFFIX, Preset


def check_name(name: str, *, force: bool) -> None:
    """Check that a personal expression may have this name.

    Raises
    ------
    PresetError
        If it is none for a preset, belongs to a shipped map or preset, or is in use already and
        `force` is not given.
    """
    preset_file.check_name(name)
    shipped = {path.stem for path in (presets.builtin_dir() / "maps").glob(f"*{MAP_SUFFIX}")}
    if name.lower() in shipped | set(presets.expressions()):
        raise PresetError(f"{name!r} is shipped with livexpr: choose another name, as my-{name}")
    for path in _files(name):
        if path.exists() and not force:
            raise PresetError(f"there is {path} already: choose another name, or --force")


def is_taken(name: str) -> bool:
    """Whether something of the user's own has that name already."""
    return any(path.exists() for path in _files(name))


def keep(name: str, fitted: PixelMap) -> Path:
    """Write a personal map and its preset into the user's own folder, each whole or not at all.

    Parameters
    ----------
    name : str
        As :func:`check_name` allows it; what has that name already is replaced.
    fitted : PixelMap

    Returns
    -------
    Path
        The preset's file.

    Raises
    ------
    PresetError
        If a file cannot be written.
    FormatError
        If the map is out of range.
    """
    path = _map_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".livexpr-", dir=path.parent) as folder:
            unfinished = Path(folder) / path.name
            pixel_map.save(fitted, unfinished)
            os.replace(unfinished, path)
    except OSError as error:
        raise PresetError(f"cannot write the map {path}: {error.strerror or error}") from None
    towards = fitted.metadata.get("shrunk_towards", "")
    description = f"Your own, taught on {date.today().isoformat()}, shrunk towards {towards}."
    presets.save(Preset(name, {name: 1.0}, description=description), _preset_path(name))
    return _preset_path(name)


def _files(name: str) -> tuple[Path, Path]:
    return _preset_path(name), _map_path(name)


def _preset_path(name: str) -> Path:
    return presets.user_dir() / f"{name}.toml"


def _map_path(name: str) -> Path:
    return presets.user_dir() / "maps" / f"{name}{MAP_SUFFIX}"
