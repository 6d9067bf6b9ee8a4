"""The report's plots: small SVG files, the same numbers giving the same bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

from livexpr.errors import LivexprError
from livexpr.training.evaluation.family_table import RECOGNISED
from livexpr.training.evaluation.fidelity import BEST_PSNR_DB

INSTALL = "pip install matplotlib"
_STYLE = {
    "svg.hashsalt": "livexpr",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}
_FAMILIES = {
    "shift": "landmarks shifted, px of 128",
    "angle": "landmarks turned, °",
    "exposure": "exposure, stops",
    "cast": "light of another colour",
}


def draw_plots(results: Mapping[str, Any]) -> dict[str, bytes]:
    """Return file name -> SVG for every part that was measured.

    Raises
    ------
    LivexprError
        Without matplotlib.
    """
    drawers: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
        "curve.svg": ("curve", _curve),
        "robustness.svg": ("robustness", _robustness),
        "family.svg": ("family", _family),
        "groups.svg": ("family", _groups),
    }
    plt = require_matplotlib()
    drawn = {}
    for name, (part, draw) in drawers.items():
        if results.get(part):
            with plt.rc_context(_STYLE):
                figure = draw(plt, results[part])
                file = BytesIO()
                figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "livexpr"})
                plt.close(figure)
            # Matplotlib ends some lines with a blank.
            lines = [line.rstrip() for line in file.getvalue().decode().splitlines()]
            drawn[name] = ("\n".join(lines) + "\n").encode()
    return drawn


def require_matplotlib() -> Any:
    """Return Matplotlib's ``pyplot``, which draws into memory only.

    Raises
    ------
    LivexprError
        Without matplotlib.
    """
    try:
        matplotlib: Any = importlib.import_module("matplotlib")
    except ImportError as error:
        raise LivexprError(
            f"the report's plots need matplotlib, which is missing; run: {INSTALL}"
        ) from error
    matplotlib.use("Agg")
    return importlib.import_module("matplotlib.pyplot")


def _percent(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else 100 * value for value in values]


def _curve(plt: Any, curve: Mapping[str, Any]) -> Any:
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    panels = (
        (RECOGNISED, "recognised, %", 100),
        ("rest psnr", "PSNR, neutral's mesh, dB", 1),
        ("identity", "identity distance, mean", 1),
    )
    for axis, (measure, title, unit) in zip(axes, panels, strict=True):
        for name, rows in curve["rows"].items():
            values = [p / 100 * unit for p in _percent([row.get(measure) for row in rows])]
            axis.plot(curve["sizes"], values, marker="o", markersize=3, label=name)
        axis.set(title=title, xlabel="people fitted on", xticks=curve["sizes"])
    axes[0].set_ylim(0, 103)
    axes[0].legend()
    return figure


def _robustness(plt: Any, robustness: Mapping[str, Any]) -> Any:
    families = robustness["rows"]
    figure, axes = plt.subplots(
        2, len(families), figsize=(9, 4.2), sharey="row", squeeze=False, layout="constrained"
    )
    for column, (family, by_name) in enumerate(families.items()):
        for name, rows in by_name.items():
            labels = [row["label"] for row in rows]
            recognised = _percent([row.get(RECOGNISED) for row in rows])
            # What changes nothing is infinitely near; left out.
            near = [row.get("equivariance") for row in rows]
            near = [v if v is not None and v < BEST_PSNR_DB else float("nan") for v in near]
            # Colours have no order in which a line could join them.
            style = {"linestyle": "" if family == "cast" else "-", "marker": "o", "markersize": 3}
            axes[0][column].plot(labels, recognised, label=name, **style)
            axes[1][column].plot(labels, near, **style)
        axes[0][column].set_title(_FAMILIES.get(family, family), fontsize=9)
        axes[0][column].set_ylim(0, 103)
    axes[0][0].set_ylabel("recognised, %")
    axes[1][0].set_ylabel("equivariance, dB")
    axes[0][0].legend(fontsize=7)
    return figure


def _family(plt: Any, family: Mapping[str, Any]) -> Any:
    rows = family["rows"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    judged = {name: row for name, row in rows.items() if row["meant"]}
    width = 0.27
    for k, measure in enumerate(("fer recognised", "facex recognised", RECOGNISED)):
        places = [place + (k - 1) * width for place in range(len(judged))]
        heights = _percent([row[measure] for row in judged.values()])
        left.bar(places, heights, width, label=measure.removesuffix(" recognised"))
    left.set(title="recognised as meant, %", ylim=(0, 122), xticks=range(len(judged)))
    left.set_xticklabels(judged, rotation=40, ha="right")
    left.legend(fontsize=7, loc="upper center", ncols=3)
    medians = [row["identity median"] for row in rows.values()]
    largest = [row["identity max"] for row in rows.values()]
    right.bar(range(len(rows)), medians, 0.6, label="median")
    right.plot(range(len(rows)), largest, "k_", markersize=10, label="largest")
    right.axhline(0.6, color="0.5", linestyle=":", linewidth=1)
    right.text(len(rows) - 0.5, 0.605, "other people", ha="right", va="bottom", fontsize=7)
    right.set(
        title="identity distance to one's own neutral", xticks=range(len(rows)), ylim=(0, 0.72)
    )
    right.set_xticklabels(rows, rotation=40, ha="right")
    right.legend(fontsize=7, loc="upper left", ncols=2)
    return figure


def _groups(plt: Any, family: Mapping[str, Any]) -> Any:
    labels, rates, below, above = [], [], [], []
    for kind, table in family["groups"].items():
        for group, found in table["groups"].items():
            rate = found["rates"]["all"]
            labels.append(f"{kind}: {group} ({found['people']})")
            rates.append(100 * rate["rate"])
            below.append(100 * max(rate["rate"] - rate["low"], 0))
            above.append(100 * max(rate["high"] - rate["rate"], 0))
    height = 0.5 + 0.22 * max(len(labels), 1)
    figure, axis = plt.subplots(figsize=(7, height), layout="constrained")
    places = range(len(labels))
    axis.errorbar(rates, places, xerr=[below, above], fmt="o", markersize=4, capsize=2)
    axis.set(xlim=(0, 103), yticks=places, xlabel="recognised, all expressions, %")
    axis.set_yticklabels([label.replace("_", " ") for label in labels])
    axis.invert_yaxis()
    return figure
