"""What is compared: a name, how it is fitted, how it is applied, how large it is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from livexpr import maps
from livexpr.maps import Map
from livexpr.training import methods
from livexpr.training.evaluation import measures
from livexpr.training.evaluation.fidelity import Shown
from livexpr.training.evaluation.measures import Measures
from livexpr.training.evaluation.portraits import Judge, Portrait
from livexpr.types import FaceTrack, NoFace

Image: TypeAlias = NDArray[np.uint8]
Fitted: TypeAlias = Any
"""What a contender's own `fit` returns and its `apply` takes."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to change an expression.

    Attributes
    ----------
    name : str
    fit : callable
        Makes a model from the pairs of the people with these IDs.
    apply : callable
        Returns the filtered copy of a picture (H, W, 3), uint8, BGR, with the face found on it.
    n_parameters, n_bytes : callable
        Numbers that the model holds, and bytes of its file; 0 where it has none.
    """

    name: str
    fit: Callable[[Collection[str]], Fitted]
    apply: Callable[[Image, FaceTrack, Fitted], Image]
    n_parameters: Callable[[Fitted], int] = lambda fitted: 0
    n_bytes: Callable[[Fitted], int] = lambda fitted: 0


def method_contender(name: str, pairs_dir: Path, expression: str) -> Contender:
    """Return one of :data:`livexpr.training.methods.METHODS`, at intensity 1."""
    method = methods.METHODS[name]
    return Contender(
        name,
        fit=lambda people: method.fit(pairs_dir, expression, people),
        apply=lambda pixels, track, model: methods.apply_map(pixels, model, 1.0, track),
        n_parameters=methods.n_parameters,
        n_bytes=n_bytes,
    )


def n_bytes(a_map: Map | None) -> int:
    """Return the size of a map's file; 0 for the map of no change."""
    if a_map is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.safetensors"
        maps.save(a_map, path)
        return path.stat().st_size


@dataclass(frozen=True, slots=True)
class TimedFit:
    """A fitted model and the seconds it took."""

    model: Fitted
    seconds: float


def timed_fit(contender: Contender, people: Sequence[str]) -> TimedFit:
    """Fit a contender to some people."""
    started = time.perf_counter()
    model = contender.fit(people)
    return TimedFit(model, time.perf_counter() - started)


def trial(
    neutral: Portrait,
    filtered: Image,
    judge: Judge,
    expression: str | None,
    real: Portrait | None = None,
) -> Measures:
    """Return all measures of a filtered picture.

    Parameters
    ----------
    neutral : Portrait
        What it was made from.
    filtered : ndarray of shape (H, W, 3), uint8
    judge : callable
    expression : str or None
        What is meant, as the classifiers name it; None if they have no name for it.
    real : Portrait, optional
        The same person's real expression; without it nothing is measured against the truth.

    Returns
    -------
    Measures
        With ``lost`` 1 where there is no face to be found any more, else 0.
    """
    verdict = judge(filtered)
    before = neutral.shown, neutral.verdict
    if isinstance(verdict, NoFace):
        unchanged = measures.judge(before, neutral.shown, neutral.verdict, expression)
        return {**measures.lost(unchanged), "lost": 1.0}
    shown = Shown(filtered, verdict.landmarks_px)
    taken = {**measures.judge(before, shown, verdict, expression), "lost": 0.0}
    if real is not None:
        taken |= measures.against_truth(neutral.shown, shown, real.shown)
    return taken
