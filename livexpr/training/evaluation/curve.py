"""How many people a fit needs: the same people judged, ever more people fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livexpr.training.evaluation.contenders import Contender, trial
from livexpr.training.evaluation.cross_validation import all_but, split_people
from livexpr.training.evaluation.measures import Measures
from livexpr.training.evaluation.method_table import row
from livexpr.training.evaluation.portraits import Judge, Portraits

SIZES = (5, 10, 20, 40, 65)


def learning_curve(
    portraits: Portraits,
    contenders: Sequence[Contender],
    judge: Judge,
    expression: str,
    *,
    folds: int = 5,
    rounds: int = 2,
    sizes: Sequence[int] = SIZES,
    on_progress: Callable[[str], None] = lambda done: None,
) -> dict[str, Any]:
    """Fit on nested samples of growing size and judge each on people held out.

    Parameters
    ----------
    portraits, contenders, judge, expression, folds, on_progress
        As for :func:`livexpr.training.evaluation.method_table.compare_methods`.
    rounds : int
        So many of the folds are held out in turn.
    sizes : sequence of int
        People to fit on. A size beyond those there are becomes all of them.

    Returns
    -------
    dict
        ``people`` judged, ``sizes``, and ``rows``: contender -> one row for each size.

    Raises
    ------
    LivexprError
        If people are too few.
    """
    split = split_people(portraits.people, folds)
    smallest_pool = len(portraits.people) - max(map(len, split))
    samples = sorted({min(size, smallest_pool) for size in sizes})
    taken: dict[str, dict[int, list[Measures]]] = {
        contender.name: {size: [] for size in samples} for contender in contenders
    }
    # The smallest folds come last, so that most are left to be fitted on.
    held_out = range(folds - min(rounds, folds), folds)
    for number in held_out:
        # Ordered by hash within each fold; every n-th of all of them is as good as any sample.
        pool = all_but(split, number)
        pool = [pool[k] for k in _interleaved(len(pool))]
        for contender in contenders:
            for size in samples:
                fitted = contender.fit(pool[:size])
                for person, neutral in portraits.chosen(split[number]):
                    filtered = contender.apply(neutral.pixels, neutral.track, fitted)
                    real = portraits.real(person)
                    measured = trial(neutral, filtered, judge, expression, real)
                    taken[contender.name][size].append(measured)
                    on_progress(f"{contender.name} of {size}, {person}")
    return {
        "people": sum(len(split[number]) for number in held_out),
        "sizes": samples,
        "rows": {name: [row(by_size[size]) for size in samples] for name, by_size in taken.items()},
    }


def _interleaved(n: int, step: int = 7) -> list[int]:
    """Return 0 to n - 1 so that any beginning is spread over all of them."""
    return [k for start in range(step) for k in range(start, n, step)]
