"""How an expression changes light and shade, fitted from pairs of pictures in face space.

Moments of the pictures are summed in chunks of pairs, always the same ones and wherever there is
somebody to do it, and merged in order: the same sums to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.training import face_space
from livexpr.training.moments_accumulator import Moments, WeightedPair, merged
from livexpr.training.pair_observations import MAP_SIZE, PairObservation
from livexpr.training.regression import ridge_towards_no_change
from livexpr.training.workers import OrderedMap, chunked

# Penalties of the ridge, where the weights of a few dozen pairs add up to about twenty and
# intensities are in units of skin luma. The bias pays more: a gain suits every skin alike.
_GAIN_PENALTY, _BIAS_PENALTY = 4.0, 40.0
# Moments are shared with neighbours over this width, px of a 256 px canvas.
_SHARE_PX = 1.6
# Moments of so many pairs are summed by one call.
_CHUNK = 8
_MAX_LOG_GAIN = 1.2
# As without_noise takes it, for logarithms of gains and for biases.
_SHADE_NOISE = (0.02, 0.05)


def without_noise(
    change: NDArray[np.float32], size: NDArray[np.float32], noise: tuple[float, float]
) -> NDArray[np.float32]:
    """Return `change` with what is small, by `size`, faded to nothing.

    Sizes below the first of `noise` are noise of an average and count for nothing, those above the
    second are kept whole: where an expression changes nothing, the camera's own pixels are to pass
    through untouched.
    """
    start, stop = noise
    t = np.clip((size - start) / (stop - start), 0, 1)
    return np.asarray(change * (t * t * (3 - 2 * t)), np.float32)


def _chunk_moments(
    pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8], float]],
) -> Moments:
    """Return the moments of (neutral, expressive, weight); runs where the chunk is worked on."""
    skin = face_space.skin_mask(MAP_SIZE)

    def normalised() -> Iterator[WeightedPair]:
        for neutral, expressive, weight in pairs:
            x, y = (p.astype(np.float32) for p in (neutral, expressive))
            luma_x, luma_y = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[skin] for p in (x, y))
            # Whatever changed over the whole skin was the exposure, not the expression.
            exposure = float(np.median((luma_y + 4) / (luma_x + 4)))
            mean_luma = float(luma_x.mean())
            everywhere = np.full(skin.shape, weight, np.float32)
            yield x / mean_luma, y / (mean_luma * exposure), everywhere

    return Moments.of(normalised(), (MAP_SIZE, MAP_SIZE, 3))


def fit_appearance(
    observations: Sequence[PairObservation],
    weights: NDArray[np.float64],
    symmetric: bool,
    in_order: OrderedMap,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Solve each output pixel's gain and bias from the moments of the weighted pairs.

    Parameters
    ----------
    observations : sequence of PairObservation
    weights : ndarray of shape (N,), float64
        How much each counts; those of 0 are not looked at.
    symmetric : bool
        Average with the mirror image.
    in_order : OrderedMap
        Where moments of chunks of pairs are summed; they are merged in order.

    Returns
    -------
    log_gain : ndarray of shape (S, S, 3), float32
    bias : ndarray of shape (S, S), float32
        In units of skin luma.
    """
    weighted = (
        (observation.neutral, observation.expressive, float(weight))
        for observation, weight in zip(observations, weights, strict=True)
        if weight
    )
    parts = in_order(_chunk_moments, chunked(weighted, _CHUNK))
    moments = merged(parts, (MAP_SIZE, MAP_SIZE, 3)).sums
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
        without_noise(np.asarray(log_gain, np.float32), size[..., None], _SHADE_NOISE),
        without_noise(np.asarray(bias, np.float32), size, _SHADE_NOISE),
    )
