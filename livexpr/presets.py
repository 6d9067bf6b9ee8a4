"""Presets: find, load, validate, save. Shipped ones, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path

from livexpr import preset_schema
from livexpr.errors import PresetError
from livexpr.ordinary_files import expanded, size_of
from livexpr.preset_file import (
    AMOUNT_RANGE,
    DAMPING_RANGE,
    MAP_SUFFIX,
    MAX_BYTES,
    Feel,
    Preset,
    RegionWeights,
    changed_text,
    is_map_file,
    preset_text,
    read_preset,
)
from livexpr.toml_file import range_text, read_text
from livexpr.whole_file import write_whole
from livexpr.wording import offer

__all__ = [
    "AMOUNT_RANGE", "Feel", "Preset", "RegionWeights", "available", "builtin_dir", "expressions",
    "find", "from_expressions", "from_map_file", "known_maps", "load", "map_path", "parse",
    "save", "shipped_maps", "split_expression", "user_dir",
]  # fmt: skip

SUFFIX = ".toml"


def builtin_dir() -> Path:
    """Return the folder of the shipped presets: in the package, or beside it in a checkout."""
    package = Path(str(resources.files("livexpr")))
    inside = package / "_presets"
    return inside if inside.is_dir() else package.parent / "presets"


def user_dir() -> Path:
    """Return the folder of the user's own presets, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("livexpr", appauthor=False) / "presets"


def expressions() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    return sorted(_stems(builtin_dir(), SUFFIX))


def available() -> list[str]:
    """Return the names of all presets, shipped and the user's own, sorted."""
    return sorted({*expressions(), *_stems(user_dir(), SUFFIX)})


def known_maps() -> list[str]:
    """Return the names of all maps, shipped and the user's own, sorted."""
    return sorted({name for folder in _map_dirs() for name in _stems(folder, MAP_SUFFIX)})


def shipped_maps() -> list[str]:
    """Return the names of the shipped maps, sorted."""
    return sorted(_stems(builtin_dir() / "maps", MAP_SUFFIX))


def map_path(map_name: str) -> Path:
    """Return the file of a map: a shipped one, the user's own in ``maps`` of its folder, or any.

    Parameters
    ----------
    map_name : str
        A name of :func:`known_maps`, or a path that ends in ``.safetensors``.

    Raises
    ------
    PresetError
        If there is none; its message offers the nearest names.
    """
    if is_map_file(map_name):
        return _readable(expanded(map_name), "map")
    if map_name in known_maps():
        for folder in _map_dirs():
            if (path := folder / f"{map_name}{MAP_SUFFIX}").is_file():
                return path
    raise PresetError(f"there is no map {map_name!r}: {offer(map_name, known_maps())}")


def find(name_or_path: str) -> Path:
    """Return the file of a preset. One of the user's own goes before a shipped one.

    Parameters
    ----------
    name_or_path : str
        A name of :func:`available`, or a path that ends in ``.toml``.

    Raises
    ------
    PresetError
        If there is none; its message offers the nearest names.
    """
    if _is_path(name_or_path):
        return _readable(expanded(name_or_path), "preset")
    if name_or_path in available():
        for folder in (user_dir(), builtin_dir()):
            if (path := folder / f"{name_or_path}{SUFFIX}").is_file():
                return path
    raise PresetError(
        f"there is no preset {name_or_path!r}: {offer(name_or_path, available())} "
        "(of a file, give the name with its .toml)"
    )


def load(name_or_path: str) -> Preset:
    """Load a preset by its name, which then is what it is called, or from its file.

    Raises
    ------
    PresetError
        If it is unknown, unreadable or wrong; the message ends with where.
    """
    path = find(name_or_path)
    preset = parse(read_text(path, MAX_BYTES, "preset", PresetError), str(path))
    name = preset.name if _is_path(name_or_path) else name_or_path
    return replace(preset, name=name, file=path)


def parse(text: str, source: str) -> Preset:
    """Read a preset from TOML.

    Parameters
    ----------
    text : str
        The TOML.
    source : str
        Where it comes from, for messages; without a ``name`` in it, also the preset's name.

    Raises
    ------
    PresetError
        If it is not TOML, or has unknown keys, wrong types or values out of range.

    Examples
    --------
    >>> parse("[mix]", "plain").mix
    {}
    """
    return read_preset(text, source, known_maps())


