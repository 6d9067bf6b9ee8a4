"""TOML that people write: read with care, and wrong values refused with file, key and line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from livexpr.errors import LivexprError, PresetError
from livexpr.ordinary_files import read_ordinary
from livexpr.wording import offer

Range = tuple[float, float]

_LONGEST_KEY = 80
_LARGEST_SHOWN = 10**300


def range_text(limits: Range) -> str:
    """Return a range as messages say it.

    >>> range_text((-1.0, 2.0))
    'a number from -1 to 2'
    """
    return f"a number from {limits[0]:g} to {limits[1]:g}"


def read_text(path: Path, max_bytes: int, what: str, error: type[LivexprError]) -> str:
    """Return what is in a file of text; `what` it is to be ("preset") is for messages.

    Raises
    ------
    LivexprError
        Of the kind `error`, if it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return read_ordinary(path, max_bytes).decode("utf-8")
    except UnicodeDecodeError:
        raise error(f"a {what} is text in UTF-8, which this is not, in {path}") from None
    except OSError as problem:
        reason = problem.strerror or problem
        raise error(f"cannot read the {what} {path}: {reason}") from None


class TomlFile:
    """Takes values out of TOML; says where when one is wrong.

    Parameters
    ----------
    text : str
        The TOML.
    source : str
        Its file, for messages.
    error : type
        What is raised.

    Attributes
    ----------
    content : dict of str to object
        Plain values.

    Raises
    ------
    LivexprError
        Of the kind `error`, if it is not TOML.
    """

    def __init__(self, text: str, source: str, error: type[LivexprError] = PresetError) -> None:
        self._text = text
        self._source = source
        self._error = error
        self.content = self._parsed()

    def check_keys(
        self,
        table: Mapping[str, Any],
        known: Sequence[str],
        path: tuple[str, ...],
        *,
        what: str = "key",
    ) -> None:
        """Refuse a key that is not among the known ones."""
        for key in table:
            if key not in known:
                self.refuse(f"unknown {what} {_clipped(key)!r}: {offer(key, known)}", (*path, key))

    def table(self, key: str) -> dict[str, Any]:
        """Return a table of the file; an empty one where there is none."""
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            self.refuse(f"expected a table, [{key}], got {_kind(value)}", (key,))
        return dict(value)

    def text(self, value: object, path: tuple[str, ...]) -> str:
        """Return a text that cannot steer a terminal, in one line, without blanks at its ends."""
        if not isinstance(value, str):
            self.refuse(f"expected a text in quotes, got {_kind(value)}", path)
        return "".join(c if c.isprintable() else " " for c in value).strip()

    def number(self, value: object, limits: Range, path: tuple[str, ...]) -> float:
        """Return a number in a range, ends included."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(f"expected {range_text(limits)}, got {_kind(value)}", path)
        if not limits[0] <= value <= limits[1]:
            self.refuse(f"expected {range_text(limits)}, got {_number_text(value)}", path)
        return float(value)

    def switch(self, value: object, path: tuple[str, ...]) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            self.refuse(f"expected true or false, got {_kind(value)}", path)
        return value

    def refuse(self, reason: str, path: tuple[str, ...]) -> NoReturn:
        """Say what is wrong, and where."""
        line = line_of(self._text, path)
        where = f", line {line}" if line else ""
        shown = ".".join(_clipped(key) for key in path)
        raise self._error(f"{reason} (in {self._source}, {shown}{where})")

    def _parsed(self) -> dict[str, Any]:
        import tomlkit
        from tomlkit.exceptions import ParseError, TOMLKitError

        source = self._source
        try:
            return tomlkit.parse(self._text).unwrap()
        except ParseError as error:
            reason = re.sub(r"\.? at line \d+ col \d+$", "", str(error))
            where = f"in {source}, line {error.line}, column {error.col + 1}"
            raise self._error(f"this is not TOML: {reason}, {where}") from None
        except (TOMLKitError, ValueError) as error:
            raise self._error(f"this is not TOML: {error}, in {source}") from None
        except RecursionError:
            raise self._error(f"this is nested too deep, in {source}") from None


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Find the line of a key, from 1; None where it is written in some unusual way.

    >>> line_of("a = 1\\n[mix]\\nhappy = 1", ("mix", "happy"))
    3
    """
    section: tuple[str, ...] = ()
    # Without regular expressions, which take for ever on some lines.
    for number, line in enumerate(text.split("\n"), 1):
        header, closed, _ = line.strip().lstrip("[").partition("]")
        name, assigned = _assigned(line)
        if line.lstrip().startswith("[") and closed and header:
            section = _keys(header)
            if section[: len(path)] == path:
                return number
        elif assigned:
            key = (*section, *name)
            # The longer of the two may go on: in dots, or in braces on this line.
            shared = min(len(key), len(path))
            if key[:shared] == path[:shared]:
                return number
    return None


def _assigned(line: str) -> tuple[tuple[str, ...], bool]:
    """Return the key that a line gives a value to, and whether it does."""
    line = line.strip()
    if line[:1] in ("'", '"'):  # a quoted key may hold anything
        name, closed, rest = line[1:].partition(line[0])
        if closed and rest.lstrip().startswith("="):
            return (name,), True
    name, equals, _ = line.partition("=")
    if not equals or not name.strip() or "#" in name:
        return (), False
    return _keys(name), True


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _clipped(key: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in key[:_LONGEST_KEY])
    return shown + ("..." if len(key) > _LONGEST_KEY else "")


def _number_text(value: float) -> str:
    """Return a number as messages say it, whole ones of any length too."""
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a number of very many digits"
    return f"{value:g}"


def _kind(value: object) -> str:
    if isinstance(value, (bool, str)):
        return f"{str(value).lower()}" if isinstance(value, bool) else f"the text {value[:40]!r}"
    kinds = {dict: "a table", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "a date or time")
