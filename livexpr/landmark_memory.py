"""What the landmark model's library returns, read from its memory as arrays.

MediaPipe's own Python makes an object of each of 478 landmarks and 52 blendshapes, which takes
0.5 ms in which no other thread of the program can go on.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_FLOAT_BYTES = 4


class Reading(NamedTuple):
    """One face as the model gives it.

    Attributes
    ----------
    points : ndarray of shape (N, 3), float32
        x and z as parts of the picture's width, y of its height; x and y from its upper left
        corner.
    scores : ndarray of shape (B,), float32
        Blendshapes, in the model's order.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]


def readings(result: Any) -> list[Reading]:
    """Return a copy of every face in a result of the library.

    Parameters
    ----------
    result : ctypes structure
        MediaPipe's ``FaceLandmarkerResultC``, not closed yet.
    """
    found = []
    for i in range(result.face_landmarks_count):
        face, shapes = result.face_landmarks[i], result.face_blendshapes[i]
        points = _floats(face.landmarks, face.landmarks_count, "x", "y", "z")
        scores = _floats(shapes.categories, shapes.categories_count, "score")[:, 0]
        found.append(Reading(points, scores))
    return found


def _floats(first: Any, count: int, *names: str) -> NDArray[np.float32]:
    """Return fields of `count` structures that lie one after another, (count, fields)."""
    structure = first._type_
    size = ctypes.sizeof(structure)
    held = (ctypes.c_char * (count * size)).from_address(ctypes.addressof(first.contents))
    memory = memoryview(held).cast("B")
    # As MediaPipe declares them, floats one after the other.
    start, shape = getattr(structure, names[0]).offset, (count, len(names))
    fields = np.ndarray(shape, np.float32, memory, start, (size, _FLOAT_BYTES))
    return np.array(fields, np.float32, order="C")
