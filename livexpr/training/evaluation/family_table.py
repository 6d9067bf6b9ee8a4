"""Every shipped expression on everybody's neutral photograph, and the same by groups of people."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from livexpr.maps import Map
from livexpr.training.evaluation.contenders import Image, trial
from livexpr.training.evaluation.cross_validation import all_but, split_people
from livexpr.training.evaluation.groups import (
    KINDS,
    LEAST_PEOPLE,
    NOT_STATED,
    spread,
    wilson_interval,
)
from livexpr.training.evaluation.measures import BOTH, Measures
from livexpr.training.evaluation.method_table import row
from livexpr.training.evaluation.portraits import Judge, Portraits
from livexpr.types import FaceTrack

MEANT: Mapping[str, str | None] = {
    "happy": "happy",
    "warm": "happy",
    "sad": "sad",
    "angry": "angry",
    "surprised": "surprised",
    "disgusted": "disgusted",
    "fearful": "fearful",
    "contempt": None,
    "calm": None,
    "attentive": None,
}
"""Preset -> the class by which it is judged; None where the classifiers know none."""

RECOGNISED = f"{BOTH} recognised"

Source: TypeAlias = Literal["rendered", "held out", "seen"]
HELD_OUT: Source = "held out"


@dataclass(frozen=True, slots=True)
class Member:
    """One expression of the family.

    Attributes
    ----------
    name : str
    meant : str or None
        As the classifiers name it.
    source : str
        ``rendered``: photographs of the people it is judged on had no part in it. ``held out``:
        it is fitted anew for each fold, without those judged. ``seen``: they had a part in it.
    apply : callable
        Filters a picture with the face found on it, by the maps made for it.
    """

    name: str
    meant: str | None
    source: Source
    apply: Callable[[Image, FaceTrack, Mapping[str, Map]], Image]


def judge_family(
    portraits: Portraits,
    members: Sequence[Member],
    refit: Callable[[Collection[str]], Mapping[str, Map]],
    judge: Judge,
    groups: Mapping[str, Mapping[str, str]],
    own: Mapping[str, Mapping[str, Measures]],
    *,
    folds: int = 5,
    on_progress: Callable[[str], None] = lambda done: None,
) -> dict[str, Any]:
    """Judge every expression of the family at intensity 1.

    Parameters
    ----------
    portraits : Portraits
        Looked at.
    members : sequence of Member
    refit : callable
        Makes the maps that photographs of these people are in, from some of the people only.
    judge : callable
    groups : Mapping
        Person -> kind -> group.
    own : Mapping
        Expression -> person -> measures of the person's own expression, so that groups of people
        can be compared with what the judges make of them without any filter.
    folds : int
    on_progress : callable

    Returns
    -------
    dict
        ``people``, ``rows`` (member -> row, with ``meant`` and ``source``) and ``groups`` (see
        :func:`by_groups`).
    """
    split = split_people(portraits.people, folds)
    taken: dict[str, dict[str, Measures]] = {member.name: {} for member in members}
    for number, held_out in enumerate(split):
        fitted = refit(all_but(split, number)) if any(m.source == HELD_OUT for m in members) else {}
        for person, neutral in portraits.chosen(held_out):
            for member in members:
                maps = fitted if member.source == HELD_OUT else {}
                filtered = member.apply(neutral.pixels, neutral.track, maps)
                taken[member.name][person] = trial(neutral, filtered, judge, member.meant)
                on_progress(f"{member.name}, {person}")
    judged = {m.name: taken[m.name] for m in members if m.meant is not None}
    return {
        "people": len(portraits.people),
        "rows": {
            m.name: {**row(list(taken[m.name].values())), "meant": m.meant, "source": m.source}
            for m in members
        },
        "groups": by_groups(judged, groups, own),
    }


def by_groups(
    taken: Mapping[str, Mapping[str, Measures]],
    groups: Mapping[str, Mapping[str, str]],
    own: Mapping[str, Mapping[str, Measures]],
) -> dict[str, Any]:
    """Compare groups of people.

    Parameters
    ----------
    taken : Mapping
        Expression -> person -> measures.
    groups : Mapping
        Person -> kind -> group.
    own : Mapping
        As `taken`, of the people's own expressions.

    Returns
    -------
    dict
        kind -> ``groups`` (group -> ``people``, ``compared``, ``identity`` and ``rates``: for every
        expression, for ``all`` of `taken` and for ``own EXPRESSION`` the ``rate`` of being
        recognised, with ``low`` and ``high`` of its 95 % interval) and ``spread`` (of the same
        -> :class:`livexpr.training.evaluation.groups.Spread`, or null).
    """
    people = sorted({person for by_person in taken.values() for person in by_person})
    rates = {name: _recognised(by_person) for name, by_person in taken.items()}
    rates["all"] = {p: float(np.mean([r[p] for r in rates.values() if p in r])) for p in people}
    rates |= {f"own {name}": _recognised(by_person) for name, by_person in own.items()}
    kinds = {}
    for kind in KINDS:
        group_of = {p: groups.get(p, {}).get(kind, NOT_STATED) for p in people}
        members = {
            group: [p for p in people if group_of[p] == group]
            for group in sorted(set(group_of.values()) - {NOT_STATED})
        }
        if not members:
            continue
        spreads = {name: spread(rate, group_of) for name, rate in rates.items()}
        kinds[kind] = {
            "groups": {
                group: {
                    "people": len(chosen),
                    "compared": len(chosen) >= LEAST_PEOPLE,
                    "identity": _identity(taken, chosen),
                    "rates": {name: _rate(rate, chosen) for name, rate in rates.items()},
                }
                for group, chosen in members.items()
            },
            "spread": {name: asdict(s) if s else None for name, s in spreads.items()},
        }
    return kinds


def _recognised(by_person: Mapping[str, Measures]) -> dict[str, float]:
    return {person: measured[RECOGNISED] for person, measured in by_person.items()}


def _identity(taken: Mapping[str, Mapping[str, Measures]], people: Sequence[str]) -> float:
    """Return the median identity distance over all expressions of some people."""
    values = np.array([by[p]["identity"] for by in taken.values() for p in people if p in by])
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else math.nan


def _rate(rates: Mapping[str, float], people: Sequence[str]) -> dict[str, float]:
    """Return a group's rate and its interval; of means over expressions, too wide an interval."""
    chosen = [rates[p] for p in people if p in rates]
    rate = float(np.mean(chosen)) if chosen else math.nan
    low, high = wilson_interval(round(sum(chosen)), len(chosen))
    return {"rate": rate, "low": low, "high": high}
