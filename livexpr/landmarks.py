"""Edge: face landmarks per frame by MediaPipe. The only importer of mediapipe."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import numpy as np

from livexpr import face_mesh
from livexpr.errors import ModelError
from livexpr.head_pose import fit_pose
from livexpr.types import FaceTrack, Frame, NoFace

# The model's C++ side writes notices of no use to a user; errors still come as exceptions.
os.environ.setdefault("GLOG_minloglevel", "2")


class Landmarker:
    """MediaPipe Face Landmarker, frame by frame.

    Parameters
    ----------
    video : bool
        True for the frames of one source in order: the face is tracked from frame to frame.
        False for unrelated pictures.
    max_faces : int
        How many faces :meth:`detect_all` may return.

    Raises
    ------
    ModelError
        If the model asset is missing or altered, or the model does not start.
    """

    def __init__(self, *, video: bool = True, max_faces: int = 1) -> None:
        self._video = video
        self._max_faces = max_faces
        self._asset = face_mesh.model_bytes()
        self._model: Any = None
        self._last_timestamp_ms = -1
        self._build()

    def _build(self) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        mode = vision.RunningMode.VIDEO if self._video else vision.RunningMode.IMAGE
        try:
            self._model = vision.FaceLandmarker.create_from_options(
                vision.FaceLandmarkerOptions(
                    base_options=BaseOptions(model_asset_buffer=self._asset),
                    running_mode=mode,
                    num_faces=self._max_faces,
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

    def detect_all(self, frame: Frame) -> list[FaceTrack] | NoFace:
        """Return every face of `frame` (at least one), or :class:`NoFace`."""
        from mediapipe import Image, ImageFormat

        # The one place where BGR becomes RGB.
        rgb = np.ascontiguousarray(frame.pixels[..., ::-1])
        image = Image(image_format=ImageFormat.SRGB, data=rgb)
        try:
            if self._video:
                # Strictly rising, as the model demands, even when the clock stands still.
                timestamp_ms = max(int(frame.captured_at_s * 1000), self._last_timestamp_ms + 1)
                result = self._model.detect_for_video(image, timestamp_ms)
                self._last_timestamp_ms = timestamp_ms
            else:
                result = self._model.detect(image)
        except (RuntimeError, ValueError) as error:
            self.close()
            self._build()
            return NoFace(f"the landmark model failed and was restarted: {error}")
        if not result.face_landmarks:
            return NoFace("no face found")
        height, width = frame.pixels.shape[:2]
        faces = []
        for points, shapes in zip(result.face_landmarks, result.face_blendshapes, strict=True):
            landmarks = np.array([(p.x, p.y, p.z) for p in points], np.float32)
            landmarks *= np.array([width, height, width], np.float32)
            # The model counts from the outer edge of the first pixel; livexpr from its centre.
            landmarks[:, :2] -= 0.5
            if not np.isfinite(landmarks).all():
                return NoFace("the landmark model gave numbers that are not finite")
            blendshapes = np.array([s.score for s in shapes], np.float32)
            faces.append(FaceTrack(landmarks, blendshapes, fit_pose(landmarks)))
        return faces

    def close(self) -> None:
        """Release the model; safe to call twice."""
        if self._model is not None:
            model, self._model = self._model, None
            model.close()

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
