"""Groups of people, and how much of a difference between them is more than chance."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import LivexprError

KINDS = ("gender", "age", "ethnicity")
NOT_STATED = "not stated"
_AGE_BANDS = ((25, "under 25"), (35, "25 to 34"))
_OLDEST_BAND = "35 and over"
# Of fewer people, a rate says next to nothing: such groups are listed, not compared.
LEAST_PEOPLE = 5
# The 97.5 % point of the normal distribution, for intervals of 95 %.
_Z = 1.959964
_SHUFFLES = 2000


def read_groups(pairs_dir: Path) -> dict[str, dict[str, str]]:
    """Return person -> gender, age band and ethnicity from ``people.csv``; empty without it.

    Raises
    ------
    LivexprError
        If it is no such table, or cannot be read.
    """
    path = pairs_dir / "people.csv"
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets begin it with a mark
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise LivexprError(f"{path} is not UTF-8: save it as CSV in UTF-8") from None
    except OSError as error:
        raise LivexprError(f"cannot read {path}: {error.strerror}") from error
    table = csv.DictReader(text.splitlines())
    if "id" not in (table.fieldnames or ()):
        raise LivexprError(
            f"{path}: expected the columns id, gender, age and ethnicity, found "
            f"{', '.join(table.fieldnames or ()) or 'none'}"
        )
    groups = {}
    for row in table:
        found = {"gender": row.get("gender"), "age": None, "ethnicity": row.get("ethnicity")}
        age = row.get("age") or ""
        if age.isdigit():
            bands = (band for limit, band in _AGE_BANDS if int(age) < limit)
            found["age"] = next(bands, _OLDEST_BAND)
        groups[row.get("id") or ""] = {kind: value or NOT_STATED for kind, value in found.items()}
    return groups


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate, both ends in [0, 1].

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference,
    doi 10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    if not n:
        return 0.0, 1.0
    rate, z2 = successes / n, _Z * _Z
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True, slots=True)
class Spread:
    """The best and the worst of the groups of one kind.

    Attributes
    ----------
    best, worst : str
    points : float
        By how much their rates differ, percentage points.
    by_chance : float
        How often groups of these sizes, drawn from all people alike, differ as much or more;
        in (0, 1].
    """

    best: str
    worst: str
    points: float
    by_chance: float


def spread(rates: Mapping[str, float], group_of: Mapping[str, str], seed: int = 0) -> Spread | None:
    """Compare the groups of one kind that have :data:`LEAST_PEOPLE` or more.

    Parameters
    ----------
    rates : Mapping of str to float
        Person -> how often recognised, in [0, 1].
    group_of : Mapping of str to str
        Person -> group; people without one, or whose group is not stated, do not count.

    Returns
    -------
    Spread or None
        None if fewer than two groups are large enough.
    """
    people = sorted(p for p in rates if group_of.get(p, NOT_STATED) != NOT_STATED)
    names = sorted({group_of[p] for p in people})
    member = np.array([names.index(group_of[p]) for p in people], np.intp)
    sizes = np.bincount(member, minlength=len(names))
    large = [k for k, size in enumerate(sizes) if size >= LEAST_PEOPLE]
    if len(large) < 2:
        return None
    values = np.array([rates[p] for p in people])
    means = _means(values, member, large)
    difference = float(means.max() - means.min())
    rng = np.random.default_rng(seed)
    as_much = 0
    for _ in range(_SHUFFLES):
        shuffled = _means(rng.permutation(values), member, large)
        as_much += bool(shuffled.max() - shuffled.min() >= difference - 1e-12)
    return Spread(
        best=names[large[int(means.argmax())]],
        worst=names[large[int(means.argmin())]],
        points=100 * difference,
        by_chance=(as_much + 1) / (_SHUFFLES + 1),
    )


def _means(
    values: NDArray[np.float64], member: NDArray[np.intp], groups: Sequence[int]
) -> NDArray[np.float64]:
    return np.array([values[member == group].mean() for group in groups])
