"""The report: Markdown from the results alone, the same numbers giving the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from livexpr.training.evaluation.claims import (
    OURS,
    PAPER,
    Claim,
    goals,
    paper_claims,
    with_frame_ms,
)
from livexpr.training.evaluation.markdown import number, percent, table
from livexpr.training.evaluation.method_table import REAL
from livexpr.training.evaluation.report_family import family_lines
from livexpr.training.evaluation.report_trials import curve_lines, robustness_lines, unlike_lines

_SCORES = (("fer score", ".2f"), ("facex score", ".2f"))


def render(results: Mapping[str, Any], assets: str) -> str:
    """Return the report.

    Parameters
    ----------
    results : Mapping
        As :func:`livexpr.training.evaluation.results.load` reads them.
    assets : str
        Folder of plots, sheets and results, relative to the report.
    """
    parts: Sequence[tuple[str, Callable[[Any, str], Iterator[str]]]] = (
        ("methods", _methods),
        ("curve", curve_lines),
        ("robustness", robustness_lines),
        ("unlike", unlike_lines),
        ("family", family_lines),
        ("speed", _speed),
    )
    # What could not be measured, such as faces that nobody gave, is null.
    results = {part: found for part, found in results.items() if found}
    lines = list(_opening(results, assets))
    for part, lines_of in parts:
        if part in results:
            lines += lines_of(results, assets)
    return "\n".join([*lines, *_closing(results)]).rstrip() + "\n"


def _claims(title: str, claims: Sequence[Claim]) -> list[str]:
    rows = [f"| {c.claim} | {c.measured} | **{c.verdict}** |" for c in claims]
    return [f"| {title} | measured | verdict |", "| --- | --- | --- |", *rows, ""]


def _opening(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    about = results.get("about", {})
    yield from (
        "# How well it does",
        "",
        "Written by `livexpr evaluate PAIRS_DIR --report` from the numbers in",
        f"[results.json]({assets}/results.json); no number here was typed by hand.",
        "",
        f"Photographs: {about.get('data', 'pairs of photographs')}, "
        f"{about.get('people', 0)} people, neutral and *{about.get('expression', '')}*. "
        "People are divided into "
        f"{about.get('folds', 0)} folds, and nobody is judged by a map fitted on them. Judges that "
        "had no part in any fitting: the expression classifiers *fer* and *facex*, and dlib's face "
        "embedding. Both classifiers are noisy, so an expression counts as **recognised** if its "
        "class comes first, or is the one that has risen most since the same person's neutral "
        "photograph; *both* judges by their mean probability. The identity distance is that to the "
        "same person's neutral photograph; other people begin at about 0.6.",
        "",
    )
    if skipped := about.get("skipped"):
        yield from (f"{skipped} people could not be judged.", "")
    yield from ("## The paper's claims", "")
    yield from _claims("claim of Akram & Khan (2020)", paper_claims(results))
    if found := goals(results):
        yield from ("## What was to be reached", "")
        yield from _claims("goal", found)


def _methods(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    rows = with_frame_ms(results)
    fidelity = [
        [
            name,
            *(number(row.get(f"{g} psnr"), ".2f") for g in ("own", "rest", "crop")),
            *(number(row.get(f"{g} ssim"), ".3f") for g in ("own", "rest", "crop")),
            *(_thousandths(row.get(f"{g} mse")) for g in ("own", "rest", "crop")),
            number(row.get("shape error"), ".2f"),
        ]
        for name, row in rows.items()
        if name != REAL
    ]
    yield from (
        "## Methods",
        "",
        f"`{PAPER}` and `pixel-kr` are the paper's, on crops aligned by eyes and mouth; `-minmax` "
        "stretches each picture as the authors' program does, `-mesh` aligns by the face mesh "
        "instead, `located` also chooses where each pixel looks, `ours` moves the live mesh. "
        f"`identity` changes nothing, and `{REAL}` is the people's own expression.",
        "",
        f"![The methods on average faces and a plaster cast]({assets}/methods.png)",
        "",
        "Against the same person's real expression, whose photograph differs in more than "
        "expression, so it is compared in three geometries: *own*, each picture unwrapped into "
        "face space by its own mesh (appearance alone); *neutral*, both by the mesh of the neutral "
        "photograph after aligning what expressions do not move (what went where, too); *crop*, "
        "the paper's crop of 128 px by eyes and mouth. MSE in thousandths of the squared "
        "range; shape error in % of the distance of the eyes, landmarks found on the filtered "
        "picture against the real one's.",
        "",
    )
    titles = [f"{m} {g}" for m in ("PSNR", "SSIM", "MSE") for g in ("own", "neutral", "crop")]
    yield from table(["method", *titles, "shape error"], fidelity)
    judged = [
        [
            name,
            *(number(row.get(score), form) for score, form in _SCORES),
            *(percent(row.get(f"{j} recognised")) for j in ("fer", "facex", "both")),
            number(row.get("identity median"), ".2f"),
            number(row.get("identity max"), ".2f"),
            number(row.get("sharpness"), ".2f"),
        ]
        for name, row in rows.items()
    ]
    header = ["method", "fer score", "facex score", "fer recognises", "facex recognises"]
    header += ["both recognise", "identity median", "identity largest", "skin sharpness"]
    yield from table(header, judged)
    peer = rows.get(PAPER, {}).get("frame_ms")
    cost = [
        [
            name,
            number(row.get("parameters"), ",.0f"),
            number(row.get("bytes"), ",.0f"),
            number(row.get("fit_s"), ".2f"),
            number(row.get("frame_ms"), ".2f"),
            _ratio(row.get("frame_ms"), peer),
        ]
        for name, row in rows.items()
        if name != REAL
    ]
    yield from (
        "Seconds and milliseconds depend on the machine (see the end); so do their ratios, less.",
        "Fitting starts from photographs on which the landmarks have been found.",
        "",
    )
    yield from table(
        ["method", "parameters", "bytes", "s to fit", "ms a frame", f"against {PAPER}"], cost
    )


def _thousandths(value: float | None) -> str:
    return number(None if value is None else 1000 * value, ".2f")


def _ratio(value: float | None, peer: float | None) -> str:
    return "—" if not value or not peer else f"{value / peer:.2f} x"


def _speed(results: Mapping[str, Any], assets: str) -> Iterator[str]:
    speed = results["speed"]
    star = speed.get("stargan")
    ours, paper = (speed["frame_ms"].get(name) for name in (OURS, PAPER))
    yield from ("## Against a network", "")
    rows = [
        [name, "1280x720 frame", number(value, ".2f"), _ratio(value, ours)]
        for name, value in ((OURS, ours), (PAPER, paper))
    ]
    if star and star.get("ms") is not None:
        rows.append(
            ["StarGAN's generator", "128x128 picture", number(star["ms"], ".0f"),
             _ratio(star["ms"], ours)]
        )  # fmt: skip
    else:
        rows.append(["StarGAN's generator", "128x128 picture", "PyTorch not installed", "—"])
    yield from (
        "Milliseconds, without finding the face, which all need. The generator (Choi et al. 2018, "
        f"{star['parameters'] if star else 0:,} parameters) has random weights, which take as long "
        "as trained ones.",
        "",
    )
    yield from table(["what", "on", "ms", f"against {OURS}"], rows)


def _closing(results: Mapping[str, Any]) -> Iterator[str]:
    machine, about = results.get("machine", {}), results.get("about", {})
    yield from (
        "## What the numbers do not say",
        "",
        "- One studio, one light, one pose: a live camera is harder, and is judged by eye.",
        "- The classifiers were trained on other people's ideas of expressions; what they call "
        "angry need not be what a person calls angry.",
        "- Distances of an embedding are no judgement of a friend.",
        "",
    )
    if about.get("attribution"):
        yield from (
            f"Photographs, of which the sheets show averages, altered: {about['attribution']}.",
            "",
        )
    if about.get("heads"):
        yield from (
            "Rendered heads and casts: ICT-FaceKit (USC Institute for Creative Technologies, MIT).",
            "",
        )
    if machine:
        yield f"Times are of this machine: {', '.join(f'{k} {v}' for k, v in machine.items())}."
