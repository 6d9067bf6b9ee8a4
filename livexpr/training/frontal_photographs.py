"""Photographs of frontal faces, and the warps that lay them on the canvas by their landmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.errors import CameraError, LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pictures import PICTURE_SUFFIXES, read_image
from livexpr.training.canvas import (
    CANVAS_SIZE,
    FACE_CENTRE,
    FACE_HEIGHT,
    GRID_PX,
    between_grid_points,
    canvas_grid,
    spline_operator,
)
from livexpr.types import Frame, NoFace

_MAX_TURN_RAD = np.radians(15)
_LEAST_PHOTOGRAPHS = 3


@dataclass(frozen=True, slots=True)
class Photograph:
    """A frontal neutral face: pixels (H, W, 3) uint8 BGR, landmarks (468, 2) float32 px."""

    pixels: NDArray[np.uint8]
    landmarks_px: NDArray[np.float32]


def read_photographs(
    folder: Path, on_progress: Callable[[str], None] = lambda name: None
) -> list[Photograph]:
    """Read every picture of a folder that shows a frontal face, in order of their names.

    Raises
    ------
    LivexprError
        If fewer than three are of use.
    """
    photographs = []
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    with Landmarker(video=False) as landmarker:
        for path in paths:
            on_progress(path.name)
            try:
                pixels = read_image(path)
            except CameraError:
                continue
            track = landmarker.detect(Frame(pixels, 0, 0.0))
            if isinstance(track, NoFace):
                continue
            yaw, pitch, _ = head_pose.angles_rad(track.frame_from_head)
            if max(abs(yaw), abs(pitch)) <= _MAX_TURN_RAD:
                landmarks = track.landmarks_px[: face_mesh.N_LANDMARKS, :2]
                photographs.append(Photograph(pixels, landmarks))
    if len(photographs) < _LEAST_PHOTOGRAPHS:
        raise LivexprError(
            f"{folder}: {len(photographs)} pictures of {len(paths)} show one frontal face, "
            f"at least {_LEAST_PHOTOGRAPHS} are needed"
        )
    return photographs


def _similarity(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the plane similarity, (2, 3), that takes stable landmarks nearest to `target`'s."""
    stable = list(face_mesh.STABLE)
    flat = [np.pad(points[stable], ((0, 0), (0, 1))) for points in (source, target)]
    fitted = head_pose.fit_similarity(flat[0], flat[1])[:2, [0, 1, 3]]
    return np.asarray(fitted, np.float64)


def mean_shape(shapes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of aligned landmarks, (468, 2) float32, at its place on the canvas."""
    mean = shapes[0]
    for _ in range(5):
        fits = [_similarity(shape, mean) for shape in shapes]
        aligned = [s @ m[:, :2].T + m[:, 2] for s, m in zip(shapes, fits, strict=True)]
        mean = np.mean(aligned, axis=0).astype(np.float32)
    middle = (mean.min(axis=0) + mean.max(axis=0)) / 2
    scale = FACE_HEIGHT / np.ptp(mean[:, 1])
    return np.asarray((mean - middle) * scale + np.array(FACE_CENTRE), np.float32)


def warps_of(
    photographs: Sequence[Photograph], mean: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Return for each photograph where each canvas pixel looks at grid points."""
    operator = spline_operator(mean, np.empty((0, 2), np.float32))
    grid = canvas_grid()
    warps = []
    for photograph in photographs:
        inverse = cv2.invertAffineTransform(_similarity(photograph.landmarks_px, mean))
        residuals = photograph.landmarks_px - (mean @ inverse[:, :2].T + inverse[:, 2])
        bent = (operator @ residuals).reshape(grid.shape)
        warps.append((grid @ inverse[:, :2].T + inverse[:, 2] + bent).astype(np.float32))
    return warps


def dense(warp: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return a warp at every `step`-th pixel of the canvas, (H/step, W/step, 2)."""
    width, height = CANVAS_SIZE
    rows, columns = np.mgrid[: height // step, : width // step].astype(np.float32)
    middle = np.float32((step - 1) / 2)
    x, y = ((axis * step + middle) / GRID_PX for axis in (columns, rows))
    return between_grid_points(warp, x, y)
