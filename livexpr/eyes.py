"""Eyes under lids that move: lids slide over an eyeball that stays where it is.

Lashes and the shade under them go with the lid. Nothing is known of the eyeball behind a lid, but
it is round: whatever lies at one distance from the middle of the iris looks much the same all
around. What a lid uncovers therefore observes the visible part of the circle about the iris on
which it lies. So the iris stays round, white stays white, and circles that the live lids leave
whole do not change at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import sheets
from livexpr import face_mesh

# The middle of each iris, right eye first, as the lids are.
IRIS_CENTRES = (468, 473)
# Radius of the iris on the reference face, cm: the model's iris landmarks on the London set lie
# between 0.61 and 0.71.
IRIS_RADIUS_CM = 0.66
_PER_EYE = len(face_mesh.RIGHT_LID_UPPER)
# Each piece of a lid between two landmarks is cut into so many columns.
_CUTS = 3
_COLUMNS = (_PER_EYE - 1) * _CUTS + 1
# Rows: of each lid its margin, the end of its lashes and where they have given way to the eye;
# and so many between.
_INNER_ROWS = 4
_N_ROWS = _INNER_ROWS + 6
# Lashes and their shade reach this deep into the eye, upper and lower, cm, but no deeper than
# that part of its opening; they give way to the eye within this distance, cm.
_LASHES_CM = np.array([0.09, 0.05], np.float32)[:, None, None]
_LASHES_PART = np.float32(0.2)
_GIVING_WAY_CM = 0.03
# The iris is looked for between these parts of the eye's width.
_IRIS_RANGE = (0.15, 0.85)
# What a lid uncovers is taken from an arc so much longer than what is uncovered of its circle:
# short, so that lights on the eye stay as they are and the shade under the lid goes with it.
_YIELDING = 0.35
# Rounds in which points find their place on their circle under a lid that is not level.
_SLIDES = 3
# Lids that move by less than this slide over nothing that could be seen, cm.
_LEAST_CM = 0.03
# Of the upper and the lower lid of the right and of the left eye; and whether they open up or down.
_LIDS = np.array([face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS], np.intp).reshape(2, 2, _PER_EYE)
_ALL_LIDS = _LIDS.ravel()
# Irises, and the corners of the right and of the left eye.
_MIDDLES = np.array([*IRIS_CENTRES, *face_mesh.EYE_CENTRES[0], *face_mesh.EYE_CENTRES[1]])
_OUTWARDS = np.array([1, -1], np.float32)[:, None, None]


class EyeMesh(NamedTuple):
    """Both eyes as a mesh finer than that of the face.

    Attributes
    ----------
    target_px, source_px : ndarray of shape (N, 2), float32
        Where each vertex is drawn, and what it observes.
    triangles : ndarray of shape (2, M, 3), int32
        Indices of these vertices; of the right eye, of the left eye.
    """

    target_px: NDArray[np.float32]
    source_px: NDArray[np.float32]
    triangles: NDArray[np.int32]


@lru_cache(maxsize=1)
def _cutting() -> NDArray[np.float32]:
    """Return the weights that make columns of the landmarks of a lid, (_COLUMNS, 9)."""
    at = np.arange(_COLUMNS) / _CUTS
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(_PER_EYE)), 0)
    return np.asarray(weights, np.float32)


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.int32]:
    """Return the triangles of every cell of one sheet, (columns - 1, rows - 1, 2, 3)."""
    vertex = np.arange(_N_ROWS * _COLUMNS, dtype=np.int32).reshape(_N_ROWS, _COLUMNS)
    a, b, c, d = vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]
    cells = np.stack([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)], axis=2)
    return np.ascontiguousarray(cells.swapaxes(0, 1))


def eye_mesh(
    live: NDArray[np.float32],
    moved: NDArray[np.float32],
    down: NDArray[np.float32],
    scale_px_per_cm: float,
) -> EyeMesh | None:
    """Return what the eyes show under lids that move; None if they hardly do.

    Parameters
    ----------
    live : ndarray of shape (478, 2), float32
        Landmarks and irises, px.
    moved : ndarray of shape (468, 2), float32
        Landmarks of the target.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    scale_px_per_cm : float

    Returns
    -------
    EyeMesh or None
    """
    x, y = down.tolist()
    axes = np.array([[y, -x], [-x, -y]], np.float32)
    centre = _iris_centres(live, axes)
    lids = _lids(live, moved, axes, centre, scale_px_per_cm)
    least = _LEAST_CM * scale_px_per_cm
    most = float(lids.parted.max())
    if max(most, -float(lids.parted.min())) < least:
        return None
    giving_way = _GIVING_WAY_CM * scale_px_per_cm
    columns = np.abs(lids.moved[..., 0].sum(axis=0)).argmin(axis=1)
    yielding = sheets.Yielding(giving_way, _YIELDING, _SLIDES, uncovers=most > least)
    laid = sheets.lay(lids, _N_ROWS, columns.astype(np.int64), yielding)
    laid += centre[:, None, None]
    # The axes are their own inverse. Flat, for products of more axes than two are slow.
    target, source = (laid.reshape(-1, 2) @ axes).reshape(2, -1, 2)
    return EyeMesh(target, source, _halves(int(columns[0]), int(columns[1])))


def _iris_centres(live: NDArray[np.float32], axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the middle of each iris along the head's axes, (2, 2), between the eye's corners."""
    points = live.take(_MIDDLES, axis=0) @ axes
    # In plain numbers, which takes a fraction of NumPy's time for so few.
    rows = points.tolist()
    first, last = _IRIS_RANGE
    centres = []
    for (x, y), (one, _), (other, _) in ((rows[0], *rows[2:4]), (rows[1], *rows[4:6])):
        start, width = min(one, other), abs(other - one)
        centres.append((min(max(x, start + first * width), start + last * width), y))
    return np.array(centres, np.float32)


def _lids(
    live: NDArray[np.float32],
    moved: NDArray[np.float32],
    axes: NDArray[np.float32],
    centre: NDArray[np.float32],
    scale_px_per_cm: float,
) -> sheets.Edges:
    """Return upper and lower lids of both eyes; points are along the head's axes."""
    both = np.concatenate([points.take(_ALL_LIDS, axis=0) for points in (live, moved)])
    lids = (both @ axes).reshape(2, 2, 2, _PER_EYE, 2)
    lids -= centre[:, None]
    seen, wanted = _cutting() @ lids
    parted = _OUTWARDS * (wanted - seen)[..., 1]
    opening = np.maximum(seen[0, ..., 1] - seen[1, ..., 1], 0)
    lashes = np.minimum(_LASHES_CM * np.float32(scale_px_per_cm), _LASHES_PART * opening)
    return sheets.Edges(seen, wanted, parted, np.minimum(lashes, np.abs(parted)))


@lru_cache(maxsize=64)
def _halves(right: int, left: int) -> NDArray[np.int32]:
    """Return the triangles of both eyes, (2, M, 3): of each, the two sides of its iris.

    Parameters
    ----------
    right, left : int
        The column over the middle of the iris, of the right and of the left eye.
    """
    sheet = _N_ROWS * _COLUMNS
    eyes = []
    for eye, column in enumerate((right, left)):
        rightwards = _cells()[:column] + np.int32(eye * sheet)
        leftwards = _cells()[column:] + np.int32((2 + eye) * sheet)
        eyes.append(np.concatenate([rightwards, leftwards]).reshape(-1, 3))
    triangles = np.asarray(eyes, np.int32)
    triangles.setflags(write=False)
    return triangles
