"""The one file of numbers that the report, its plots and its verdicts are made from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from livexpr.errors import FormatError, LivexprError

Results: TypeAlias = dict[str, Any]
"""Part -> what was measured in it; a part that was not measured is missing."""

FORMAT = 1
_SIGNIFICANT_DIGITS = 6


def to_json(results: Mapping[str, Any]) -> str:
    """Return results as JSON, numbers to six digits, what could not be measured as null.

    Examples
    --------
    >>> print(to_json({"speed": {"ms": 1.23456789, "peer": float("nan")}}))
    {
     "format": 1,
     "speed": {
      "ms": 1.23457,
      "peer": null
     }
    }
    <BLANKLINE>
    """
    return json.dumps(plain({"format": FORMAT, **results}), indent=1, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return a value as it is in JSON, numbers to six digits, what is not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    return value


def load(path: Path) -> Results:
    """Read results.

    Raises
    ------
    LivexprError
        If there is no such file, or it cannot be read.
    FormatError
        If it is no file of results, or one of another version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LivexprError(
            f"there are no results in {path} ({error.strerror}); measure first: "
            "livexpr evaluate PAIRS_DIR --report REPORT"
        ) from error
    try:
        content = json.loads(text)
    except ValueError as error:
        raise FormatError(f"{path} is no JSON: {error}; measure anew") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FormatError(f"{path} holds no results of format {FORMAT}; measure anew")
    return content


def save(results: Mapping[str, Any], path: Path) -> None:
    """Write results, and the folder that they are in.

    Raises
    ------
    LivexprError
        If they cannot be written.
    """
    write(path, to_json(results).encode())


def make_folder(path: Path) -> None:
    """Make a folder that is to be written to.

    Raises
    ------
    LivexprError
        If it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LivexprError(f"cannot make the folder {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK):
        raise LivexprError(f"cannot write into {path}: Permission denied")


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folder that it is in.

    Raises
    ------
    LivexprError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise LivexprError(f"cannot write {path}: {error.strerror}") from error
