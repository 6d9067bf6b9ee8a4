"""What was measured on people held out, and the tables of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

PICTURES = ("neutral", "filtered", "real")


@dataclass(frozen=True, slots=True)
class Person:
    """What was measured on one person.

    Attributes
    ----------
    fold : int
        The fold in which this person was held out.
    measures : mapping of str to tuple of three float
        Each measure of the neutral, the filtered and the real picture.
    groups : mapping of str to str
        What ``people.csv`` says: gender, age band, ethnicity.
    """

    fold: int
    measures: Mapping[str, tuple[float, float, float]]
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All people's measures, with tables of them; `skipped` says who is missing, and why."""

    expression: str
    intensity: float
    folds: int
    people: Mapping[str, Person]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def summary(
        self, people: Sequence[str] | None = None
    ) -> dict[str, dict[str, dict[str, float]]]:
        """Return measure -> picture -> mean, median, max over `people` (default: all)."""
        chosen = list(self.people) if people is None else people
        table: dict[str, dict[str, dict[str, float]]] = {}
        for measure in next(iter(self.people.values())).measures:
            values = np.array([self.people[person].measures[measure] for person in chosen])
            table[measure] = {
                picture: {
                    "mean": float(column.mean()),
                    "median": float(np.median(column)),
                    "max": float(column.max()),
                }
                for picture, column in zip(PICTURES, values.T, strict=True)
            }
        return table

    def groups(self) -> dict[str, list[str]]:
        """Return the people of each group, as ``"gender: female"``, groups in order."""
        members: dict[str, list[str]] = {}
        for name, person in self.people.items():
            for kind, value in person.groups.items():
                members.setdefault(f"{kind}: {value}", []).append(name)
        return dict(sorted(members.items()))

    def to_json(self) -> str:
        """Return everything as JSON."""
        people = {
            name: {"fold": person.fold, "groups": dict(person.groups), **person.measures}
            for name, person in self.people.items()
        }
        content = {
            "expression": self.expression,
            "intensity": self.intensity,
            "folds": self.folds,
            "pictures": PICTURES,
            "summary": self.summary(),
            "groups": {
                group: {"people": len(members), **self.summary(members)}
                for group, members in self.groups().items()
            },
            "people": people,
            "skipped": dict(self.skipped),
        }
        return json.dumps(content, indent=1)

    def to_markdown(self) -> str:
        """Return the summary and the groups' means as two Markdown tables."""
        statistics = ("mean", "median", "max")
        title = (
            f"{self.expression} at intensity {self.intensity:g}, "
            f"{len(self.people)} people in {self.folds} folds"
        )
        columns = ["neutral mean", *(f"{p} {s}" for p in PICTURES[1:] for s in statistics)]
        rows = [
            [measure, _number(by["neutral"]["mean"])]
            + [_number(by[picture][s]) for picture in PICTURES[1:] for s in statistics]
            for measure, by in self.summary().items()
        ]
        lines = [title, "", *_table(["measure", *columns], rows), ""]
        measures = list(next(iter(self.people.values())).measures)
        group_rows = []
        for group, members in self.groups().items():
            means = self.summary(members)
            cells = [
                f"{_number(means[m]['filtered']['mean'])} / {_number(means[m]['real']['mean'])}"
                for m in measures
            ]
            group_rows.append([group, str(len(members)), *cells])
        if group_rows:
            lines += ["Means, filtered / real:", ""]
            lines += [*_table(["group", "people", *measures], group_rows), ""]
        lines += [f"Skipped {name}: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines).rstrip() + "\n"


def _number(value: float) -> str:
    return f"{value:.3f}"


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in header[1:])]
    return ["| " + " | ".join(row) + " |" for row in (header, rule, *rows)]
