"""The report's contact sheets, of derived faces only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from livexpr.training.contact_sheet import Crop, face_box
from livexpr.training.evaluation.derived_faces import DerivedFace
from livexpr.training.evaluation.portraits import Image
from livexpr.training.judges import crop
from livexpr.training.sheet_layout import Cell, make_sheet
from livexpr.types import FaceTrack

FilterPicture = Callable[[Image, FaceTrack], Image]
_CELL_PX = 160
_MOST_IN_A_ROW = 8


def draw_sheet(faces: Sequence[DerivedFace], filters: Mapping[str, FilterPicture]) -> bytes:
    """Return a PNG: for each face its picture and what each filter makes of it.

    Parameters
    ----------
    faces : sequence of DerivedFace
        At least one.
    filters : Mapping of str to callable
        Title -> filter of a picture with the face on it.
    """
    rows = []
    for face in faces:
        cells = [Cell(face.label, _small(face.pixels, face))]
        cells += [
            Cell(title, _small(apply(face.pixels, face.track), face))
            for title, apply in filters.items()
        ]
        n_rows = math.ceil(len(cells) / _MOST_IN_A_ROW)
        length = math.ceil(len(cells) / n_rows)
        rows += [cells[start : start + length] for start in range(0, len(cells), length)]
    _, encoded = cv2.imencode(".png", make_sheet(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return encoded.tobytes()


def _small(pixels: Image, face: DerivedFace) -> Image:
    """Return the face with a margin, as wide as a cell."""
    cut = crop(pixels, face_box(face.track, pixels.shape, Crop.FACE))
    height = round(cut.shape[0] * _CELL_PX / cut.shape[1])
    small = cv2.resize(cut, (_CELL_PX, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
