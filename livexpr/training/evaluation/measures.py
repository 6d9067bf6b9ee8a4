"""What is measured on one filtered face, and means of it over people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from livexpr.training.evaluation.fidelity import Shown, compare, shape_error
from livexpr.training.evaluation.sharpness import sharpness
from livexpr.training.judges import Verdict, identity_distance

Measures: TypeAlias = dict[str, float]
"""Measure -> value; NaN where it could not be taken."""

Scores: TypeAlias = Mapping[str, float]

BOTH = "both"
"""The classifiers' mean probability, judged like one of them."""


def recognised(scores: Scores, neutral: Scores, expression: str) -> bool:
    """Return whether an expression is recognised as meant.

    It is if its class comes first, or is the one that has risen most since the same person's
    neutral face: classifiers take many a face at rest for an angry or a sad one.

    Examples
    --------
    >>> neutral = {"happy": 0.1, "sad": 0.7, "neutral": 0.2}
    >>> recognised({"happy": 0.3, "sad": 0.6, "neutral": 0.1}, neutral, "happy")
    True
    >>> recognised({"happy": 0.1, "sad": 0.8, "neutral": 0.1}, neutral, "happy")
    False
    """
    risen = {name: score - neutral[name] for name, score in scores.items()}
    first, most = (max(by_name, key=by_name.__getitem__) for by_name in (scores, risen))
    # On a face that was left as it is, none has risen.
    return expression == first or (expression == most and risen[most] > 0)


def all_scores(verdict: Verdict) -> dict[str, Scores]:
    """Return the scores of each classifier, and their mean under :data:`BOTH`."""
    judges = dict(verdict.expressions)
    labels = next(iter(judges.values()))
    mean = {name: float(np.mean([scores[name] for scores in judges.values()])) for name in labels}
    return {**judges, BOTH: mean}


def judge(
    neutral: tuple[Shown, Verdict], filtered: Shown, verdict: Verdict, expression: str | None
) -> Measures:
    """Return what the judges say of a filtered face, against the same person's neutral one.

    Parameters
    ----------
    neutral : pair of Shown and Verdict
        The picture from which `filtered` was made.
    filtered : Shown
        With the landmarks of its `verdict`.
    expression : str or None
        What is meant, as the classifiers name it; None if they have no name for it.
    """
    before, after = all_scores(neutral[1]), all_scores(verdict)
    measures: Measures = {}
    for name in before if expression is not None else ():
        assert expression is not None
        measures[f"{name} score"] = after[name][expression]
        measures[f"{name} rise"] = after[name][expression] - before[name][expression]
        measures[f"{name} recognised"] = float(recognised(after[name], before[name], expression))
    measures["identity"] = identity_distance(neutral[1], verdict)
    # Each where its own skin is: that lips and lids have moved does not count.
    energy = sharpness(neutral[0].pixels, neutral[0].landmarks_px)
    measures["sharpness"] = sharpness(filtered.pixels, filtered.landmarks_px) / max(energy, 1e-12)
    return measures


def against_truth(neutral: Shown, filtered: Shown, real: Shown) -> Measures:
    """Return how far a filtered face is from the real expression of the same person."""
    measures: Measures = {}
    for geometry, found in compare(neutral, filtered, real).items():
        measures[f"{geometry} mse"] = found.mse
        measures[f"{geometry} psnr"] = found.psnr_db
        measures[f"{geometry} ssim"] = found.ssim
    measures["shape error"] = shape_error(filtered, real)
    return measures


def lost(measures: Iterable[str]) -> Measures:
    """Return the measures of a face that is none any more: recognised by nobody."""
    return {name: 0.0 if name.endswith("recognised") else math.nan for name in measures}


def mean(rows: Sequence[Measures]) -> Measures:
    """Return the mean of each measure over people, leaving out what could not be taken."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = {name: np.array([row.get(name, math.nan) for row in rows]) for name in names}
    return {name: _mean(values) for name, values in table.items()}


def _mean(values: NDArray[np.float64]) -> float:
    taken = values[np.isfinite(values)]
    return float(taken.mean()) if len(taken) else math.nan


def quantile(rows: Sequence[Measures], name: str, q: float) -> float:
    """Return a quantile of one measure over people; NaN if it was never taken."""
    values = np.array([row.get(name, math.nan) for row in rows])
    taken = values[np.isfinite(values)]
    return float(np.quantile(taken, q)) if len(taken) else math.nan
