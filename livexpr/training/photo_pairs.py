"""A pixel map fitted from pairs of photographs.

Displacements are averaged over the pairs that show the expression; how the pictures in face space
change is the affair of :mod:`livexpr.training.appearance`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import livexpr
from livexpr import face_mesh, maps
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.maps import Map
from livexpr.pixel_map import PixelMap
from livexpr.training import face_space, mouth_picture, workers
from livexpr.training.appearance import fit_appearance, without_noise
from livexpr.training.pair_observations import (
    MAP_SIZE,
    MOUTH_SIZE,
    PairObservation,
    Photograph,
    find_pairs,
    observe,
)
from livexpr.training.workers import OrderedMap

if TYPE_CHECKING:
    from rich.console import Console

    from livexpr.training.intensity_fit import IntensityMethod

__all__ = [
    "PairObservation",
    "expression_weights",
    "find_pairs",
    "fit_command",
    "fit_observations",
    "fit_pairs",
    "observe",
]

# Pairs that show less than this part of the mean expression are left out of it.
_LEAST_STRENGTH = 0.6
_STRENGTH_ROUNDS = 10
# An average is fainter than what it averages, since people differ in how they show an expression.
_EMPHASIS = 1.07
# As appearance.without_noise takes it, for displacements.
_OFFSET_NOISE_CM = (0.03, 0.06)
_FOREHEAD_CM, _FOREHEAD_DOUBT = 5.3, 3.0
# Mouths opened by at least this much, cm, are averaged for the mouth picture, if so many are.
_OPEN_MOUTH_CM, _LEAST_MOUTHS = 0.6, 5
# Lips that part by less than this, cm, stay shut.
_SHUT_MOUTH_CM = 0.15


def expression_weights(offsets_cm: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how much each pair counts, from how strongly it shows what all have in common.

    Parameters
    ----------
    offsets_cm : ndarray of shape (N, 468, 3), float32

    Returns
    -------
    weights : ndarray of shape (N,), float64
        In [0, 1]. A pair's strength is its projection on the weighted mean displacement; faint
        ones (people asked for a smile often barely give one) get 0, and the mean is taken anew.
    """
    weights = np.ones(len(offsets_cm))
    for _ in range(_STRENGTH_ROUNDS):
        mean = np.average(offsets_cm, axis=0, weights=weights)
        strengths = (offsets_cm * mean).sum(axis=(1, 2)) / max(float((mean * mean).sum()), 1e-9)
        updated = np.clip(strengths - _LEAST_STRENGTH, 0, 1)
        if not updated.any():
            break
        weights = updated
    return weights


