"""The face mesh: what is where in face space, and which triangles cover it.

*Head space* is MediaPipe's metric face frame: cm, x to the subject's left, y up, z out of the
face. *Face space* is the reference face, a square canvas on which the mesh lies at rest; its
coordinates here are normalised to [0, 1], x right and y down, so that a map of any size S uses
``uv * (S - 1)``.

The 468 landmarks, their rest positions, texture coordinates and 898 triangles come from the
landmark model asset (Google, Apache-2.0). Three parts are livexpr's own:

- the **mouth**, a strip between the inner lips, upper landmark i paired with lower landmark i,
  because the asset closes the mouth with diagonals that tear when it opens;
- the **eyes**, the same triangles on vertices of their own, because lids slide over an eyeball
  that stays where it is;
- the **collar**, a ring outside the face oval that never moves, so that chin and jaw can.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import ModelError

MODEL_ASSET = "face_landmarker.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_GEOMETRY_ENTRY = "geometry_pipeline_metadata_landmarks.binarypb"

N_LANDMARKS = 468

# Landmark indices. Left is the subject's left; rings run as the comments say.
# Inner lips, from the subject's right corner to the left; corners are shared.
INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# Lid margins, outer to inner corner (right) and inner to outer (left); corners are shared.
RIGHT_LID_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_LID_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
LEFT_LID_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
LEFT_LID_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)
# The face oval, clockwise as seen, from the middle of the hairline.
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
# Points that expressions hardly move: eye corners, nose bridge, forehead, temples.
STABLE = (
    *(33, 133, 362, 263, 168, 6, 197, 195),
    *(10, 338, 297, 332, 284, 251, 389, 356, 109, 67, 103, 54, 21, 162, 127),
    *(151, 337, 299, 108, 69),
)
# Bare skin whose brightness tells how the face is lit: cheeks, nose, forehead.
SKIN_PATCHES = (
    *(151, 108, 337, 69, 299, 9, 6, 197, 195, 5, 4),
    *(50, 280, 101, 330, 36, 266, 205, 425, 118, 347, 187, 411),
)
EYE_CENTRES = ((33, 133), (362, 263))

UPPER_LIDS = RIGHT_LID_UPPER + LEFT_LID_UPPER
LOWER_LIDS = RIGHT_LID_LOWER + LEFT_LID_LOWER
_LIP_PAIRS = len(INNER_LIP_UPPER)
_LID_PAIRS = len(UPPER_LIDS)

# Where each part's vertices lie in the full vertex list.
COLLAR = slice(N_LANDMARKS, N_LANDMARKS + len(FACE_OVAL))
MOUTH_UPPER = slice(COLLAR.stop, COLLAR.stop + _LIP_PAIRS)
MOUTH_LOWER = slice(MOUTH_UPPER.stop, MOUTH_UPPER.stop + _LIP_PAIRS)
# Two more rows just inside the lips, so that what the mouth shows fades out at their very edge.
MOUTH_UPPER_INSET = slice(MOUTH_LOWER.stop, MOUTH_LOWER.stop + _LIP_PAIRS)
MOUTH_LOWER_INSET = slice(MOUTH_UPPER_INSET.stop, MOUTH_UPPER_INSET.stop + _LIP_PAIRS)
LID_UPPER = slice(MOUTH_LOWER_INSET.stop, MOUTH_LOWER_INSET.stop + _LID_PAIRS)
LID_LOWER = slice(LID_UPPER.stop, LID_UPPER.stop + _LID_PAIRS)
N_VERTICES = LID_LOWER.stop

# The landmark that each vertex is made from.
LANDMARK_OF_VERTEX = np.array(
    [
        *range(N_LANDMARKS),
        *FACE_OVAL,
        *(INNER_LIP_UPPER + INNER_LIP_LOWER) * 2,
        *UPPER_LIDS,
        *LOWER_LIDS,
    ]
)
# The collar reaches this much further from the middle of the face than the oval does.
COLLAR_REACH = 0.22


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """The mesh at rest. All arrays are read-only.

    Attributes
    ----------
    rest_cm : ndarray of shape (468, 3), float32
        Rest positions of the landmarks in head space, cm.
    uv : ndarray of shape (V, 2), float32
        Every vertex in face space, in [0, 1]; of the mouth strip, in the mouth picture.
        Collar vertices lie where their oval vertices do, at the border, where a mask is 0.
    triangles : ndarray of shape (T, 3), int32
        Vertex indices: skin and eyes, then the collar, then the mouth.
    n_face_triangles, n_mouth_triangles : int
        How many of them, from the front, are skin and eyes; from the back, the mouth.
    """

    rest_cm: NDArray[np.float32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.int32]
    n_face_triangles: int
    n_mouth_triangles: int


def model_bytes(asset: Path | None = None) -> bytes:
    """Return the landmark model asset, checked.

    Parameters
    ----------
    asset : Path, optional
        Where it lies; by default in the package.

    Raises
    ------
    ModelError
        If the asset is missing or is not the one livexpr was made for.
    """
    inside = resources.files("livexpr").joinpath("assets").joinpath(MODEL_ASSET)
    source = asset or inside
    label = asset or f"livexpr/assets/{MODEL_ASSET}"
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the landmark model {label} is missing or unreadable "
            f"({error.strerror or error}); reinstall livexpr"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != MODEL_SHA256:
        raise ModelError(
            f"the landmark model {label} has been altered: expected SHA-256 "
            f"{MODEL_SHA256[:12]}…, found {found[:12]}… ({len(data)} bytes); reinstall livexpr"
        )
    return data


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (number, value) of a protobuf message's fields; 32-bit ones as 4 bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            size = varint()
        yield number, message[at : at + size]
        at += size


def _read_asset() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Return (rest_cm (468, 3), uv (468, 2), triangles (898, 3)) of the model asset."""
    with zipfile.ZipFile(BytesIO(model_bytes())) as archive:
        geometry = archive.read(_GEOMETRY_ENTRY)
    mesh = next(value for number, value in _fields(geometry) if number == 1)
    assert isinstance(mesh, bytes)
    floats, indices = [], []
    for number, value in _fields(mesh):
        if number == 3:
            assert isinstance(value, bytes)
            floats.append(struct.unpack("<f", value)[0])
        elif number == 4:
            indices.append(value)
    vertices = np.array(floats, np.float32).reshape(N_LANDMARKS, 5)
    # The asset's triangles run counter-clockwise as seen; livexpr's run clockwise (y down).
    triangles = np.array(indices, np.int32).reshape(-1, 3)[:, ::-1]
    return vertices[:, :3].copy(), vertices[:, 3:].copy(), triangles


