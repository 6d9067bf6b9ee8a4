"""A poker face: what the user shows is read from blendshapes, and taken back along maps.

Each damped map is an action that the model reads off a face. As far as live blendshapes exceed
what faces at rest show, they are taken for a sum of such actions. Left alone are the
opening of the jaw, which speaks, and blinks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livexpr import pixel_map, presets
from livexpr.blendshapes import BLENDSHAPE_NAMES, resting_level

# The maps that are taken back, and the blendshapes by which each is known; of both sides where
# none is named. Not all that a map raises, for speech and gaze raise some of them too.
_KNOWN_BY: Mapping[str, tuple[str, ...]] = {
    "happy": ("mouthSmile", "mouthUpperUp"),
    "warm": ("mouthSmile",),
    "smile-left": ("mouthSmileLeft",),
    "smile-right": ("mouthSmileRight",),
    "sad": ("mouthFrown",),
    "brows-up": ("browInnerUp", "browOuterUp"),
    "brows-down": ("browDown",),
    "eyes-wide": ("eyeWide",),
    "eyes-narrow": ("eyeSquint",),
    "nose-wrinkle": ("noseSneer",),
    "lips-pressed": ("mouthRollLower",),
    "cheek-puff": ("cheekPuff",),
}
# A whole action exceeds rest by at least this much: on rendered faces, of which some maps are
# made, the model reads less than on people.
_LEAST_WHOLE = 0.3
# What exceeds rest by no more than this is noise of the model.
_NOISE = 0.03
# Of no map more than this is shown, nor taken back.
_MOST_SHOWN = 1.2
# The ridge: where several maps explain the same, little of each is taken; and of a smile, what
# both sides have in common is told by maps of both.
_RIDGE, _RIDGE_OF_SIDE = 0.01, 0.05
_ONE_SIDED = ("smile-left", "smile-right")
# Steps from the solution without bounds to that within them; the second is at most a few per cent
# off by then.
_STEPS = 24
# What is shown is followed with this time constant, s.
_FOLLOWING_S = 0.12
# What moves no landmark by this much, cm, is left out.
_NOTHING_CM = 1e-3
_SILENT = np.array([resting_level(name) + _NOISE for name in BLENDSHAPE_NAMES], np.float32)


class DampedMaps(NamedTuple):
    """K maps, as least squares and the mesh need them.

    Attributes
    ----------
    whole : ndarray of shape (52, K), float32
        By how much each whole map raises blendshapes beyond rest; 0 where it is not known by them.
    inverse : ndarray of shape (K, K), float32
        Of the Gram matrix, for the solution without bounds.
    descent : ndarray of shape (K, K), float32
        What one step of gradient descent leaves of the shares.
    step : ndarray of shape (K,), float32
        Length of that step in each share.
    offset_cm : ndarray of shape (K, 1404), float32
        Displacement of the landmarks in head space, flat.
    """

    whole: NDArray[np.float32]
    inverse: NDArray[np.float32]
    descent: NDArray[np.float32]
    step: NDArray[np.float32]
    offset_cm: NDArray[np.float32]


def _whole(blendshapes: Mapping[str, float], known_by: tuple[str, ...]) -> NDArray[np.float32]:
    """Return by how much a map raises the blendshapes that it is known by, (52,)."""
    whole = np.zeros(len(BLENDSHAPE_NAMES), np.float32)
    for stem in known_by:
        names = [name for name in (stem, f"{stem}Left", f"{stem}Right") if name in BLENDSHAPE_NAMES]
        # Both sides alike, as those of the face are; the model's reading is a little lopsided.
        raised = float(np.mean([blendshapes.get(name, 0.0) for name in names]))
        for name in names:
            beyond_rest = max(raised - resting_level(name), _LEAST_WHOLE)
            whole[BLENDSHAPE_NAMES.index(name)] = beyond_rest
    return whole


@lru_cache(maxsize=1)
def load() -> DampedMaps:
    """Load the damped maps.

    Raises
    ------
    PresetError
        If one is missing.
    FormatError
        If a file is damaged.
    """
    maps = {name: pixel_map.load(presets.map_path(name)) for name in _KNOWN_BY}
    columns = [_whole(maps[name].blendshapes, known_by) for name, known_by in _KNOWN_BY.items()]
    whole = np.ascontiguousarray(np.stack(columns, axis=1))
    ridge = [_RIDGE_OF_SIDE if name in _ONE_SIDED else _RIDGE for name in maps]
    gram = whole.T @ whole + np.diag(ridge).astype(np.float32)
    scale = np.sqrt(np.diag(gram))
    step = 1 / (scale * scale * np.linalg.eigvalsh(gram / np.outer(scale, scale))[-1])
    offsets = np.stack([one.offset_cm.ravel() for one in maps.values()])
    descent = np.eye(len(maps), dtype=np.float32) - step[:, None] * gram
    return DampedMaps(whole, np.linalg.inv(gram), descent, step, offsets)


def shares_shown(blendshapes: NDArray[np.float32], damped: DampedMaps) -> NDArray[np.float32]:
    """Return how much of each damped map a face shows, (K,), float32, in [0, 1.2].

    The least squares of what exceeds rest, within bounds, by projected gradient descent.

    Parameters
    ----------
    blendshapes : ndarray of shape (52,), float32
        Of the live face, in [0, 1].
    damped : DampedMaps
    """
    seen = np.maximum(blendshapes - _SILENT, 0) @ damped.whole
    if not seen.any():
        return np.zeros(len(seen), np.float32)
    shares = np.clip(damped.inverse @ seen, 0, _MOST_SHOWN)
    towards = damped.step * seen
    for _ in range(_STEPS):
        shares = np.minimum(np.maximum(damped.descent @ shares + towards, 0), _MOST_SHOWN)
    return np.asarray(shares, np.float32)


def followed(
    shares: NDArray[np.float32] | None, shown: NDArray[np.float32], dt_s: float
) -> NDArray[np.float32]:
    """Return shares that follow what is shown, so that nothing jitters; None begins there."""
    if shares is None:
        return shown
    return np.asarray(shares - math.expm1(-dt_s / _FOLLOWING_S) * (shown - shares), np.float32)


def taken_back_cm(
    damped: DampedMaps | None, shares: NDArray[np.float32] | None, amount: float
) -> NDArray[np.float32] | None:
    """Return the displacement that damps a face, (468, 3), float32, head space; None if nothing.

    Parameters
    ----------
    damped : DampedMaps or None
    shares : ndarray of shape (K,), float32, or None
        How much of each map the face shows.
    amount : float
        From 0, nothing is taken back, to 1, all of it; below 0 the face shows more.
    """
    if damped is None or shares is None or not shares.any():
        return None
    taken = (np.float32(-amount) * shares) @ damped.offset_cm
    if np.abs(taken).max() < _NOTHING_CM:
        return None
    return np.asarray(taken.reshape(-1, 3), np.float32)
