"""Where each output pixel looks, learned: one input pixel near by, chosen by correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Intensities that differ less than this between people, standard deviation, tell nothing.
_LEAST_SPREAD = 2e-3


def locate(
    x: NDArray[np.float32], y: NDArray[np.float32], reach: int, locality: float
) -> NDArray[np.int8]:
    """Choose for each output pixel the one input pixel that it is to observe.

    Parameters
    ----------
    x, y : ndarray of shape (N, S, S, C), float32
        Intensities of N people without and with the expression.
    reach : int
        No pixel further away than this, px, is looked at.
    locality : float
        How much nearness counts against correlation.

    Returns
    -------
    shift : ndarray of shape (S, S, 2), int8
        Rows down and columns to the right, inside the picture; 0 where nothing speaks for
        another pixel.

    Notes
    -----
    The score of a candidate is the correlation over people between it and the output pixel, its
    magnitude averaged over the channels with the output's spread as weight, plus ``locality``
    divided by its mean distance from the output pixel and its eight neighbours.

    References
    ----------
    Akram & Khan (2023), LSRF: Localized and sparse receptive fields for linear facial expression
    synthesis based on global face context, Multimedia Tools and Applications: matching pursuit
    with a locality term, here with one pixel, a bounded reach and correlations in [0, 1].
    """
    n, size = len(x), x.shape[1]
    least = _LEAST_SPREAD * np.sqrt(n)
    centred_x, centred_y = x - x.mean(axis=0), y - y.mean(axis=0)
    normalised = centred_x / np.maximum(np.sqrt((centred_x**2).sum(axis=0)), least)
    spread = np.maximum(np.sqrt((centred_y**2).sum(axis=0)).sum(axis=-1), least)
    margin = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(normalised, margin)
    best = np.full((size, size), -np.inf)
    shift = np.zeros((size, size, 2), np.int8)
    for down, right in _near_first(reach):
        rows, columns = (slice(reach + d, reach + d + size) for d in (down, right))
        products = np.einsum("nijc,nijc->ijc", padded[:, rows, columns], centred_y)
        score = np.abs(products).sum(axis=-1) / spread + locality / _distance(down, right)
        better = score > best
        better &= _inside(size, down)[:, None] & _inside(size, right)
        best[better] = score[better]
        shift[better] = (down, right)
    return shift


def _near_first(reach: int) -> list[tuple[int, int]]:
    """Return all shifts within reach, near ones first."""
    steps = range(-reach, reach + 1)
    disc = [(i, j) for i in steps for j in steps if i * i + j * j <= reach * reach]
    return sorted(disc, key=lambda shift: (shift[0] ** 2 + shift[1] ** 2, shift))


def _distance(down: int, right: int) -> float:
    """Return the mean distance of a shifted pixel from the 3 by 3 pixels it starts from."""
    near = (-1, 0, 1)
    return float(np.mean([np.hypot(down - i, right - j) for i in near for j in near]))


def _inside(size: int, step: int) -> NDArray[np.bool_]:
    """Return which of the pixels of a row, shifted by so much, are still in it, (size,)."""
    at = np.arange(size) + step
    inside: NDArray[np.bool_] = (at >= 0) & (at < size)
    return inside