def _strip(upper: slice, lower: slice) -> list[tuple[int, int, int]]:
    """Triangulate the strip between two rows of vertices that share their ends."""
    tops, bottoms = range(upper.start, upper.stop), range(lower.start, lower.stop)
    last = len(tops) - 1
    triangles = [(tops[0], tops[1], bottoms[1]), (tops[last], bottoms[last - 1], tops[last - 1])]
    for i in range(1, last - 1):
        triangles.append((tops[i], tops[i + 1], bottoms[i + 1]))
        triangles.append((tops[i], bottoms[i + 1], bottoms[i]))
    return triangles


def _ring(oval: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Triangulate the ring between the face oval and the collar."""
    triangles = []
    for i, a in enumerate(oval):
        j = (i + 1) % len(oval)
        outer_a, outer_b = COLLAR.start + i, COLLAR.start + j
        triangles += [(a, outer_a, outer_b), (a, outer_b, oval[j])]
    return triangles


@lru_cache(maxsize=1)
def load() -> FaceMesh:
    """Return the face mesh; read once.

    Raises
    ------
    ModelError
        If the landmark model asset, which holds the mesh, is missing or altered.
    """
    rest_cm, landmark_uv, triangles = _read_asset()
    lids = set(UPPER_LIDS + LOWER_LIDS)
    lips = set(INNER_LIP_UPPER + INNER_LIP_LOWER)
    skin = [tuple(t) for t in triangles.tolist() if not (set(t) <= lids or set(t) <= lips)]
    per_eye = len(RIGHT_LID_UPPER)
    eyes = []
    for start in (0, per_eye):
        upper = slice(LID_UPPER.start + start, LID_UPPER.start + start + per_eye)
        lower = slice(LID_LOWER.start + start, LID_LOWER.start + start + per_eye)
        eyes += _strip(upper, lower)
    collar = _ring(FACE_OVAL)
    mouth = _strip(MOUTH_UPPER, MOUTH_UPPER_INSET)
    mouth += _strip(MOUTH_UPPER_INSET, MOUTH_LOWER_INSET)
    mouth += _strip(MOUTH_LOWER_INSET, MOUTH_LOWER)

    uv = np.zeros((N_VERTICES, 2), np.float32)
    uv[:N_LANDMARKS] = landmark_uv
    uv[COLLAR] = landmark_uv[list(FACE_OVAL)]
    uv[LID_UPPER] = landmark_uv[list(UPPER_LIDS)]
    uv[LID_LOWER] = landmark_uv[list(LOWER_LIDS)]
    across = np.linspace(0, 1, _LIP_PAIRS, dtype=np.float32)
    for row, down in (
        (MOUTH_UPPER, 0),
        (MOUTH_UPPER_INSET, 0),
        (MOUTH_LOWER_INSET, 1),
        (MOUTH_LOWER, 1),
    ):
        uv[row] = np.stack([across, np.full_like(across, down)], axis=1)

    mesh = FaceMesh(
        rest_cm=rest_cm,
        uv=uv,
        triangles=np.array(skin + eyes + collar + mouth, np.int32),
        n_face_triangles=len(skin) + len(eyes),
        n_mouth_triangles=len(mouth),
    )
    for array in (mesh.rest_cm, mesh.uv, mesh.triangles):
        array.setflags(write=False)
    return mesh


def all_vertices(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Extend landmarks by the vertices of collar, mouth and eyes.

    Parameters
    ----------
    landmarks : ndarray of shape (N, D), float32
        At least the 468 landmarks; further rows (irises) are ignored. D is 2 or 3.

    Returns
    -------
    vertices : ndarray of shape (V, D), float32
        Mouth and eye vertices coincide with their landmarks (the inset rows too: how far inside
        the lips they lie is a matter of pixels); the collar lies outside the oval.
    """
    vertices = landmarks.take(LANDMARK_OF_VERTEX, axis=0).astype(np.float32, copy=False)
    oval = vertices[COLLAR]
    vertices[COLLAR] = oval + COLLAR_REACH * (oval - oval.sum(axis=0) / len(oval))
    return vertices
