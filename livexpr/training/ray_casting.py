"""Light on a triangle mesh by ray casting, with Embree: what is seen, and how it is lit.

A path tracer would do more; what maps are made from is a ratio of two irradiances at the same
piece of skin, for which the same fixed directions of light on both leave no noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import LivexprError

# A ray starts this far off the surface, so that it does not hit where it comes from, cm.
_LIFT_CM = 0.03
# Rays in one batch, which bounds the memory.
_BATCH = 2_000_000

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Surface:
    """Pieces of the mesh, fixed to it: what a shape moves, they follow.

    Attributes
    ----------
    triangle : ndarray of shape (N,), int32
        Index of the triangle; -1 for none.
    weights : ndarray of shape (N, 3), float32
        Barycentric.
    """

    triangle: NDArray[np.int32]
    weights: Points

    def on(self, values: Points, triangles: NDArray[np.int32]) -> Points:
        """Interpolate `values` (V, D) of the vertices at these places, (N, D)."""
        corners = values[triangles[self.triangle]]
        return np.asarray(np.einsum("nk,nkd->nd", self.weights, corners), np.float32)


def require_embree() -> tuple[Any, Any]:
    """Return Embree's scene and mesh.

    Raises
    ------
    LivexprError
        If it is not installed.
    """
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError as error:
        raise LivexprError(
            "rendering heads needs embreex, which is missing; run: pip install 'livexpr[render]'"
        ) from error
    return EmbreeScene, TriangleMesh


class Mesh:
    """A triangle mesh that rays can be cast at.

    Parameters
    ----------
    vertices : ndarray of shape (V, 3), float32
    triangles : ndarray of shape (T, 3), int32
        Counter-clockwise as seen from outside.

    Raises
    ------
    LivexprError
        If Embree is not installed.
    """

    def __init__(self, vertices: Points, triangles: NDArray[np.int32]) -> None:
        scene_type, mesh_type = require_embree()
        self.vertices = np.ascontiguousarray(vertices, np.float32)
        self.triangles = np.ascontiguousarray(triangles, np.int32)
        self._scene = scene_type()
        # The scene refers to the mesh without owning it.
        self._mesh = mesh_type(self._scene, self.vertices, self.triangles)

    def normals(self) -> Points:
        """Return the unit normal at each vertex, (V, 3): the mean of its triangles by area."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.triangles[:, corner], across)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(normals / np.maximum(length, 1e-12), np.float32)

    def first_hits(self, origins: Points, directions: Points) -> Surface:
        """Return what each ray, (N, 3) and (N, 3), meets first."""
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            output=True,
        )
        u, v = found["u"], found["v"]
        weights = np.stack([1 - u - v, u, v], axis=1).astype(np.float32)
        return Surface(np.asarray(found["primID"], np.int32), weights)

    def visibility(self, points: Points, normals: Points, directions: Points) -> Points:
        """Return the clamped cosine of each direction (D, 3) at each point, 0 where it is hidden.

        Parameters
        ----------
        points, normals : ndarray of shape (N, 3), float32
        directions : ndarray of shape (D, 3), float32
            Unit, towards the light.

        Returns
        -------
        ndarray of shape (N, D), float32
        """
        cosine = np.maximum(normals @ directions.T, 0).astype(np.float32)
        starts = (points + np.float32(_LIFT_CM) * normals).astype(np.float32)
        at, towards = np.nonzero(cosine)
        for first in range(0, len(at), _BATCH):
            some = slice(first, first + _BATCH)
            hit = self._scene.run(
                np.ascontiguousarray(starts[at[some]]),
                np.ascontiguousarray(directions[towards[some]]),
                query="OCCLUDED",
            )
            hidden = hit >= 0
            cosine[at[some][hidden], towards[some][hidden]] = 0
        return np.asarray(cosine, np.float32)


def sphere(count: int) -> Points:
    """Return `count` evenly spread unit directions, (count, 3): a Fibonacci lattice.

    References
    ----------
    González (2010), Measurement of areas on a sphere using Fibonacci and latitude-longitude
    lattices, doi 10.1007/s11004-009-9257-x.
    """
    at = np.arange(count) + 0.5
    height = 1 - 2 * at / count
    turn = np.pi * (1 + np.sqrt(5)) * at
    radius = np.sqrt(1 - height**2)
    points = np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)
    return np.asarray(points, np.float32)
