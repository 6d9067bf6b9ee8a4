"""Presets on their way to other people: one file, with the maps they need.

A preset that needs no map of the user's own is its TOML. Else it is a zip of ``preset.toml`` and
``maps/NAME.safetensors``, nothing compressed; what comes in is checked whole before it is kept.
"""

from __future__ import annotations

import io
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from livexpr import presets
from livexpr.errors import FormatError, PresetError
from livexpr.map_file import MAX_BYTES as MAX_MAP_BYTES
from livexpr.ordinary_files import read_ordinary
from livexpr.preset_file import (
    MAP_SUFFIX,
    MAX_BYTES,
    MAX_MAPS,
    Preset,
    changed_text,
    check_name,
    is_map_file,
    namesake,
    preset_text,
    read_preset,
)
from livexpr.preset_schema import DIRECTIVE
from livexpr.toml_file import read_text
from livexpr.whole_file import write_whole

_PRESET = "preset.toml"
_MAP = re.compile(r"maps/([A-Za-z0-9_-]{1,60})\.safetensors")
_MAX_FILE_BYTES = MAX_BYTES + MAX_MAPS * (MAX_MAP_BYTES + 1000)
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error),
    *(ValueError, NotImplementedError, RuntimeError, EOFError, OverflowError, OSError, KeyError),
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A preset with the maps it brings along.

    Attributes
    ----------
    text : str
        The preset, as TOML.
    maps : Mapping of str to bytes
        Names and whole files.
    """

    text: str
    maps: Mapping[str, bytes]


def packed(name: str) -> Bundle:
    """Return a preset with those of its maps that are the user's own.

    Raises
    ------
    PresetError
        If it is unknown or wrong, or a map cannot be read.
    """
    preset = presets.load(name)
    assert preset.file is not None
    maps: dict[str, bytes] = {}
    mix: dict[str, float] = {}
    for map_name, amount in preset.mix.items():
        path = presets.map_path(map_name)
        if not is_map_file(map_name) and map_name in presets.shipped_maps():
            mix[map_name] = amount
            continue
        kept = check_name(path.stem)
        if namesake(kept, [*mix, *presets.shipped_maps()]):
            raise PresetError(f"two maps are called {kept!r}: give {path} another name")
        mix[kept] = amount
        try:
            maps[kept] = read_ordinary(path, MAX_MAP_BYTES)
        except OSError as error:
            reason = error.strerror or error
            raise PresetError(f"cannot read the map {path}: {reason}") from None
    text = read_text(preset.file, MAX_BYTES, "preset", PresetError)
    text = text.removeprefix(f"{DIRECTIVE}\n").lstrip("\n")
    return Bundle(_with_mix(preset, mix, text), maps)


def bundle_bytes(bundle: Bundle) -> bytes:
    """Return what the file of a bundle holds; the same bundle gives the same bytes."""
    if not bundle.maps:
        return bundle.text.encode("utf-8")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(_PRESET, _FIRST_DATE), bundle.text.encode("utf-8"))
        for name, content in sorted(bundle.maps.items()):
            archive.writestr(zipfile.ZipInfo(f"maps/{name}{MAP_SUFFIX}", _FIRST_DATE), content)
    return written.getvalue()


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's file, as somebody sent it.

    Raises
    ------
    PresetError
        If it is neither TOML nor such a zip, or anything in it is not as it has to be.
    """
    try:
        content = read_ordinary(path, _MAX_FILE_BYTES)
    except OSError as error:
        raise PresetError(f"cannot read {path}: {error.strerror or error}") from None
    if not content.startswith(b"PK"):
        return Bundle(read_text(path, MAX_BYTES, "preset", PresetError), {})
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = _parts(archive)
    except _UNREADABLE as error:
        raise PresetError(f"{path} is no bundle of a preset: {error}") from None
    maps = {_MAP.fullmatch(name)[1]: part for name, part in parts.items() if name != _PRESET}  # type: ignore[index]
    try:
        text = parts[_PRESET].decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        raise PresetError(f"{path} is no bundle: it has no {_PRESET} in UTF-8") from None
    _check_maps(maps, path)
    return Bundle(text, maps)


