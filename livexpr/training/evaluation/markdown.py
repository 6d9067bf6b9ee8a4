"""Markdown of tables and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table, its first column to the left, and an empty line."""
    rule = ["---", *("---:" for _ in header[1:])]
    return [*("| " + " | ".join(line) + " |" for line in (header, rule, *rows)), ""]


def number(value: float | None, form: str = ".3f") -> str:
    """Return a number for a table, a dash where there is none.

    Examples
    --------
    >>> number(0.12345), number(None), number(12345.6, ",.0f")
    ('0.123', '—', '12,346')
    """
    return "—" if value is None or not math.isfinite(value) else format(value, form)


def percent(value: float | None) -> str:
    """Return a rate in [0, 1] as whole percent, a dash where there is none."""
    return number(None if value is None else 100 * value, ".0f") + ("" if value is None else " %")
