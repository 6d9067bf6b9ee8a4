"""The report's chapters on the family of expressions and on groups of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livexpr.training.evaluation.markdown import number, percent, table


def family_lines(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    """Yield the chapters on the family and on groups of people."""
    family = results["family"]
    yield from (
        "## The family",
        "",
        f"Every shipped expression at intensity 1 on {family['people']} neutral photographs. "
        "*Held out*: made from photographs of these people, and fitted anew without those judged; "
        "*rendered*: made from rendered heads, having seen nobody; *seen*: photographs of those "
        "judged are in it. *Warm* is judged "
        "as happy. Contempt, calm and attentive have no class of their own with these judges, so "
        "only identity and sharpness are told.",
        "",
        f"![The family on average faces and rendered heads]({assets}/family.png)",
        "",
        f"![Recognition and identity distance]({assets}/family.svg)",
        "",
    )
    rows = [
        [
            name,
            row["meant"] or "—",
            row["source"],
            *(percent(row.get(f"{j} recognised")) for j in ("fer", "facex", "both")),
            number(row["identity median"], ".2f"),
            number(row["identity max"], ".2f"),
            number(row["sharpness"], ".2f"),
        ]
        for name, row in family["rows"].items()
    ]
    header = [
        "expression",
        "meant",
        "photographs",
        "fer recognises",
        "facex recognises",
        "both recognise",
    ]
    header += ["identity median", "identity largest", "skin sharpness"]
    yield from table(header, rows)
    yield from _groups(family, assets)


def _groups(family: Mapping[str, Any], assets: str) -> Iterator[str]:
    if not family["groups"]:
        return
    yield from (
        "## Groups of people",
        "",
        "Who is recognised how often, by the people's own statements. The intervals are Wilson's, "
        "95 %, over people; *by chance* is how often groups of these sizes, drawn from all people "
        "alike, differ as much. Of fewer than five people no comparison is made. *Own* is what the "
        "judges make of the people's own expression, with no filter at all. With so few people a "
        "difference of 10 points is often chance: the chance is told beside it.",
        "",
        f"![Recognition by group, with intervals]({assets}/groups.svg)",
        "",
    )
    for kind, found in family["groups"].items():
        names = list(next(iter(found["groups"].values()))["rates"])
        rows = [
            [
                f"{kind}: {group.replace('_', ' ')}",
                str(one["people"]),
                *(_rate(one["rates"][name]) for name in names),
                number(one["identity"], ".2f"),
            ]
            for group, one in found["groups"].items()
        ]
        spreads = [found["spread"].get(name) for name in names]
        points = [f"{s['points']:.0f} ({percent(s['by_chance'])})" if s else "—" for s in spreads]
        rows.append(["worst to best, points (by chance)", "", *points, ""])
        yield from table(["group", "people", *names, "identity"], rows)


def _rate(rate: Mapping[str, float]) -> str:
    low, high = (number(100 * rate[end], ".0f") for end in ("low", "high"))
    return f"{percent(rate['rate'])} ({low} to {high})"
