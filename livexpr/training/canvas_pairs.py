"""Both photographs of a pair laid onto the canvas of an intensity map."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from livexpr import face_canvas, face_mesh, head_pose
from livexpr.intensity_map import Align
from livexpr.types import FaceTrack

CanvasPair: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Neutral and with the expression, (S, S, 3) uint8 BGR each."""

# A side, px, at which a curve of four intensities for each pixel and channel keeps a map's budget,
# and eyes are 48 px apart, as on average in the crop.
MESH_SIZE = 160
CANVAS_SIZE: dict[Align, int] = {"crop": face_canvas.CROP_SIZE, "mesh": MESH_SIZE}


def canvas_pairs(
    neutral_pixels: NDArray[np.uint8],
    neutral: FaceTrack,
    expressive_pixels: NDArray[np.uint8],
    expressive: FaceTrack,
) -> dict[Align, CanvasPair]:
    """Lay a pair of photographs onto the canvas of each alignment.

    Parameters
    ----------
    neutral_pixels, expressive_pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    neutral, expressive : FaceTrack
        The faces on them.

    Returns
    -------
    dict of alignment to CanvasPair
        In the crop each photograph lies by its own eyes and mouth, as in the paper. In the mesh
        both lie by the *neutral* shape, carried over to the other photograph with the head: a
        method that moves no pixel has to learn a risen corner of the mouth as an appearance.
    """
    head_cm = head_pose.to_head(
        neutral.landmarks_px[: face_mesh.N_LANDMARKS], neutral.frame_from_head
    )
    carried_px = head_pose.to_frame(head_cm, expressive.frame_from_head)
    layouts = {
        "crop": (
            face_canvas.crop_layout(neutral.landmarks_px),
            face_canvas.crop_layout(expressive.landmarks_px),
        ),
        "mesh": (
            face_canvas.mesh_layout(neutral.landmarks_px),
            face_canvas.mesh_layout(carried_px),
        ),
    }
    return {
        align: (
            face_canvas.unwrap(neutral_pixels, layouts[align][0], size),
            face_canvas.unwrap(expressive_pixels, layouts[align][1], size),
        )
        for align, size in CANVAS_SIZE.items()
    }
