"""Keep the moved mesh from folding over itself, whatever maps and amounts are added.

A triangle that is squeezed flat or turned over shows a crease or the same skin twice. Where that
threatens, its corners are moved apart by as little as will do, in proportion to what is missing:
so the limit neither flickers nor holds back what a part of the face does as a whole. Triangles
that the live head itself hides are left alone. The moving is done in :mod:`kernels.folds`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import folds as kernel
from kernels import settling
from livexpr import face_mesh
from livexpr.margins import FIRST_OPENING, LEAST_PARTS, OPENINGS, PAIRS, keep_open

# No triangle that faces the camera shrinks below this part of its live area.
LEAST_AREA = 0.12
# Of a triangle's area at rest, what the live one must have to count as facing the camera: from
# the first part on a little, from the second wholly.
FACING_RANGE = (0.06, 0.2)
# One that is turned away may turn over by this part of its area at rest.
_FREELY = 4.0
_ROUNDS = 8
# Rounds in which what folds nevertheless is held back little by little.
_GENTLE_ROUNDS = 16
# Rounds in which vertices are held back that still fold; the part of the least area that they may
# lack before they are, and what they are then given beyond that.
_HOLDING_ROUNDS, _ROUNDS_BETWEEN = 60, 2
_SPARED, _BEYOND = np.float32(0.8), np.float32(0.1)
# Several triangles at one vertex ask for more than the mean of what each asks. What holds back
# little at a time stops where it is enough.
_LIMITS = kernel.Limits(tolerance=0.1, eagerness=2, least_kept=0.92)
_ASKING = np.array(settling.Asking(LEAST_AREA, *FACING_RANGE, _FREELY), np.float32)


class _Surface(NamedTuple):
    """Skin and collar, without eyes and mouth: triangles (T, 3), and margins (P, 2) that pair."""

    triangles: NDArray[np.int32]
    rest_area_cm2: NDArray[np.float32]
    openings: NDArray[np.int32]


@lru_cache(maxsize=1)
def _surface() -> _Surface:
    mesh = face_mesh.load()
    n = face_mesh.COLLAR.stop
    triangles = np.ascontiguousarray(mesh.triangles[(mesh.triangles < n).all(axis=1)], np.int32)
    a, b, c = face_mesh.all_vertices(mesh.rest_cm)[triangles.T]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    # Where one margin of a mouth or an eye is held back, so is the other.
    openings = np.ascontiguousarray(np.stack(OPENINGS, axis=1), np.int32)
    return _Surface(triangles, area.astype(np.float32), openings)


def doubled_areas(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return twice the signed area of every triangle of skin and collar, (T,), float32.

    Parameters
    ----------
    points : ndarray of shape (V, 2), float32
        Vertices; positive areas face the camera.
    """
    points = np.ascontiguousarray(points, np.float32)
    return kernel.doubled_areas(points, _surface().triangles)


def facing(live: NDArray[np.float32], scale_px_per_cm: float) -> NDArray[np.float32]:
    """Return how much each triangle of skin and collar faces the camera, (T,), in [0, 1].

    Parameters
    ----------
    live : ndarray of shape (V, 2), float32
        The live vertices, px.
    scale_px_per_cm : float
    """
    start, stop = FACING_RANGE
    part = doubled_areas(live) / (_surface().rest_area_cm2 * np.float32(scale_px_per_cm**2))
    return np.asarray(np.clip((part - start) / (stop - start), 0, 1), np.float32)


def asked(
    live: NDArray[np.float32], down: NDArray[np.float32], scale_px_per_cm: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is asked of the moved mesh.

    Of the :func:`doubled_areas` of triangles, part of what those have live that face the camera;
    the more one is turned away, the more it may fold. Of the gaps of pairs of lips and lids a part
    of what they are live, where that is positive, or else what they are; of the inner lips 0.

    Parameters
    ----------
    live : ndarray of shape (V, 2) or wider, float32
        The live vertices, px.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    scale_px_per_cm : float

    Returns
    -------
    areas : ndarray of shape (T,), float32
    gaps : ndarray of shape (P,), float32
    """
    surface = _surface()
    return settling.asked(
        live, surface.triangles, surface.rest_area_cm2, _ASKING, scale_px_per_cm, PAIRS,
        LEAST_PARTS, down,
    )  # fmt: skip


def keep_whole(
    target: NDArray[np.float32],
    live: NDArray[np.float32],
    down: NDArray[np.float32],
    scale_px_per_cm: float,
) -> None:
    """Keep lips and lids on their own sides and unfold what is folded, in place.

    Lips and lids may fold what was unfolded, so they are seen to in turn; that lips be thick
    counts for less than that nothing folds.

    Parameters
    ----------
    target : ndarray of shape (V, 2), float32
        Vertices of skin and collar are read, and the landmarks among them moved.
    live, down, scale_px_per_cm
        As for :func:`asked`.
    """
    areas, gaps = asked(live, down, scale_px_per_cm)
    triangles, free = _surface().triangles, face_mesh.N_LANDMARKS
    if not settling.settle(
        target, triangles, areas, PAIRS, gaps, down, free, _ROUNDS, FIRST_OPENING, _LIMITS
    ):
        return
    source = np.ascontiguousarray(live[:, :2])
    for gentle_rounds in (_GENTLE_ROUNDS, 0):
        hold_back(target, source, areas, gentle_rounds)
        keep_open(target, gaps, down)


def unfold(target: NDArray[np.float32], least: NDArray[np.float32]) -> bool:
    """Move vertices of folded triangles apart, in place; say whether there were any.

    Parameters
    ----------
    target : ndarray of shape (V, 2), float32
        Vertices, px; the landmarks among them are moved.
    least : ndarray of shape (T,), float32
        As from :func:`asked`.
    """
    free = face_mesh.N_LANDMARKS
    return kernel.unfold(target, _surface().triangles, least, free, _ROUNDS, _LIMITS)


def hold_back(
    target: NDArray[np.float32],
    source: NDArray[np.float32],
    least: NDArray[np.float32],
    gentle_rounds: int,
) -> None:
    """Move vertices less whose triangles are folded nevertheless; in place.

    Parameters
    ----------
    target : ndarray of shape (V, 2), float32
        Vertices, px; skin and collar among them are moved.
    source : ndarray of shape (V, 2), float32
        The live vertices, px.
    least : ndarray of shape (T,), float32
        As for :func:`unfold`; a part of that is enough.
    gentle_rounds : int
        In which vertices are held back little and unfolded between: what is nearer to the live
        face unfolds more easily. Without, margins of mouth and eyes that were far enough apart
        stay so.
    """
    spared = np.float32(LEAST_AREA) * np.maximum(doubled_areas(source), 0)
    limit = least - _SPARED * spared
    goal = limit + _BEYOND * spared
    n = face_mesh.COLLAR.stop
    surface = _surface()
    kernel.hold_back(
        target[:n],
        source[:n],
        surface.triangles,
        least,
        limit,
        goal,
        surface.openings,
        face_mesh.N_LANDMARKS,
        (gentle_rounds, _ROUNDS_BETWEEN, _HOLDING_ROUNDS),
        _LIMITS,
    )
