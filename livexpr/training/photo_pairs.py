"""A pixel map fitted from pairs of photographs.

Displacements are averaged over the pairs that show the expression; of the pictures in face space
the moments are summed, and each output pixel's gain and bias solved from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import livexpr
from kernels.moments import MOMENTS, accumulate
from livexpr import face_mesh, pixel_map
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.pixel_map import PixelMap
from livexpr.training import face_space, mouth_picture
from livexpr.training.pair_observations import (
    MAP_SIZE,
    MOUTH_SIZE,
    PairObservation,
    find_pairs,
    observe,
)
from livexpr.training.regression import ridge_towards_no_change

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
# Penalties of the ridge, where the weights of a few dozen pairs add up to about twenty and
# intensities are in units of skin luma. The bias pays more: a gain suits every skin alike.
_GAIN_PENALTY, _BIAS_PENALTY = 4.0, 40.0
# Moments are shared with neighbours over this width, px of a 256 px canvas.
_SHARE_PX = 1.6
_MAX_LOG_GAIN = 1.2
# Changes smaller than the first are noise of the average and are taken for none, those above the
# second are kept whole: displacements in cm, logarithms of gains (biases likewise).
_OFFSET_NOISE_CM = (0.03, 0.06)
_FOREHEAD_CM, _FOREHEAD_DOUBT = 5.3, 3.0
_SHADE_NOISE = (0.02, 0.05)
# Mouths opened by at least this much, cm, are averaged for the mouth picture, if so many are.
_OPEN_MOUTH_CM, _LEAST_MOUTHS = 0.6, 5


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


def _without_noise(
    change: NDArray[np.float32], size: NDArray[np.float32], noise: tuple[float, float]
) -> NDArray[np.float32]:
    """Return `change` with what is small, by `size`, faded to nothing.

    Where an expression changes nothing, the camera's own pixels are to pass through untouched.
    """
    start, stop = noise
    t = np.clip((size - start) / (stop - start), 0, 1)
    return np.asarray(change * (t * t * (3 - 2 * t)), np.float32)


def _mirrored(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    flip = np.array([-1, 1, 1], np.float32)
    mirrored: NDArray[np.float32] = offset_cm[face_space.mirrored_landmarks()] * flip
    return mirrored


def _appearance(
    observations: Sequence[PairObservation], weights: NDArray[np.float64], symmetric: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return log gain (S, S, 3) and bias (S, S) of the weighted pairs."""
    skin = face_space.skin_mask(MAP_SIZE)
    moments = np.zeros((len(MOMENTS), MAP_SIZE, MAP_SIZE, 3))
    for observation, weight in zip(observations, weights, strict=True):
        if not weight:
            continue
        x, y = (p.astype(np.float32) for p in (observation.neutral, observation.expressive))
        luma_x, luma_y = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[skin] for p in (x, y))
        # Whatever changed over the whole skin was the exposure, not the expression.
        exposure = float(np.median((luma_y + 4) / (luma_x + 4)))
        mean_luma = float(luma_x.mean())
        everywhere = np.full(skin.shape, weight, np.float32)
        accumulate(moments, x / mean_luma, y / (mean_luma * exposure), everywhere)
    width = _SHARE_PX * MAP_SIZE / 256
    blurred = [cv2.GaussianBlur(moment, (0, 0), width) for moment in moments]
    shared = np.asarray(np.stack(blurred), np.float64)
    gain, colour_bias = ridge_towards_no_change(shared, _GAIN_PENALTY, _BIAS_PENALTY)
    bias = np.asarray(cv2.cvtColor(colour_bias.astype(np.float32), cv2.COLOR_BGR2GRAY))
    log_gain = np.log(np.maximum(gain, 1e-3)).clip(-_MAX_LOG_GAIN, _MAX_LOG_GAIN)
    if symmetric:
        log_gain, bias = (log_gain + log_gain[:, ::-1]) / 2, (bias + bias[:, ::-1]) / 2
    size = np.maximum(np.abs(log_gain).max(axis=2), np.abs(bias)).astype(np.float32)
    return (
        _without_noise(np.asarray(log_gain, np.float32), size[..., None], _SHADE_NOISE),
        _without_noise(np.asarray(bias, np.float32), size, _SHADE_NOISE),
    )


def _mouth(observations: Sequence[PairObservation]) -> NDArray[np.float32]:
    """Return the mouth layer (M, M, 4); all zero if too few of the pairs open the mouth."""
    opened = [o for o in observations if o.mouth_opening_cm >= _OPEN_MOUTH_CM]
    if len(opened) < _LEAST_MOUTHS:
        return np.zeros((MOUTH_SIZE, MOUTH_SIZE, 4), np.float32)
    average = mouth_picture.registered_average([o.mouth for o in opened], [1.0] * len(opened))
    skin_luma = float(np.mean([o.skin_luma for o in opened]))
    return mouth_picture.mouth_layer(average, skin_luma)


def fit_observations(
    observations: Sequence[PairObservation],
    *,
    symmetric: bool = True,
    metadata: dict[str, str] | None = None,
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
    offset = _without_noise(offset, distance, _OFFSET_NOISE_CM)
    log_gain, bias = _appearance(observations, weights, symmetric)
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
        digest.update(path.read_bytes())
    return digest.hexdigest()


def fit_command(
    pairs_dir: Path, expression: str, out: Path, *, symmetric: bool = True, attribution: str = ""
) -> None:
    """Fit a map with a progress bar, say which pairs were of no use, and write it.

    The same photographs give the same bytes.

    Raises
    ------
    LivexprError
        If no pair is usable, or the map cannot be written.
    """
    from rich.console import Console
    from rich.progress import track as progress

    console = Console(stderr=True)
    pairs = find_pairs(pairs_dir, expression)
    shown = progress(pairs.items(), f"{expression}: looking at pairs", console=console)
    observations, rejected = observe(shown)
    for person, reason in rejected.items():
        # Reasons hold file names and system messages, whose brackets are not markup.
        console.print(f"left out {person}: {reason}", highlight=False, markup=False)
    metadata = {
        "expression": expression,
        "photographs_sha256": _digest(path for paths in pairs.values() for path in paths),
        "attribution": attribution,
    }
    fitted = fit_observations(observations, symmetric=symmetric, metadata=metadata)
    pixel_map.save(fitted, out)
    console.print(
        f"used {len(observations)} of {len(pairs)} pairs "
        f"({fitted.metadata['pairs_weighted']} show the expression clearly); "
        f"wrote {out} ({out.stat().st_size} bytes)",
        highlight=False,
        soft_wrap=True,
    )
    strongest = sorted(fitted.blendshapes.items(), key=lambda item: -abs(item[1]))[:6]
    raises = ", ".join(f"{name} {value:+.2f}" for name, value in strongest)
    console.print(f"blendshapes: {raises}", highlight=False, soft_wrap=True)