def keep(bundle: Bundle, name: str, source: str) -> Path:
    """Make a bundle one of the user's own presets; maps that are there already are shared.

    Parameters
    ----------
    bundle : Bundle
    name : str
        For the preset; it must be free.
    source : str
        Where it comes from, for messages.

    Returns
    -------
    Path
        The preset's file.

    Raises
    ------
    PresetError
        If the preset is wrong, needs what is not there, or cannot be written.
    """
    check_name(name)
    if taken := namesake(name, presets.available()):
        raise PresetError(f"there is a preset {taken!r} already: choose another by --name")
    preset = read_preset(bundle.text, source, {*presets.known_maps(), *bundle.maps})
    if files := [map_name for map_name in preset.mix if is_map_file(map_name)]:
        raise PresetError(f"{source} names a map by its file, {files[0]!r}, which is not in it")
    try:
        mix = _keep_maps(preset, bundle)
        path = presets.user_dir() / f"{name}{presets.SUFFIX}"
        text = _with_mix(preset, mix, bundle.text)
        if not text.startswith("#:schema"):
            text = f"{DIRECTIVE}\n\n{text}"
        write_whole(path, text.encode("utf-8"))
        # Once more, for the schema beside it, and to be sure that it can be read.
        presets.save(replace(presets.load(str(path)), name=name), path)
    except OSError as error:
        raise PresetError(f"cannot keep {source}: {error.strerror or error}") from None
    return path


def _keep_maps(preset: Preset, bundle: Bundle) -> dict[str, float]:
    """Write the maps that are needed, and return the mix by the names that they have now."""
    mix: dict[str, float] = {}
    for name, amount in preset.mix.items():
        content = bundle.maps.get(name)
        kept = name if content is None else _free_map_name(name, content)
        mix[kept] = amount
        if content is not None:
            write_whole(presets.user_dir() / "maps" / f"{kept}{MAP_SUFFIX}", content)
    return mix


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    entries = archive.infolist()
    if len(entries) > MAX_MAPS + 1:
        raise ValueError(f"it has {len(entries)} parts, expected at most {MAX_MAPS + 1}")
    for entry in entries:
        name = entry.filename
        if name != _PRESET and not _MAP.fullmatch(name):
            raise ValueError(f"{name[:80]!r} has no business in it")
        most = MAX_BYTES if name == _PRESET else MAX_MAP_BYTES
        twice = namesake(name, parts)
        if twice or entry.flag_bits & 1 or entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name!r} is there twice, compressed or encrypted")
        if entry.file_size > most:
            raise ValueError(f"{name!r} has {entry.file_size} bytes, expected at most {most}")
        parts[name] = archive.read(entry)
    return parts


def _check_maps(maps: Mapping[str, bytes], source: Path) -> None:
    from livexpr import maps as map_loading

    with tempfile.TemporaryDirectory(prefix="livexpr-") as folder:
        for name, content in maps.items():
            file = Path(folder) / f"{name}{MAP_SUFFIX}"
            file.write_bytes(content)
            try:
                map_loading.load(file)
            except FormatError as error:
                reason = str(error).replace(str(file), name)
                raise PresetError(f"a map in {source} is broken: {reason}") from None


def _free_map_name(name: str, content: bytes) -> str:
    """Return a name that no other map has; that of the very same map, if the user has it."""
    number, free, known = 1, name, presets.known_maps()
    while taken := namesake(free, known):
        if presets.map_path(taken).read_bytes() == content:
            return taken
        number += 1
        free = f"{name[:50]}-{number}"
    return free


def _with_mix(preset: Preset, mix: Mapping[str, float], text: str) -> str:
    if mix == preset.mix:
        return text
    changed = replace(preset, mix=mix)
    try:
        return changed_text(changed, text, preset.name)
    except ValueError:
        return preset_text(changed)
