"""Division of people, not of pictures, into folds and nested samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from livexpr.errors import LivexprError


def ranked(people: Iterable[str]) -> list[str]:
    """Return people in an order that follows from their hashed IDs alone.

    Nothing is drawn at random, and runs of IDs from one session or group are spread.

    Examples
    --------
    >>> ranked(["001", "002", "003"]) == ranked(["003", "001", "002"])
    True
    """
    return sorted(set(people), key=_digest)


def _digest(person: str) -> bytes:
    # Of a file name that is no UTF-8, its bytes.
    return hashlib.sha256(person.encode(errors="surrogateescape")).digest()


def split_people(people: Sequence[str], folds: int) -> list[list[str]]:
    """Divide people into folds whose sizes differ by one at most.

    The order of `people` does not matter; see :func:`ranked`.

    Raises
    ------
    LivexprError
        If there are fewer than two folds, or fewer people than folds.

    Examples
    --------
    >>> [sorted(fold) for fold in split_people(["003", "001", "002"], 2)]
    [['001', '002'], ['003']]
    """
    order = ranked(people)
    if not 2 <= folds <= len(order):
        raise LivexprError(
            f"cannot hold out {len(order)} people in {folds} folds; "
            f"choose 2 to {len(order)} folds, or give more pairs"
        )
    return [order[start::folds] for start in range(folds)]


def all_but(split: Sequence[Sequence[str]], number: int) -> list[str]:
    """Return the people of every fold but that one."""
    return [person for other, fold in enumerate(split) if other != number for person in fold]
