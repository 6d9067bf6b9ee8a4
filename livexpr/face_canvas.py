"""A face laid onto a small square canvas, and the canvas painted back into the picture.

Two ways to lay it, called alignments. *crop*, the paper's: the face turned, scaled and moved so
that eyes and mouth lie at fixed places. *mesh*: the face unwrapped by its mesh into face space, so
that a pixel of the canvas is the same piece of skin on everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels.apply import apply
from livexpr import face_mesh
from livexpr.intensity_map import Align

CROP_SIZE = 128
# The crop of Akram & Khan (2020): x, y of the eyes' centres, image left one first, and the mouth.
CROP_POINTS_PX = ((34.4, 45.0), (93.4, 45.0), (64.0, 90.8))
_MOUTH_CORNERS = (61, 291)
# Of the canvas's side: over this width at the crop's edge or the face oval the paint fades in.
# The mesh is seen edge-on at the oval, where the same width is less of the picture.
_FEATHER: dict[Align, float] = {"crop": 0.05, "mesh": 0.12}
# Low-passed this much, in units of the reduction, before a picture is sampled more coarsely.
_BLUR = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the canvas lies in a picture.

    Attributes
    ----------
    picture_px : ndarray of shape (V, 2), float32
        Vertices in the picture, x and y.
    uv : ndarray of shape (V, 2), float32
        The same on the canvas, where 0 and 1 are the centres of its outermost pixels.
    triangles : ndarray of shape (T, 3), int32
        Clockwise as seen on the canvas, far ones first.
    reduction : float
        Pixels of the picture per pixel of a canvas of side 1.
    """

    picture_px: NDArray[np.float32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.int32]
    reduction: float


def crop_points(landmarks_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the centres of right eye, left eye and mouth (between its corners), (3, 2), px."""
    parts = (*face_mesh.EYE_CENTRES, _MOUTH_CORNERS)
    return np.stack([landmarks_px[list(part), :2].mean(axis=0, dtype=np.float64) for part in parts])


def crop_from_picture(landmarks_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the similarity that takes eyes and mouth nearest to their places in the crop.

    Parameters
    ----------
    landmarks_px : ndarray of shape (N, 2 or more), float32
        N at least 468, px.

    Returns
    -------
    crop_from_picture : ndarray of shape (2, 3), float64
        px of a crop of side 128; least squares over the three points, never mirrored.

    References
    ----------
    Akram & Khan (2020), Pixel-based Facial Expression Synthesis, arXiv 2010.14397, for the places.
    """
    # In the complex plane a similarity without reflection is z -> a z + b.
    source, target = (
        np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]
        for points in (crop_points(landmarks_px), np.array(CROP_POINTS_PX))
    )
    centred = source - source.mean()
    spread = max(float((np.abs(centred) ** 2).sum()), 1e-12)
    a = (np.conj(centred) * target).sum() / spread
    b = target.mean() - a * source.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def crop_layout(landmarks_px: NDArray[np.float32]) -> Layout:
    """Return where the paper's crop lies in a picture; see :func:`crop_from_picture`."""
    linear, shift = np.split(crop_from_picture(landmarks_px), [2], axis=1)
    scale = max(float(np.linalg.norm(linear[0])), 1e-6)
    # To the outer edges of the outermost pixels.
    low, high = -0.5, CROP_SIZE - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    return Layout(
        picture_px=((corners - shift.T) @ linear / scale**2).astype(np.float32),
        uv=(corners / (CROP_SIZE - 1)).astype(np.float32),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        reduction=CROP_SIZE / scale,
    )


@lru_cache(maxsize=1)
def _mesh_triangles() -> NDArray[np.int32]:
    """Return the face with eyes and the gap of the mouth as triangles of landmarks, (T, 3)."""
    mesh = face_mesh.load()
    mouth = mesh.triangles[len(mesh.triangles) - mesh.n_mouth_triangles :]
    parts = np.concatenate([mesh.triangles[: mesh.n_face_triangles], mouth])
    of_landmarks = face_mesh.LANDMARK_OF_VERTEX[parts].astype(np.int32)
    a, b, c = of_landmarks.T
    kept: NDArray[np.int32] = of_landmarks[(a != b) & (b != c) & (c != a)]
    return kept


def mesh_layout(landmarks_px: NDArray[np.float32]) -> Layout:
    """Return where face space lies in a picture.

    Parameters
    ----------
    landmarks_px : ndarray of shape (N, 3), float32
        N at least 468, px.
    """
    landmarks = landmarks_px[: face_mesh.N_LANDMARKS]
    triangles = _mesh_triangles()
    order = np.argsort(-landmarks[:, 2][triangles].sum(axis=1), kind="stable")
    uv = face_mesh.load().uv[: face_mesh.N_LANDMARKS]
    return Layout(
        picture_px=np.ascontiguousarray(landmarks[:, :2], np.float32),
        uv=uv,
        triangles=triangles[order],
        reduction=float(np.ptp(landmarks[:, 1])) / float(np.ptp(uv[:, 1])),
    )


def layout(landmarks_px: NDArray[np.float32], align: Align) -> Layout:
    """Return where the canvas of an alignment lies in a picture, from (N, 3) landmarks, px."""
    return crop_layout(landmarks_px) if align == "crop" else mesh_layout(landmarks_px)


