"""Regions of the face, and how much of an expression each landmark gets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

REGIONS = ("brows", "eyes", "cheeks", "mouth")

# Landmarks around which each region is centred; a region fades over about a finger's breadth.
_REGION_SEEDS = {
    "brows": (*(70, 63, 105, 66, 107, 46, 53, 52, 65, 55), *(300, 293, 334, 296, 336, 276, 283)),
    "eyes": (*face_mesh.RIGHT_LID_UPPER, *face_mesh.RIGHT_LID_LOWER, *face_mesh.LEFT_LID_UPPER),
    "cheeks": (*(50, 101, 36, 205, 187, 123, 117, 118), *(280, 330, 266, 425, 411, 352, 346, 347)),
    "mouth": (*face_mesh.INNER_LIP_UPPER, *face_mesh.INNER_LIP_LOWER, 0, 17, 61, 291, 40, 270),
}
_REGION_SEEDS["eyes"] += face_mesh.LEFT_LID_LOWER
_REGION_SEEDS["brows"] += (282, 295, 285)
_REGION_REACH_CM = 1.6


@lru_cache(maxsize=1)
def region_fields() -> NDArray[np.float32]:
    """Return how much each landmark belongs to each region, (468, 4), float32, in [0, 1].

    Rows add up to at most 1; what is missing belongs to no region and has weight 1 always.
    """
    rest = face_mesh.load().rest_cm
    fields = []
    for name in REGIONS:
        seeds = rest[list(_REGION_SEEDS[name])]
        distance = np.linalg.norm(rest[:, None] - seeds[None], axis=2).min(axis=1)
        fields.append(np.exp(-0.5 * (distance / _REGION_REACH_CM) ** 2))
    stacked = np.stack(fields, axis=1)
    result: NDArray[np.float32] = stacked / np.maximum(stacked.sum(axis=1, keepdims=True), 1)
    result.setflags(write=False)
    return result


def landmark_amounts(strength: float, regions: Sequence[float]) -> NDArray[np.float32]:
    """Return the amount of the expression at each landmark, (468,), float32.

    Parameters
    ----------
    strength : float
        Of the whole expression.
    regions : sequence of four float
        Weights of brows, eyes, cheeks and mouth; 1 leaves a region as it is.
    """
    weights = 1 + region_fields() @ (np.array(regions, np.float32) - 1)
    return np.asarray(strength * weights, np.float32)
