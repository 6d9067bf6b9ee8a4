"""The skin of a face in a few hundred samples, each the same spot on every frame.

Laid out in face space, so coarsely that pores, noise and blur do not count, without mouth and
eyes, which are not alike from frame to frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.types import FaceTrack

ZONES = ("brows", "eyes", "lower face")

# Samples along each side of face space: so coarse that pores, noise and blur do not count.
_SIDE = 32
# So many times finer are the triangles drawn in which samples are looked up.
_FINER = 16


class Part(NamedTuple):
    """A part of the face that is judged as one.

    Attributes
    ----------
    zone : str
        For which it speaks, one of ``ZONES``.
    landmarks : tuple of int
        Around which it lies.
    suspect : float
        From which share of it on something unlike it is something before it. Lips in speech
        are unlike themselves now and then.
    """

    zone: str
    landmarks: tuple[int, ...]
    suspect: float = 0.25


PARTS = (
    Part("brows", (70, 105, 66)),
    Part("brows", (300, 334, 296)),
    Part("brows", (10, 151)),
    Part("eyes", (33, 145, 133, 230, 226)),
    Part("eyes", (263, 374, 362, 450, 446)),
    Part("lower face", (6, 4, 1)),
    Part("lower face", (50, 205, 187, 123)),
    Part("lower face", (280, 425, 411, 352)),
    Part("lower face", (136, 172, 149, 212, 210)),
    Part("lower face", (365, 397, 378, 432, 430)),
    Part("lower face", (0, 17, 164, 13, 14), suspect=0.4),
    Part("lower face", (61, 57, 40, 91)),
    Part("lower face", (291, 287, 270, 321)),
    Part("lower face", (152, 199, 200, 18, 175)),
)
# Skin that looks away from the camera is not compared: beyond the first cosine (of its normal
# with the line of sight) not at all, from the first plus the second on fully.
_FACING = (0.35, 0.3)
# Colours are compared as log luma and the logs of red and blue over green. Grey levels are raised
# by so much before, so that the noise of dark pixels does not count.
_NOISE_FLOOR = 10.0
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


@dataclass(frozen=True, slots=True)
class Samples:
    """Points of the skin, outside mouth and eyes: K of them, in the same place on every face.

    Attributes
    ----------
    corners : ndarray of shape (K, 3), int32
        Landmarks of the triangle that holds each.
    weights : ndarray of shape (K, 3), float32
        Its barycentric coordinates there.
    normals : ndarray of shape (K, 3), float32
        Of the skin, in head space, of length 1, outwards.
    plane : ndarray of shape (K, 3), float32
        1, and its place in face space from the middle: what a plane over the face is made of.
    parts : ndarray of shape (P, K), float32
        1 where a sample belongs to a part of ``PARTS``, else 0.
    """

    corners: NDArray[np.int32]
    weights: NDArray[np.float32]
    normals: NDArray[np.float32]
    plane: NDArray[np.float32]
    parts: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """The face on one frame.

    Attributes
    ----------
    colours : ndarray of shape (K, 3), float32
        Log luma, log red over green, log blue over green.
    seen : ndarray of shape (K,), float32
        How well, in [0, 1]: 0 beyond the frame, and where skin looks away.
    line_of_sight : ndarray of shape (3,), float32
        Towards the camera, in head space, about of length 1.
    """

    colours: NDArray[np.float32]
    seen: NDArray[np.float32]
    line_of_sight: NDArray[np.float32]


@lru_cache(maxsize=1)
def load() -> Samples:
    """Return the points that are compared."""
    mesh = face_mesh.load()
    skin = mesh.triangles[: mesh.n_face_triangles]
    skin = skin[skin.max(axis=1) < face_mesh.N_LANDMARKS]
    fine = _SIDE * _FINER
    triangle_at = np.full((fine, fine), -1, np.int32)
    for index, triangle in enumerate(skin):
        corners_px = np.round(mesh.uv[triangle] * (fine - 1)).astype(np.int32)
        cv2.fillConvexPoly(triangle_at, corners_px, [index])
    middles = np.arange(_FINER // 2, fine, _FINER)
    triangle = triangle_at[np.ix_(middles, middles)].ravel()
    at = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2) / (fine - 1)
    corners, at = skin[triangle[triangle >= 0]], at[triangle >= 0]
    a, b, c = (mesh.uv[corners[:, corner]].astype(np.float64) for corner in range(3))
    shares = np.linalg.solve(np.stack([b - a, c - a], axis=2), (at - a)[..., None])[..., 0]
    # Drawn in whole pixels, a triangle reaches a little beyond its corners.
    weights = np.concatenate([1 - shares.sum(axis=1, keepdims=True), shares], axis=1).clip(0, 1)
    weights /= weights.sum(axis=1, keepdims=True)
    rest = mesh.rest_cm[corners]
    points = (rest * weights[..., None]).sum(axis=1)
    normals = np.cross(rest[:, 2] - rest[:, 0], rest[:, 1] - rest[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    nearest = [
        np.linalg.norm(points[:, None] - mesh.rest_cm[list(part.landmarks)][None], axis=2).min(
            axis=1
        )
        for part in PARTS
    ]
    own = np.argmin(nearest, axis=0)
    plane = np.concatenate([np.ones((len(points), 1)), at - 0.5], axis=1)
    return Samples(
        corners=corners,
        weights=weights.astype(np.float32),
        normals=normals.astype(np.float32),
        plane=plane.astype(np.float32),
        parts=(own[None] == np.arange(len(PARTS))[:, None]).astype(np.float32),
    )


def look(pixels: NDArray[np.uint8], track: FaceTrack) -> Look:
    """Return the colours of the samples on one frame.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    track : FaceTrack
        The face on it, of any size and partly outside too.
    """
    samples = load()
    landmarks = track.landmarks_px[: face_mesh.N_LANDMARKS]
    x, y = (
        np.einsum("ki,ki->k", np.ascontiguousarray(landmarks[:, axis]).take(samples.corners),
                  samples.weights)
        for axis in range(2)
    )  # fmt: skip
    height, width = pixels.shape[:2]
    left, right = _reached(x, width)
    top, bottom = _reached(y, height)
    part = pixels[top:bottom, left:right]
    # By a whole number, for which OpenCV is three times as fast.
    reduction = max(int(np.ptp(landmarks[:, 1]) / _SIDE), 1)
    rows, columns = max((bottom - top) // reduction, 1), max((right - left) // reduction, 1)
    part = part[: rows * reduction, : columns * reduction]
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    shift = np.float32(0.5 / reduction - 0.5)
    at_x = (x - np.float32(left)) * np.float32(1 / reduction) + shift
    at_y = (y - np.float32(top)) * np.float32(1 / reduction) + shift
    bgr = cv2.remap(
        small, at_x[None], at_y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )[0].astype(np.float32)
    logs = np.log(bgr + np.float32(_NOISE_FLOOR))
    blue, green, red = logs.T
    colours = np.empty((len(logs), 3), np.float32)
    np.matmul(logs, _LUMA, out=colours[:, 0])
    np.subtract(red, green, out=colours[:, 1])
    np.subtract(blue, green, out=colours[:, 2])
    scale = max(head_pose.scale_px_per_cm(track.frame_from_head), 1e-6)
    # z of the frame points away from the viewer.
    towards = np.asarray(-track.frame_from_head[2, :3] / np.float32(scale), np.float32)
    facing = (samples.normals @ towards - _FACING[0]) / _FACING[1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    seen = np.minimum(np.maximum(facing, 0), 1) * inside
    return Look(colours, np.asarray(seen, np.float32), towards)


def _reached(at: NDArray[np.float32], size: int) -> tuple[int, int]:
    """Return the first pixel that is reached and the one after the last; one pixel at least."""
    first = min(max(math.floor(at.min()), 0), size - 1)
    return first, min(max(math.ceil(at.max()) + 1, first + 1), size)