def save(preset: Preset, path: str | Path) -> None:
    """Write a preset as TOML, whole or not at all; folders are made as needed.

    A preset that is there already keeps its comments and its order.

    Raises
    ------
    PresetError
        If it could not be read again as it is, or the file cannot be written.
    """
    path = Path(path)
    text = preset_text(preset)
    parse(text, str(path))
    with suppress(PresetError, ValueError):
        before = read_text(path, MAX_BYTES, "preset", PresetError)
        kept = changed_text(preset, before, path.stem)
        if parse(kept, str(path)) == preset:
            text = kept
    try:
        if path.parent == user_dir():
            preset_schema.put_beside(path.parent, known_maps())
            text = text if path.exists() else f"{preset_schema.DIRECTIVE}\n\n{text}"
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        reason = f"{error.strerror or error}; choose another place"
        raise PresetError(f"cannot write the preset {path}: {reason}") from None


def from_expressions(chosen: Sequence[str]) -> Preset:
    """Make a preset from shipped expressions and amounts.

    Parameters
    ----------
    chosen : sequence of str
        Such as ``["happy"]`` or ``["happy=0.5", "neutral"]``; amounts are in [-1, 2], 1 where
        none is given. Regions and feel are those of the first; damping adds up to 1 at most.

    Raises
    ------
    PresetError
        If an expression is unknown, or an amount is no number or out of range.
    """
    if not chosen:
        raise PresetError("no expression given: expected at least one, such as 'happy'")
    mix: dict[str, float] = {}
    damping = 0.0
    parts = []
    for text in chosen:
        name, amount = split_expression(text)
        # The shipped one, even where the user has an own preset of that name.
        preset = replace(load(str(builtin_dir() / f"{name}{SUFFIX}")), name=name)
        parts.append(preset)
        damping += amount * preset.intensity * preset.damping
        for map_name, share in preset.mix.items():
            mix[map_name] = mix.get(map_name, 0.0) + amount * preset.intensity * share
    for map_name, amount in mix.items():
        if not AMOUNT_RANGE[0] <= amount <= AMOUNT_RANGE[1]:
            total = f"the expressions add up to {amount:g} of {map_name!r}"
            raise PresetError(f"{total}: expected {range_text(AMOUNT_RANGE)}")
    description = parts[0].description if len(parts) == 1 else ""
    return replace(
        parts[0],
        name=" + ".join(chosen),
        mix=mix,
        intensity=1.0,
        description=description,
        damping=min(max(damping, DAMPING_RANGE[0]), DAMPING_RANGE[1]),
        file=None,
    )


def from_map_file(path: str | Path) -> Preset:
    """Make a preset of one map from its file.

    Raises
    ------
    PresetError
        If there is no such file, or its name does not end in ``.safetensors``.
    """
    if not is_map_file(str(path)):
        raise PresetError(f"{path} is no map: expected a name that ends in {MAP_SUFFIX}")
    whole = map_path(str(path)).resolve()
    return Preset(whole.stem, {str(whole): 1.0})


def split_expression(text: str) -> tuple[str, float]:
    """Split ``NAME[=AMOUNT]``, and check both.

    Raises
    ------
    PresetError
        If the expression is unknown, or the amount is no number or out of range.

    Examples
    --------
    >>> split_expression("happy=0.5")
    ('happy', 0.5)
    """
    name, equals, number = text.partition("=")
    name = name.strip()
    known = expressions()
    if name not in known:
        raise PresetError(f"there is no expression {name!r}: {offer(name, known)}")
    try:
        amount = float(number) if equals else 1.0
    except ValueError:
        amount = float("nan")
    if not AMOUNT_RANGE[0] <= amount <= AMOUNT_RANGE[1]:
        wrong = f"the amount of {name!r} is {number[:40]!r}"
        raise PresetError(f"{wrong}: expected {range_text(AMOUNT_RANGE)}")
    return name, amount


def _readable(path: Path, what: str) -> Path:
    """Return a path if it is that of an ordinary file; else raise a PresetError."""
    try:
        size_of(path)
        return path
    except FileNotFoundError:
        raise PresetError(f"there is no file {path}: check the {what}'s name") from None
    except OSError as error:
        raise PresetError(f"cannot read the {what} {path}: {error.strerror or error}") from None


def _is_path(name_or_path: str) -> bool:
    return name_or_path.lower().endswith(SUFFIX)


def _stems(folder: Path, suffix: str) -> list[str]:
    files = (path for path in folder.glob(f"*{suffix}") if path.is_file())
    # A name that ends so would be taken for a path.
    return [
        file.stem
        for file in files
        if file.stem.isprintable() and not file.stem.lower().endswith(suffix)
    ]


def _map_dirs() -> tuple[Path, Path]:
    return builtin_dir() / "maps", user_dir() / "maps"
