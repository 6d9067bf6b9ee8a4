"""The report's chapters on people, disturbances and unlike faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livexpr.training.evaluation.family_table import RECOGNISED
from livexpr.training.evaluation.fidelity import BEST_PSNR_DB
from livexpr.training.evaluation.markdown import number, percent, table


def curve_lines(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    """Yield the chapter on how many people a fit needs."""
    curve = results["curve"]
    yield from (
        "## How many people",
        "",
        f"The same {curve['people']} people judged, ever more others fitted on; each gives two "
        "images.",
        "",
        f"![Curves over the number of people]({assets}/curve.svg)",
        "",
    )
    rows = [
        [
            f"{name}, {size}",
            percent(row.get(RECOGNISED)),
            number(row.get("rest psnr"), ".2f"),
            number(row.get("identity"), ".3f"),
            number(row.get("sharpness"), ".2f"),
        ]
        for name, found in curve["rows"].items()
        for size, row in zip(curve["sizes"], found, strict=True)
    ]
    header = ["method, people", "recognised", "PSNR neutral", "identity mean", "sharpness"]
    yield from table(header, rows)


def robustness_lines(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    """Yield the chapter on what throws methods off."""
    robustness = results["robustness"]
    yield from (
        "## What throws it off",
        "",
        f"{robustness['people']} people held out. Landmarks are shifted (in px of the paper's crop "
        "of 128, where the eyes are 59 apart) or turned; light is made stronger, weaker or "
        "coloured, in linear light. *Equivariance* needs no judge: how near the filtered altered "
        "picture is to the altered filtered one, PSNR in dB; of landmarks, to what the right ones "
        "give.",
        "",
        f"![Recognition and equivariance under each condition]({assets}/robustness.svg)",
        "",
    )
    for family, by_name in robustness["rows"].items():
        labels = [row["label"] for row in next(iter(by_name.values()))]
        rows = [
            [
                name,
                *(
                    f"{percent(row.get(RECOGNISED))}, {number(row.get('identity'), '.2f')}, "
                    f"{_decibels(row.get('equivariance'))}"
                    for row in found
                ),
            ]
            for name, found in by_name.items()
        ]
        yield from (f"{family.capitalize()}: recognised, identity distance, equivariance.", "")
        yield from table(["method", *labels], rows)


def _decibels(value: float | None) -> str:
    """Return the nearness of two pictures, dB; nothing is nearer than the same picture."""
    return "same" if value is not None and value >= BEST_PSNR_DB else number(value, ".0f")


def unlike_lines(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    """Yield the chapter on faces that are no photographs."""
    unlike = results["unlike"]
    of_each = ", ".join(
        f"{source['faces']} of {source['pictures']} {name}"
        for name, source in unlike["sources"].items()
    )
    yield from (
        "## Unlike faces",
        "",
        f"A face large enough is found on {of_each}. *Still change* (root mean square, % of the "
        "range) and *colour change* (distance in a\\*b\\* of CIELAB) are taken on skin away from "
        "mouth, eyes and brows, where a smile changes little. The live filter fades where the head "
        "is turned by 25 to 45°, as many a painted one is; the paper's methods, which know no pose,"
        " do not.",
        "",
    )
    seen = {name: source for name, source in unlike["sources"].items() if source["faces"]}
    rows = [
        [
            f"{name}, {source}",
            percent(row[RECOGNISED]),
            number(row["fer rise"], "+.2f"),
            number(row["facex rise"], "+.2f"),
            number(row["identity median"], ".2f"),
            number(row["sharpness"], ".2f"),
            percent(row["still change"]),
            number(row["colour change"], ".2f"),
            percent(row["lost"]),
        ]
        for source, found in {**seen, "all": unlike}.items()
        for name, row in found["rows"].items()
    ]
    header = ["method, on", "recognised", "fer rises by", "facex rises by", "identity median"]
    header += ["sharpness", "still change", "colour change", "face lost"]
    yield from table(header, rows)
