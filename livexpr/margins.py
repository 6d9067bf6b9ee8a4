"""Margins of lips and lids: pairs of landmarks of which one stays above the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels import pairs as kernel
from livexpr import face_mesh

# Four rings of landmarks make up each lip, from the outer rim to the inner; right corner to left.
_UPPER_LIP: tuple[tuple[int, ...], ...] = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    face_mesh.INNER_LIP_UPPER,
)
_LOWER_LIP: tuple[tuple[int, ...], ...] = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    face_mesh.INNER_LIP_LOWER,
)
# Lids may close an open eye to this part of its opening, so that skin never hides the iris.
LEAST_LID_OPENING = 0.45
# Lips may become thinner down to this part of their live thickness.
LEAST_LIP_THICKNESS = 0.5
# Of the way of its inner ring, what each ring of a lip goes along, from the outer one inwards.
_FOLLOWING = (0.4, 0.6, 0.8)


def _rings(outer: int, inner: int) -> tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]:
    """Pair two rings of each lip, but for its corners, where they all run together."""
    middle = slice(1, -1)
    return (
        (_UPPER_LIP[outer][middle], _UPPER_LIP[inner][middle], LEAST_LIP_THICKNESS),
        (_LOWER_LIP[inner][middle], _LOWER_LIP[outer][middle], LEAST_LIP_THICKNESS),
    )


def _all_pairs() -> tuple[kernel.Pairs, NDArray[np.float32], int]:
    """Return the pairs in the order in which they are seen to, and what each keeps of its gap.

    The openings come last, so that they hold in the end: from which pair on is returned too.
    Rings of the lips follow the inner ones.
    """
    rings = (*_rings(0, 1), *_rings(2, 3), *_rings(1, 2))
    openings = (
        (face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS, LEAST_LID_OPENING),
        (face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, 0.0),
    )
    rows = [
        (a, b, part)
        for above, below, part in (*rings, *openings)
        for a, b in zip(above, below, strict=True)
        if a != b
    ]
    first_opening = sum(len(above) for above, _, _ in rings)
    n_inner = len(face_mesh.INNER_LIP_UPPER) - 2
    inner = range(len(rows) - n_inner, len(rows))
    followers = [
        (vertex, leader, side * part)
        for side, lip in ((-1, _UPPER_LIP), (1, _LOWER_LIP))
        for ring, part in zip(lip[:-1], _FOLLOWING, strict=True)
        for vertex, leader in zip(ring[1:-1], inner, strict=True)
    ]
    above, below, parts = zip(*rows, strict=True)
    pairs = kernel.make_pairs(above, below, *zip(*followers, strict=True))
    return pairs, np.array(parts, np.float32), first_opening


PAIRS, LEAST_PARTS, FIRST_OPENING = _all_pairs()
"""Pairs of lips and lids; of its gap, what each keeps; from which pair on they are margins of mouth
and eyes."""
OPENINGS = (PAIRS.above[FIRST_OPENING:], PAIRS.below[FIRST_OPENING:])


def gaps(
    points: NDArray[np.float32],
    upper: tuple[int, ...] | NDArray[np.signedinteger],
    lower: tuple[int, ...] | NDArray[np.signedinteger],
    down: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return how far each lower landmark lies below its upper one, px."""
    apart = points.take(np.asarray(lower), axis=0) - points.take(np.asarray(upper), axis=0)
    return np.asarray(apart @ down, np.float32)


def keep_open(
    points: NDArray[np.float32], least: NDArray[np.float32], down: NDArray[np.float32]
) -> None:
    """Move margins of mouth and eyes apart, in place, until their gaps are `least` px or more.

    The lips go with their inner rims.

    Parameters
    ----------
    points : ndarray of shape (N, 2), float32
        N at least 468; landmarks of the target, px.
    least : ndarray, float32
        For each of :data:`PAIRS`.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    """
    kernel.keep_apart(points, PAIRS, least, down, FIRST_OPENING)


def keep_apart(
    points: NDArray[np.float32],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    down: NDArray[np.float32],
    least: NDArray[np.float32],
) -> None:
    """Move pairs of `points` apart, in place, until their gaps are at least `least` px."""
    missing = np.maximum(least - gaps(points, upper, lower, down), 0)[:, None] * down
    points[list(upper)] -= missing / 2
    points[list(lower)] += missing / 2
