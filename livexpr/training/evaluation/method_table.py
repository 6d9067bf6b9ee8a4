"""The methods side by side, each on the people that it was not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from livexpr.training.evaluation import measures
from livexpr.training.evaluation.contenders import Contender, timed_fit, trial
from livexpr.training.evaluation.cross_validation import all_but, split_people
from livexpr.training.evaluation.measures import Measures
from livexpr.training.evaluation.portraits import Judge, Portraits

REAL = "real"


def compare_methods(
    portraits: Portraits,
    contenders: Sequence[Contender],
    judge: Judge,
    expression: str,
    *,
    folds: int = 5,
    on_progress: Callable[[str], None] = lambda done: None,
) -> dict[str, Any]:
    """Fit on all folds but one, judge on that one, and so on round.

    Parameters
    ----------
    portraits : Portraits
        Looked at.
    contenders : sequence of Contender
    judge : callable
    expression : str
        As the classifiers name it.
    folds : int
    on_progress : callable
        Told of each contender and person.

    Returns
    -------
    dict
        ``people``, ``folds`` and ``rows``: for each contender, and for the people's own
        expression under :data:`REAL`, what :func:`row` says, and its size and seconds.

    Raises
    ------
    LivexprError
        If people are too few.
    """
    split = split_people(portraits.people, folds)
    taken: dict[str, list[Measures]] = {contender.name: [] for contender in contenders}
    sizes: dict[str, dict[str, float]] = {}
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number, held_out in enumerate(split):
        for contender in contenders:
            fitted = timed_fit(contender, all_but(split, number))
            seconds[contender.name].append(fitted.seconds)
            sizes[contender.name] = {
                "parameters": contender.n_parameters(fitted.model),
                "bytes": contender.n_bytes(fitted.model),
            }
            for person, neutral in portraits.chosen(held_out):
                filtered = contender.apply(neutral.pixels, neutral.track, fitted.model)
                real = portraits.real(person)
                taken[contender.name].append(trial(neutral, filtered, judge, expression, real))
                on_progress(f"{contender.name}, {person}")
    rows: dict[str, dict[str, float]] = {}
    for name, found in taken.items():
        rows[name] = {**row(found), **sizes[name], "fit_s": float(np.median(seconds[name]))}
    rows[REAL] = row(list(real_expressions(portraits, expression).values()))
    return {"people": len(portraits.people), "folds": folds, "rows": rows}


def row(taken: Sequence[Measures]) -> dict[str, float]:
    """Return means over people, and median and maximum of the identity distance."""
    return {
        **measures.mean(taken),
        "identity median": measures.quantile(taken, "identity", 0.5),
        "identity max": measures.quantile(taken, "identity", 1.0),
    }


def real_expressions(portraits: Portraits, expression: str) -> dict[str, Measures]:
    """Return person -> what the judges say of the person's own expression."""
    found = {}
    for person, neutral in portraits.chosen(portraits.people):
        real = portraits.real(person)
        before = neutral.shown, neutral.verdict
        found[person] = measures.judge(before, real.shown, real.verdict, expression)
    return found
