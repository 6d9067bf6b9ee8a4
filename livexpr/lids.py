"""Lids that would part further than what is known of the eye: held back.

What a parted lid then uncovers, and how lids slide over the eye, is in :mod:`livexpr.eyes`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.eyes import IRIS_CENTRES, IRIS_RADIUS_CM

_PER_EYE = len(face_mesh.RIGHT_LID_UPPER)
# Lids part no further than to show this much beyond the iris, as part of its radius: nobody's
# white of the eye is known that far.
REACH_CM = 1.18 * IRIS_RADIUS_CM
# A lid always has this much room, cm; and what part of its way need not be held back.
LEAST_ROOM_CM = 0.02
HARDLY = 1e-3
# Eyes open no further than the first of these are shut and stay so; from the second on they are
# open, cm.
BLINK_CM = (0.15, 0.45)
# Skin beside a lid that is held back is held back over this distance, cm.
_LID_REACH_CM = 0.8


@lru_cache(maxsize=1)
def beside_lids() -> NDArray[np.float32]:
    """Return how much each landmark goes with each lid, (4, 468), in the order of lids_with_irises.

    Skin above the eye goes with the upper lid, skin below with the lower.
    """
    rest = face_mesh.load().rest_cm
    lids = lids_with_irises()[:, :-1]
    fields = []
    for number, (lid, side) in enumerate(zip(lids, (1, 1, -1, -1), strict=True)):
        middle = (rest[lid] + rest[lids[(number + 2) % 4]])[:, :2] / 2
        order = np.argsort(middle[:, 0])
        line = np.interp(rest[:, 0], middle[order, 0], middle[order, 1])
        distance = np.linalg.norm(rest[:, None] - rest[lid][None], axis=2).min(axis=1)
        field = np.exp(-((distance / _LID_REACH_CM) ** 2)) * (side * (rest[:, 1] - line) > 0)
        field[lid] = 1
        fields.append(field)
    return np.asarray(fields, np.float32)


def lids_with_irises() -> NDArray[np.int32]:
    """Return the lids without their corners, and the middle of the iris of each, (4, 8).

    Upper right, upper left, lower right, lower left.
    """
    whole = np.array([face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS], np.int32)
    irises = np.array(IRIS_CENTRES * 2, np.int32)[:, None]
    return np.concatenate([whole.reshape(4, _PER_EYE)[:, 1:-1], irises], axis=1)
