"""Words that messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def _alternatives(names: list[str]) -> str:
    *first, last = map(repr, names)
    return f"{', '.join(first)} or {last}" if first else last
