"""Results of the landmark model, read from memory, against MediaPipe's own way."""

from __future__ import annotations

import ctypes

import cv2
import numpy as np
import pytest

from livexpr import landmark_memory
from livexpr.landmarks import Landmarker


class _Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_float), ("y", ctypes.c_float), ("z", ctypes.c_float),
                ("seen", ctypes.c_bool), ("name", ctypes.c_char_p))  # fmt: skip


class _Points(ctypes.Structure):
    _fields_ = (("landmarks", ctypes.POINTER(_Point)), ("landmarks_count", ctypes.c_uint32))


class _Shape(ctypes.Structure):
    _fields_ = (("index", ctypes.c_int), ("score", ctypes.c_float), ("name", ctypes.c_char_p))


class _Shapes(ctypes.Structure):
    _fields_ = (("categories", ctypes.POINTER(_Shape)), ("categories_count", ctypes.c_uint32))


class _Result(ctypes.Structure):
    _fields_ = (
        ("face_landmarks", ctypes.POINTER(_Points)),
        ("face_landmarks_count", ctypes.c_uint32),
        ("face_blendshapes", ctypes.POINTER(_Shapes)),
        ("face_blendshapes_count", ctypes.c_uint32),
    )


def test_no_face_is_no_reading() -> None:
    assert landmark_memory.readings(_Result()) == []


def test_readings_are_copies_of_what_lies_in_memory() -> None:
    points = (_Point * 3)((1, 2, 3), (4, 5, 6), (7, 8, 9))
    shapes = (_Shape * 2)((0, 0.25), (1, 0.5))
    result = _Result((_Points * 1)((points, 3)), 1, (_Shapes * 1)((shapes, 2)), 1)
    (reading,) = landmark_memory.readings(result)
    points[0].x = 99
    np.testing.assert_array_equal(reading.points, np.arange(1, 10).reshape(3, 3))
    np.testing.assert_array_equal(reading.scores, [0.25, 0.5])
    assert reading.points.dtype == reading.scores.dtype == np.float32
    assert reading.points.flags.c_contiguous


@pytest.mark.parametrize("faces", [1, 2])
def test_readings_are_what_mediapipe_tells(faces, astronaut) -> None:
    from mediapipe import Image, ImageFormat

    pair = np.concatenate([astronaut[:240, 100:340]] * faces, axis=1)
    rgb = np.ascontiguousarray(cv2.cvtColor(pair, cv2.COLOR_BGR2RGB))
    with Landmarker(video=False, max_faces=2) as landmarker:
        ours = landmarker._detect_image(pair, 0)
        theirs = landmarker._model.detect(Image(image_format=ImageFormat.SRGB, data=rgb))
    assert len(ours) == len(theirs.face_landmarks) == faces
    for reading, points, shapes in zip(
        ours, theirs.face_landmarks, theirs.face_blendshapes, strict=True
    ):
        np.testing.assert_array_equal(
            reading.points, np.array([(p.x, p.y, p.z) for p in points], np.float32)
        )
        np.testing.assert_array_equal(
            reading.scores, np.array([s.score for s in shapes], np.float32)
        )
