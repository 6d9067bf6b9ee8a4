"""Edge: face landmarks per frame by MediaPipe. The only importer of mediapipe."""

from __future__ import annotations

import ctypes
import os
import textwrap
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, memory
from livexpr.deferred import deferred
from livexpr.errors import ModelError
from livexpr.head_pose import fit_pose
from livexpr.landmark_memory import Reading, readings
from livexpr.model_picture import ModelPictures
from livexpr.quiet_stderr import quiet_native_stderr
from livexpr.types import Faces, FaceTrack, Frame, NoFace

# The model's C++ side writes notices of no use to a user; errors still come as exceptions.
os.environ.setdefault("GLOG_minloglevel", "2")

# What MediaPipe imports besides, and the landmark model has no use for: drawing loads matplotlib,
# and sound starts a compiler to look for its library. They take ten times as long as the rest.
_UNUSED = (
    "mediapipe.tasks.python.audio",
    "mediapipe.tasks.python.genai",
    "mediapipe.tasks.python.text",
    "mediapipe.tasks.python.vision.drawing_styles",
    "mediapipe.tasks.python.vision.drawing_utils",
)

# The picture on which the model runs once when it starts, px.
_FIRST_SIZE = 64
# Of the model's own words, which go over many lines, so many characters are passed on.
_LONGEST_CAUSE = 160


class Landmarker:
    """MediaPipe Face Landmarker, frame by frame.

    Parameters
    ----------
    video : bool
        True for the frames of one source in order: the face is tracked from frame to frame.
        False for unrelated pictures.
    max_faces : int
        How many faces :meth:`detect_all` may return. In a video the model looks over the whole
        picture whenever it has fewer: two with one face in sight cost a sixth more than one, and
        each further face as much as the first.
    asset : bytes, optional
        The model; by default the one in the package, checked.

    Attributes
    ----------
    max_faces : int

    Raises
    ------
    ModelError
        If the model asset is missing or altered, or the model does not start.
    """

    def __init__(
        self, *, video: bool = True, max_faces: int = 1, asset: bytes | None = None
    ) -> None:
        self._video = video
        self.max_faces = max_faces
        self._asset = face_mesh.model_bytes() if asset is None else asset
        self._model: Any = None
        self._last_timestamp_ms = -1
        self._pictures = ModelPictures(_image)
        self._build()

    def _build(self) -> None:
        """Start the model and let it run once, so that the first frame is not late."""
        with quiet_native_stderr():
            self._start()
            self._detect_image(np.zeros((_FIRST_SIZE, _FIRST_SIZE, 3), np.uint8), 0)

    def _start(self) -> None:
        with deferred(_UNUSED):
            from mediapipe.tasks.python import BaseOptions, vision

        mode = vision.RunningMode.VIDEO if self._video else vision.RunningMode.IMAGE
        try:
            self._model = vision.FaceLandmarker.create_from_options(
                vision.FaceLandmarkerOptions(
                    base_options=BaseOptions(model_asset_buffer=self._asset),
                    running_mode=mode,
                    num_faces=self.max_faces,
                    output_face_blendshapes=True,
                )
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"the landmark model does not start: {error}; try `livexpr doctor`"
            ) from error
        self._last_timestamp_ms = -1

    def detect(self, frame: Frame) -> FaceTrack | NoFace:
        """Return the largest face of `frame`, or :class:`NoFace`.

        After an internal error of the model it is built anew; that frame is a NoFace.

        Raises
        ------
        ModelError
            If the model cannot be built anew.
        """
        faces = self.detect_all(frame)
        if isinstance(faces, NoFace):
            return faces
        return max(faces, key=lambda face: float(np.ptp(face.landmarks_px[:, 1])))

    def prepare(self, frame: Frame) -> None:
        """Make the next frame ready while another one is looked at; from another thread."""
        self._pictures.prepare(frame.pixels)

    def detect_all(self, frame: Frame) -> Faces:
        """Return every face of `frame` (at least one), or :class:`NoFace`."""
        if self._model is None:
            self._build()
        try:
            found = self._detect_image(frame.pixels, int(frame.captured_at_s * 1000))
        except (RuntimeError, ValueError) as error:
            self.close()
            self._build()
            cause = textwrap.shorten(str(error), _LONGEST_CAUSE)
            return NoFace(f"the landmark model failed and was restarted: {cause}")
        if not found:
            return NoFace("no face found")
        height, width = frame.pixels.shape[:2]
        faces = []
        for points, blendshapes in found:
            landmarks = points * np.array([width, height, width], np.float32)
            # The model counts from the outer edge of the first pixel; livexpr from its centre.
            landmarks[:, :2] -= 0.5
            if not np.isfinite(landmarks).all():
                return NoFace("the landmark model gave numbers that are not finite")
            faces.append(FaceTrack(landmarks, blendshapes, fit_pose(landmarks)))
        return tuple(faces)

    def _detect_image(self, pixels: NDArray[np.uint8], timestamp_ms: int) -> list[Reading]:
        """Run the model on a BGR picture; RuntimeError or ValueError if it fails."""
        from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarkerResultC

        image = self._pictures.showing(pixels)
        # As the model's own methods of these names do, but for what they make of the result.
        handle, picture, result = self._model._handle, image._image_ptr, FaceLandmarkerResultC()
        to_fill = ctypes.byref(result)
        if self._video:
            # Strictly rising, as the model demands, even when the clock stands still.
            self._last_timestamp_ms = max(timestamp_ms, self._last_timestamp_ms + 1)
            self._call("DetectForVideo", handle, picture, None, self._last_timestamp_ms, to_fill)
        else:
            self._call("DetectImage", handle, picture, None, to_fill)
        try:
            return readings(result)
        finally:
            self._library.MpFaceLandmarkerCloseResult(to_fill)

    @property
    def _library(self) -> Any:
        """The model's library, called in this thread: its Python has another one call it."""
        return self._model._lib._lib

    def _call(self, name: str, *arguments: Any) -> None:
        """Call a function of the library that tells how it went; raise what its Python would."""
        from mediapipe.tasks.python.core import mediapipe_c_utils

        message = ctypes.c_char_p()
        function = getattr(self._library, f"MpFaceLandmarker{name}")
        status = function(*arguments, ctypes.byref(message))
        if status != mediapipe_c_utils.MpStatus.MP_OK:
            try:
                mediapipe_c_utils.handle_status(status, message)
            finally:
                if message.value is not None:
                    self._library.MpErrorFree(message)

    def close(self) -> None:
        """Release the model; safe to call twice. A later frame would build it anew."""
        if self._model is not None:
            model, self._model = self._model, None
            try:
                model.close()
            except (RuntimeError, ValueError):
                # A model that has failed tells its error once more when it is closed, and keeps
                # its handle: its destructor would close it a second time, and can hang in that.
                model._handle = None
            memory.give_back()

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _image(rgb: NDArray[np.uint8]) -> Any:
    from mediapipe import Image, ImageFormat

    return Image(image_format=ImageFormat.SRGB, data=rgb)
