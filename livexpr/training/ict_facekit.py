"""ICT-FaceKit's morphable head: identities and expressions on one topology.

Li et al. (2020), Learning Formation of Physically-Based Face Attributes, CVPR, arXiv 2004.03458;
USC Institute for Creative Technologies, MIT licence. Read from its repository's OBJ files
(the folder ``FaceXModel``) or from one npz of the same content.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import LivexprError

# Vertices of each part, as the model's own notes list them.
SKIN = slice(0, 9409)
MOUTH_CAVITY = slice(11248, 13294)
GUMS_AND_TONGUE = slice(14062, 17039)
TEETH = slice(17039, 21451)
EYEBALLS = slice(21451, 24591)
IRISES = (slice(22221, 23021), slice(23791, 24591))
# Lashes and the clear layers on the eyeballs, which only a path tracer could make use of.
LASHES_AND_FLUID = slice(24591, 26719)
N_VERTICES = 26719

_NEUTRAL_OBJ = "generic_neutral_mesh.obj"
_IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class HeadModel:
    """A neutral head and what changes it. All arrays are read-only.

    Attributes
    ----------
    neutral_cm : ndarray of shape (N, 3), float32
        x to the subject's left, y up, z out of the face.
    triangles : ndarray of shape (T, 3), int32
        Counter-clockwise as seen from outside; without lashes and the fluid on the eyes.
    displacements_cm : Mapping of str to ndarray of shape (N, 3)
        By name: expressions as ARKit names them, ending in ``_L`` and ``_R`` where they have a
        side, and identities ``identity000``, ``identity001`` and so on.
    """

    neutral_cm: NDArray[np.float32]
    triangles: NDArray[np.int32]
    displacements_cm: Mapping[str, NDArray[np.floating]]

    @property
    def identities(self) -> list[str]:
        """Names of the identity modes, the strongest first."""
        return sorted(name for name in self.displacements_cm if name.startswith(_IDENTITY))

    def shaped(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """Return the vertices (N, 3), cm, of the head changed by these amounts.

        A name without its side stands for both sides.

        Raises
        ------
        LivexprError
            If the model has no shape of that name.
        """
        vertices = self.neutral_cm.astype(np.float32)
        for name, weight in weights.items():
            for shape in self.shapes_of(name):
                displacement = self.displacements_cm[shape].astype(np.float32)
                vertices += np.float32(weight) * displacement
        return vertices

    def shapes_of(self, name: str) -> list[str]:
        """Return the shapes that a name stands for: itself, or its left and its right.

        Raises
        ------
        LivexprError
            If the model has no shape of that name.
        """
        if name in self.displacements_cm:
            return [name]
        sides = [f"{name}_L", f"{name}_R"]
        if not all(side in self.displacements_cm for side in sides):
            raise LivexprError(f"the head model has no shape {name!r}")
        return sides


def load(path: Path) -> HeadModel:
    """Read the model.

    Parameters
    ----------
    path : Path
        A folder of OBJ files, or an npz with ``V0`` (N, 3), ``tris`` (T, 3), ``names`` (K,) and
        ``D`` (K, N, 3). Nothing in it is run: pickles are refused.

    Raises
    ------
    LivexprError
        If there is no such model, or its parts do not fit together.
    """
    model = _load_folder(path) if path.is_dir() else _load_archive(path)
    _check(model, path)
    solid = (model.triangles < LASHES_AND_FLUID.start).all(axis=1)
    model = replace(model, triangles=np.ascontiguousarray(model.triangles[solid]))
    for array in (model.neutral_cm, model.triangles, *model.displacements_cm.values()):
        array.setflags(write=False)
    return model


def _check(model: HeadModel, path: Path) -> None:
    """Raise LivexprError unless everything fits together: a ray caster would not notice."""
    neutral, triangles = model.neutral_cm, model.triangles
    if neutral.shape != (N_VERTICES, 3):
        raise LivexprError(
            f"{path}: expected the head model's {N_VERTICES} vertices, "
            f"found {len(neutral) if neutral.ndim else 0}; fetch ICT-FaceKit's FaceXModel anew"
        )
    if triangles.ndim != 2 or triangles.shape[1] != 3 or not triangles.size:
        raise LivexprError(f"{path}: expected triangles (T, 3), found {triangles.shape}")
    if triangles.min() < 0 or triangles.max() >= len(neutral):
        raise LivexprError(f"{path}: a triangle names a vertex that is not there")
    arrays = {"the neutral head": neutral, **model.displacements_cm}
    for name, array in arrays.items():
        if array.shape != neutral.shape or array.dtype.kind != "f":
            raise LivexprError(f"{path}: {name} is no float array {neutral.shape}")
        if not np.isfinite(array).all():
            raise LivexprError(f"{path}: {name} holds numbers that are not finite")


def _load_archive(path: Path) -> HeadModel:
    try:
        with path.open("rb") as file:
            # What is no archive, NumPy would take for a pickle, and tell how to load that.
            if not zipfile.is_zipfile(file):
                raise LivexprError(f"{path}: not a readable head model (expected an npz archive)")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            names = [str(name) for name in archive["names"]]
            displacements = dict(zip(names, archive["D"], strict=True))
            return HeadModel(
                archive["V0"].astype(np.float32), archive["tris"].astype(np.int32), displacements
            )
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise LivexprError(f"{path}: not a readable head model ({error})") from error


def _load_folder(folder: Path) -> HeadModel:
    if not (folder / _NEUTRAL_OBJ).is_file():
        raise LivexprError(
            f"{folder}: expected ICT-FaceKit's folder FaceXModel, which has {_NEUTRAL_OBJ}"
        )
    neutral, triangles = _read_obj(folder / _NEUTRAL_OBJ)
    displacements = {}
    for path in sorted(folder.glob("*.obj")):
        vertices, _ = (neutral, triangles) if path.name == _NEUTRAL_OBJ else _read_obj(path)
        if path.name != _NEUTRAL_OBJ and vertices.shape == neutral.shape:
            displacements[path.stem] = vertices - neutral
    return HeadModel(neutral, triangles, displacements)


def _read_obj(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return vertices (N, 3) and triangles (T, 3) of an OBJ file; polygons become fans.

    Vertices keep their order and number, which is what makes one topology of many files (general
    mesh loaders merge and reorder them).
    """
    points: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    try:
        with path.open(encoding="ascii", errors="strict") as lines:
            for line in lines:
                kind, *words = line.split() or [""]
                if kind == "v":
                    points.append([float(word) for word in words[:3]])
                elif kind == "f":
                    ring = [int(word.split("/")[0]) - 1 for word in words]
                    faces += [(ring[0], b, c) for b, c in pairwise(ring[1:])]
        vertices, triangles = np.array(points, np.float32), np.array(faces, np.int32)
    except (OSError, ValueError, OverflowError) as error:
        raise LivexprError(f"{path}: not a readable OBJ file ({error})") from error
    if vertices.ndim != 2 or vertices.shape[1] != 3 or triangles.size == 0:
        raise LivexprError(f"{path}: an OBJ file without vertices and faces")
    return vertices, triangles