def drawn(
    pixels: NDArray[np.uint8],
    picture_px: NDArray[np.float32],
    canvas_px: NDArray[np.float32],
    triangles: NDArray[np.int32],
    size: int,
) -> NDArray[np.uint8]:
    """Draw triangles of a picture at other places, on a canvas.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
    picture_px, canvas_px : ndarray of shape (V, 2), float32
        Where each vertex is in the picture and on the canvas.
    triangles : ndarray of shape (T, 3), int32
    size : int
        S, px.

    Returns
    -------
    canvas : ndarray of shape (S, S, 3), uint8
        Black where no triangle lies.
    """
    values = np.zeros((len(picture_px), 5), np.float32)
    values[:, :2] = picture_px
    # With an amount, though of nothing, a triangle is drawn even where source and target agree.
    values[:, 4] = 1
    # The kernel draws from one canvas to another of the same size.
    side = max(size, *pixels.shape[:2])
    source = np.zeros((side, side, 3), np.uint8)
    source[: pixels.shape[0], : pixels.shape[1]] = pixels
    out = np.zeros_like(source)
    nothing = np.zeros((8, 8, 4), np.float32)
    light = np.zeros(4, np.float32)
    apply(out, source, canvas_px, values, triangles, 0, nothing, nothing, light)
    return np.ascontiguousarray(out[:size, :size])


def unwrap(pixels: NDArray[np.uint8], where: Layout, size: int) -> NDArray[np.uint8]:
    """Return what a picture shows on the canvas.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; beyond its border, what is at the border is repeated.
    where : Layout
    size : int
        S, px.

    Returns
    -------
    canvas : ndarray of shape (S, S, 3), uint8
        Black where the layout has no triangle.
    """
    reduction = where.reduction / size
    part, moved_px = _part_around(pixels, where.picture_px, margin=2 + 2 * reduction)
    if reduction > 1:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), _BLUR * reduction), np.uint8)
    return drawn(part, moved_px, where.uv * np.float32(size - 1), where.triangles, size)


def _part_around(
    pixels: NDArray[np.uint8], points_px: NDArray[np.float32], margin: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the part of a picture around some points, beyond its border too, and them in it."""
    height, width = pixels.shape[:2]
    # Further out there is nothing but more of the border.
    reach = max(height, width)
    near = points_px.clip((-reach, -reach), (width + reach, height + reach))
    left, top = np.floor(near.min(axis=0) - margin).astype(int)
    right, bottom = np.ceil(near.max(axis=0) + margin).astype(int) + 1
    inside = pixels[
        min(max(top, 0), height - 1) : max(min(bottom, height), 1),
        min(max(left, 0), width - 1) : max(min(right, width), 1),
    ]
    beyond = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    part = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE)
    return np.asarray(part, np.uint8), (points_px - (left, top)).astype(np.float32)


@lru_cache(maxsize=8)
def feather(align: Align, size: int) -> NDArray[np.float32]:
    """Return the opacity of the paint, (S, S) in [0, 1]: 0 at the crop's edge or the face oval."""
    inside = np.zeros((size + 2, size + 2), np.uint8)
    if align == "crop":
        inside[1:-1, 1:-1] = 1
    else:
        oval = face_mesh.load().uv[list(face_mesh.FACE_OVAL)] * (size - 1) + 1
        cv2.fillPoly(inside, [np.round(oval).astype(np.int32)], (1,))
    # The outermost pixels themselves have opacity 0: beyond the canvas they are repeated.
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1] - 1
    t = np.clip(depth / (_FEATHER[align] * size), 0, 1)
    opacity = np.asarray(t * t * (3 - 2 * t), np.float32)
    opacity.setflags(write=False)
    return opacity


def paint(
    pixels: NDArray[np.uint8],
    where: Layout,
    canvas: NDArray[np.float32],
    opacity: NDArray[np.float32],
    amounts: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Return a picture with a canvas laid over it.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    where : Layout
    canvas : ndarray of shape (S, S, 3), float32
        White is 1; what goes beyond is cut off after it is laid over the picture.
    opacity : ndarray of shape (S, S), float32
        In [0, 1].
    amounts : ndarray of shape (V,), float32
        Factor of the opacity at each vertex, in [0, 1].

    Returns
    -------
    painted : ndarray of shape (H, W, 3), uint8
        Where the layout has no triangle, the picture's own pixels.
    """
    table = np.concatenate([canvas, opacity[..., None]], axis=2).astype(np.float32)
    values = np.empty((len(where.uv), 5), np.float32)
    values[:, :2], values[:, 2:4], values[:, 4] = where.picture_px, where.uv, amounts
    nothing = np.zeros((8, 8, 4), np.float32)
    light = np.full(4, 255, np.float32)
    out: NDArray[np.uint8] = pixels.copy()
    n = len(where.triangles)
    apply(
        out,
        np.ascontiguousarray(pixels),
        np.ascontiguousarray(where.picture_px),
        values,
        np.ascontiguousarray(where.triangles),
        n,
        nothing,
        table,
        light,
    )
    return out