def _mirrored(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    flip = np.array([-1, 1, 1], np.float32)
    mirrored: NDArray[np.float32] = offset_cm[face_space.mirrored_landmarks()] * flip
    return mirrored


def _mouth(observations: Sequence[PairObservation]) -> NDArray[np.float32]:
    """Return the mouth layer (M, M, 4); all zero if too few of the pairs open the mouth."""
    opened = [o for o in observations if o.mouth_opening_cm >= _OPEN_MOUTH_CM]
    if len(opened) < _LEAST_MOUTHS:
        return np.zeros((MOUTH_SIZE, MOUTH_SIZE, 4), np.float32)
    average = mouth_picture.registered_average([o.mouth for o in opened], [1.0] * len(opened))
    skin_luma = float(np.mean([o.skin_luma for o in opened]))
    return mouth_picture.mouth_layer(average, skin_luma)


def leaves_mouth_shut(observation: PairObservation) -> bool:
    """Tell whether the expression of a pair leaves the lips together."""
    return observation.mouth_opening_cm < _SHUT_MOUTH_CM


def with_shut_mouth(observations: Sequence[PairObservation]) -> list[PairObservation]:
    """Return those pairs whose expression leaves the lips together.

    The mean of smiles with and without teeth is neither: each kind makes a map of its own.

    Raises
    ------
    LivexprError
        If each of them opens the mouth.
    """
    shut = [o for o in observations if leaves_mouth_shut(o)]
    if observations and not shut:
        raise LivexprError("every usable pair opens the mouth; leave out --closed-mouth")
    return shut


def fit_observations(
    observations: Sequence[PairObservation],
    *,
    symmetric: bool = True,
    metadata: dict[str, str] | None = None,
    in_order: OrderedMap = workers.in_this_process,
) -> PixelMap:
    """Fit where and how from observed pairs.

    Parameters
    ----------
    observations : sequence of PairObservation
        At least one.
    symmetric : bool
        Average the map with its mirror image, for expressions that have no side.
    metadata : dict
        Further entries for the file.
    in_order : OrderedMap
        Where moments of chunks of pairs are summed; they are merged in order.

    Returns
    -------
    PixelMap

    Raises
    ------
    LivexprError
        Without observations.
    """
    if not observations:
        raise LivexprError("no usable pair of photographs; see the reasons given for each")
    offsets = np.stack([o.offset_cm for o in observations])
    weights = expression_weights(offsets)
    offset = np.average(offsets, axis=0, weights=weights).astype(np.float32)
    if symmetric:
        offset = np.float32(0.5) * (offset + _mirrored(offset))
    # Seen from the front: depths are the landmark model's guesses.
    distance = np.linalg.norm(offset[:, :2], axis=1, keepdims=True)
    # Above the brows, under hair, the landmark model guesses most.
    guessed = face_mesh.load().rest_cm[:, 1:2] > _FOREHEAD_CM
    distance = np.where(guessed, distance / _FOREHEAD_DOUBT, distance)
    offset = without_noise(offset, distance, _OFFSET_NOISE_CM)
    log_gain, bias = fit_appearance(observations, weights, symmetric, in_order)
    raised = np.average([o.blendshapes for o in observations], axis=0, weights=weights)
    emphasis = np.float32(_EMPHASIS)
    return PixelMap(
        offset_cm=offset * emphasis,
        log_gain=log_gain * emphasis,
        bias=bias * emphasis,
        mask=face_space.feather_mask(MAP_SIZE),
        mouth=_mouth(observations),
        blendshapes={
            name: round(float(value), 4)
            for name, value in zip(BLENDSHAPE_NAMES, raised, strict=True)
            if abs(value) >= 0.05
        },
        metadata={
            "method": "ridge towards no change, located by the mesh",
            "livexpr": livexpr.__version__,
            "size": str(MAP_SIZE),
            "pairs": str(len(observations)),
            "pairs_weighted": str(int((weights > 0).sum())),
            **(metadata or {}),
        },
    )


def fit_pairs(pairs_dir: Path, expression: str, people: Collection[str] | None = None) -> PixelMap:
    """Fit the pairs of a folder, or of some `people` in it; see :func:`fit_observations`."""
    pairs = find_pairs(pairs_dir, expression)
    chosen = [item for item in pairs.items() if people is None or item[0] in people]
    observations, _ = observe(chosen)
    return fit_observations(observations)


def _digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the contents of files, one after the other: what a fit was made of."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Photograph.read(path).content)  # of what cannot be read, nothing
    return digest.hexdigest()


def fit_command(
    pairs_dir: Path,
    expression: str,
    out: Path,
    *,
    symmetric: bool = True,
    closed_mouth: bool = False,
    attribution: str = "",
    method: IntensityMethod | None = None,
    processes: int = 1,
    scheduler: str | None = None,
) -> None:
    """Fit a map with a progress bar, say which pairs were of no use, and write it.

    The same photographs give the same bytes, in one process, in several `processes`, or on the
    cluster of the dask `scheduler`. With one of the paper's methods the map is an intensity map.
    With `closed_mouth`, pairs that open the mouth are left out.

    Raises
    ------
    LivexprError
        If no pair is usable, the map cannot be written, or workers cannot be had or are lost.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    pairs = find_pairs(pairs_dir, expression)
    metadata = {
        "expression": expression,
        "photographs_sha256": _digest(path for paths in pairs.values() for path in paths),
        "attribution": attribution,
    }
    with workers.place(processes, scheduler) as in_order:
        with Progress(console=console) as bar:
            looking = bar.add_task(f"{expression}: looking at pairs", total=len(pairs))
            observations, rejected = observe(
                pairs.items(),
                lambda person: bar.advance(looking),
                in_order,
                canvases=method is not None,
            )
        for person, reason in rejected.items():
            # Reasons hold file names and system messages, whose brackets are not markup.
            console.print(f"left out {person}: {reason}", highlight=False, markup=False)
        if closed_mouth:
            observations = with_shut_mouth(observations)
        fitted: Map = (
            fit_observations(
                observations, symmetric=symmetric, metadata=metadata, in_order=in_order
            )
            if method is None
            else method.fit(observations, metadata)
        )
    maps.save(fitted, out)
    _say_what_came_out(console, fitted, len(pairs), out)


def _say_what_came_out(console: Console, fitted: Map, n_pairs: int, out: Path) -> None:
    clear = fitted.metadata.get("pairs_weighted")
    clearly = f" ({clear} show the expression clearly)" if clear else ""
    console.print(
        f"used {fitted.metadata['pairs']} of {n_pairs} pairs{clearly}; "
        f"wrote {out} ({out.stat().st_size} bytes)",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    strongest = sorted(fitted.blendshapes.items(), key=lambda item: -abs(item[1]))[:6]
    raises = ", ".join(f"{name} {value:+.2f}" for name, value in strongest)
    console.print(f"blendshapes: {raises}", highlight=False, soft_wrap=True)
