"""Eyes under lids that move: lids slide over an eyeball that stays where it is.

Lashes and the shade under them go with the lid. Nothing is known of the eyeball behind a lid, but
it is round: whatever lies at one distance from the middle of the iris looks much the same all
around. What a lid uncovers therefore observes the visible part of the circle about the iris on
which it lies. So the iris stays round, white stays white, and circles that the live lids leave
whole do not change at all.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels import seams, sheets
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
_LASHES_CM = (0.09, 0.05)
_LASHES_PART = 0.2
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
# Of the upper and the lower lid of the right and of the left eye; and irises with eye corners.
_LIDS = np.array([face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS], np.int32).reshape(2, 2, _PER_EYE)
_SEAMS = seams.Seams(
    edges=_LIDS,
    discs=np.array(
        [(iris, *ends) for iris, ends in zip(IRIS_CENTRES, face_mesh.EYE_CENTRES, strict=True)],
        np.int32,
    ),
    cuts=_CUTS,
    n_points=max(IRIS_CENTRES) + 1,
    n_edge_points=face_mesh.N_LANDMARKS,
)
_SHEETS = (2, 2, _N_ROWS, _COLUMNS)
N_VERTICES = math.prod(_SHEETS)
"""Of both eyes together."""


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.int32]:
    """Return the triangles of every cell of one sheet, (columns - 1, rows - 1, 2, 3)."""
    vertex = np.arange(_N_ROWS * _COLUMNS, dtype=np.int32).reshape(_N_ROWS, _COLUMNS)
    a, b, c, d = vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]
    cells = np.stack([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)], axis=2)
    return np.ascontiguousarray(cells.swapaxes(0, 1))


def eye_mesh(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    live: NDArray[np.float32],
    moved: NDArray[np.float32],
    down: NDArray[np.float32],
    scale_px_per_cm: float,
) -> NDArray[np.int32] | None:
    """Lay the mesh of what the eyes show under lids that move, unless they hardly do.

    It is finer than that of the face.

    Parameters
    ----------
    target : ndarray of shape (N_VERTICES, 2), float32
        Written: where each vertex is drawn.
    values : ndarray of shape (N_VERTICES, 5), float32
        The first two are written: what each vertex observes.
    live : ndarray of shape (478, 3), float32
        Landmarks and irises, px.
    moved : ndarray of shape (N, 2), float32
        Landmarks of the target, N at least 468.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    scale_px_per_cm : float

    Returns
    -------
    triangles : ndarray of shape (2, M, 3), int32, or None
        Indices of these vertices; of the right eye, of the left eye.
    """
    upper, lower = _LASHES_CM
    cutting = np.array(
        [upper * scale_px_per_cm, lower * scale_px_per_cm, _LASHES_PART, *_IRIS_RANGE], np.float32
    )
    cut = seams.cut(live, moved, _SEAMS, cutting, down)
    least = _LEAST_CM * scale_px_per_cm
    if max(cut.most, -cut.least) < least:
        return None
    giving_way = _GIVING_WAY_CM * scale_px_per_cm
    yielding = sheets.Yielding(giving_way, _YIELDING, _SLIDES, uncovers=cut.most > least)
    sheets.lay(
        target.reshape(*_SHEETS, 2), values.reshape(*_SHEETS, 5), cut.edges, cut.middle,
        cut.centres, down, yielding,
    )  # fmt: skip
    right, left = cut.middle.tolist()
    return _halves(right, left)


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
    return triangles
