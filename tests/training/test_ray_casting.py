"""Rays against surfaces whose answer is known: planes, a sphere, a groove."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from livexpr.errors import LivexprError
from livexpr.training.ray_casting import Mesh, Surface, sphere
from livexpr.training.rendered_head import light

pytest.importorskip("embreex", reason="casting rays needs the extra render: livexpr[render]")

KINDS = ("even", "window", "lamp", "left", "right")


def icosphere(divisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles of a unit sphere, counter-clockwise as seen from outside."""
    g = (1 + 5**0.5) / 2
    vertices = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g)]
    vertices += [(0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]
    triangles = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4)]
    triangles += [(11, 10, 2), (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8)]
    triangles += [(3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    points = np.array(vertices, np.float64)
    for _ in range(divisions):
        corners = points[np.array(triangles)]
        a, b, c = (corners[:, k] for k in range(3))
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = [np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        points, where = np.unique(
            np.concatenate(parts).reshape(-1, 3).round(9), axis=0, return_inverse=True
        )
        triangles = where.reshape(-1, 3).tolist()
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32), np.array(triangles, np.int32)


def wall(corners: list[tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return a flat quad, counter-clockwise as seen from its bright side."""
    return np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def plane(half_width: float = 50.0) -> Mesh:
    """Return the plane z = 0, which faces +z."""
    w = half_width
    return Mesh(*wall([(-w, -w, 0), (w, -w, 0), (w, w, 0), (-w, w, 0)]))


@pytest.fixture(scope="module")
def ball() -> Mesh:
    return Mesh(*icosphere(4))


def test_rays_meet_a_sphere_where_they_should(ball: Mesh, rng: np.random.Generator) -> None:
    xy = rng.uniform(-1.2, 1.2, (2000, 2)).astype(np.float32)
    # Facets lie inside the sphere: rays near its outline may pass either way.
    radius = np.hypot(*xy.T)
    xy = xy[np.abs(radius - 1) > 0.01]
    radius = np.hypot(*xy.T)
    origins = np.column_stack([xy, np.full(len(xy), 5)]).astype(np.float32)
    hits = ball.first_hits(origins, np.tile(np.float32([0, 0, -1]), (len(xy), 1)))
    np.testing.assert_array_equal(hits.triangle >= 0, radius < 1)
    inside = radius < 1
    on = Surface(hits.triangle[inside], hits.weights[inside])
    points = on.on(ball.vertices, ball.triangles)
    np.testing.assert_allclose(points[:, :2], xy[inside], atol=1e-4)
    # The front, not the back.
    np.testing.assert_allclose(points[:, 2], np.sqrt(1 - radius[inside] ** 2), atol=0.02)


def test_normals_of_a_sphere_are_its_radii(ball: Mesh) -> None:
    np.testing.assert_allclose(ball.normals(), ball.vertices, atol=0.01)


@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_fixed_to_a_plane_is_where_the_ray_meets_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flat = plane(10.0)
    turn = Rotation.random(random_state=seed).as_matrix().astype(np.float32)
    tilted = Mesh(flat.vertices @ turn.T, flat.triangles)
    targets = rng.uniform(-9, 9, (20, 2))
    targets = np.column_stack([targets, np.zeros(20)]).astype(np.float32)
    origins = targets + rng.uniform(-3, 3, (20, 3)) + [0, 0, 8]
    towards = targets - origins
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    hits = tilted.first_hits(*((rays @ turn.T).astype(np.float32) for rays in (origins, towards)))
    assert (hits.triangle >= 0).all()
    np.testing.assert_allclose(hits.on(flat.vertices, flat.triangles), targets, atol=1e-3)
    np.testing.assert_allclose(hits.weights.sum(axis=1), 1, atol=1e-5)


def test_a_ray_that_meets_nothing_says_so() -> None:
    hits = plane().first_hits(np.float32([[0, 0, 5], [99, 0, 5]]), np.float32([[0, 0, 1]] * 2))
    assert (hits.triangle == -1).all()


@pytest.mark.parametrize("count", [48, 192, 1000])
def test_directions_are_unit_and_balanced(count: int) -> None:
    directions = sphere(count).astype(np.float64)
    assert directions.shape == (count, 3)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=1 / count)
    np.testing.assert_allclose(directions.T @ directions / count, np.eye(3) / 3, atol=2 / count)


@pytest.mark.parametrize("kind", KINDS)
def test_all_light_together_is_the_same(kind: str) -> None:
    directions = sphere(192)
    radiance = light(kind, directions)
    assert radiance.min() > 0
    assert float(radiance.sum()) == pytest.approx(4, rel=1e-4)


def test_light_from_the_left_is_the_subjects_left() -> None:
    directions = sphere(192)
    for kind, side in (("left", 1), ("right", -1)):
        assert side * (light(kind, directions) @ directions)[0] > 0.5


@given(seed=st.integers(0, 2**32 - 1))
def test_even_light_on_an_open_plane_is_one(seed: int) -> None:
    turn = Rotation.random(random_state=seed).as_matrix().astype(np.float32)
    flat = plane()
    tilted = Mesh(flat.vertices @ turn.T, flat.triangles)
    directions = sphere(192)
    point, normal = np.zeros((1, 3), np.float32), turn[:, 2][None]
    visible = tilted.visibility(point, normal, directions)
    np.testing.assert_allclose(visible[0], np.maximum(directions @ turn[:, 2], 0), atol=1e-6)
    assert (visible @ light("even", directions)).item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("opening_deg", [30, 60, 90, 120, 150, 180])
@pytest.mark.parametrize(("count", "tolerance"), [(192, 0.03), (4000, 0.01)])
def test_light_in_a_groove_is_as_its_angle_says(
    opening_deg: float, count: int, tolerance: float
) -> None:
    """Even light on a wall of a long V-shaped groove, near its bottom.

    A point that sees the sky between its own wall and the other wall's rim, an angle theta from its
    own wall, gets (1 - cos theta) / 2 of the light: the view factor of a strip, by Hottel's rule.
    """
    opening, height, up = np.radians(opening_deg), 10.0, 0.5
    rim = height * np.array([np.sin(opening), np.cos(opening)])
    # The groove runs along z; its first wall rises along y and faces +x.
    own, own_faces = wall([(0, 0, -900), (0, height, -900), (0, height, 900), (0, 0, 900)])
    other, faces = wall([(0, 0, -900), (*rim, -900), (*rim, 900), (0, 0, 900)])
    mesh = Mesh(np.concatenate([own, other]), np.concatenate([own_faces, faces + len(own)]))
    theta = np.arctan2(rim[0], rim[1] - up)
    directions = sphere(count)
    visible = mesh.visibility(np.float32([[0, up, 0]]), np.float32([[1, 0, 0]]), directions)
    lit = (visible @ light("even", directions)).item()
    assert lit == pytest.approx((1 - np.cos(theta)) / 2, abs=tolerance)


def test_many_rays_are_the_same_in_small_batches(ball: Mesh, monkeypatch) -> None:
    directions = sphere(64)
    points, normals = ball.vertices[::40], ball.vertices[::40]
    whole = ball.visibility(points, normals, directions)
    monkeypatch.setattr("livexpr.training.ray_casting._BATCH", 100)
    np.testing.assert_array_equal(ball.visibility(points, normals, directions), whole)


def test_without_embree_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embreex.mesh_construction", None)
    with pytest.raises(LivexprError, match=r"pip install 'livexpr\[render\]'"):
        plane()
