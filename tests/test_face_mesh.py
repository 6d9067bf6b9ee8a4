"""The mesh: whole, without holes, and read from an asset that is checked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.errors import LivexprError, ModelError

# Inside of the lips and of the nostrils: the asset folds these behind what is seen.
MOST_FOLDED_TRIANGLES = 10


def signed_areas(points: NDArray, triangles: NDArray) -> NDArray:
    """Twice the area of each triangle; positive if it runs clockwise as seen (y down)."""
    a, b, c = (points[triangles[:, corner], :2].astype(np.float64) for corner in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


@pytest.fixture(scope="module")
def mesh() -> face_mesh.FaceMesh:
    return face_mesh.load()


@pytest.fixture(scope="module")
def parts(mesh: face_mesh.FaceMesh) -> dict[str, NDArray]:
    n, mouth = mesh.n_face_triangles, len(mesh.triangles) - mesh.n_mouth_triangles
    return {
        "face": mesh.triangles[:n],
        "collar": mesh.triangles[n:mouth],
        "mouth": mesh.triangles[mouth:],
    }


def landmark_of(vertex: int) -> int:
    """Return the landmark on which a vertex of lips or lids lies; others as they are."""
    for part, landmarks in (
        (face_mesh.MOUTH_UPPER, face_mesh.INNER_LIP_UPPER),
        (face_mesh.MOUTH_LOWER, face_mesh.INNER_LIP_LOWER),
        (face_mesh.LID_UPPER, face_mesh.UPPER_LIDS),
        (face_mesh.LID_LOWER, face_mesh.LOWER_LIDS),
    ):
        if part.start <= vertex < part.stop:
            return landmarks[vertex - part.start]
    for inset, landmarks in (
        (face_mesh.MOUTH_UPPER_INSET, face_mesh.INNER_LIP_UPPER),
        (face_mesh.MOUTH_LOWER_INSET, face_mesh.INNER_LIP_LOWER),
    ):
        # The inset rows meet the lips in the corners.
        if vertex in (inset.start, inset.stop - 1):
            return landmarks[vertex - inset.start]
    return vertex


def directed_edges(triangles: NDArray) -> Counter[tuple[int, int]]:
    edges: Counter[tuple[int, int]] = Counter()
    for triangle in triangles.tolist():
        a, b, c = (landmark_of(vertex) for vertex in triangle)
        edges.update([(a, b), (b, c), (c, a)])
    return edges


def outline(triangles: NDArray) -> set[tuple[int, int]]:
    """Return the edges without a neighbour on their other side."""
    edges = directed_edges(triangles)
    assert set(edges.values()) == {1}, "an edge is run twice in one direction"
    return {(a, b) for a, b in edges if (b, a) not in edges}


def undirected(ring: tuple[int, ...]) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in zip(ring, (*ring[1:], ring[0]), strict=True)}


def test_numbers_of_the_asset_are_kept(mesh: face_mesh.FaceMesh) -> None:
    assert mesh.rest_cm.shape == (468, 3)
    assert mesh.uv.shape == (face_mesh.N_VERTICES, 2)
    assert set(mesh.triangles.ravel().tolist()) <= set(range(face_mesh.N_VERTICES))
    # Of the asset's 898 triangles, those between lips and between lids are livexpr's own.
    own = 4 * (len(face_mesh.RIGHT_LID_UPPER) - 2)
    assert mesh.n_face_triangles <= 898 < mesh.n_face_triangles + own


def test_mesh_is_read_only(mesh: face_mesh.FaceMesh) -> None:
    for array in (mesh.rest_cm, mesh.uv, mesh.triangles):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_mesh_is_watertight(mesh: face_mesh.FaceMesh) -> None:
    collar = {frozenset(edge) for edge in outline(mesh.triangles)}
    ring = tuple(range(face_mesh.COLLAR.start, face_mesh.COLLAR.stop))
    assert collar == undirected(ring), "an edge other than the collar's rim has one neighbour only"


def test_parts_meet_at_oval_and_lips(parts: dict[str, NDArray]) -> None:
    lips = undirected(face_mesh.INNER_LIP_UPPER + face_mesh.INNER_LIP_LOWER[-2:0:-1])
    oval = undirected(face_mesh.FACE_OVAL)
    assert {frozenset(edge) for edge in outline(parts["mouth"])} == lips
    assert {frozenset(edge) for edge in outline(parts["face"])} == lips | oval


def test_triangles_run_clockwise_in_face_space(
    mesh: face_mesh.FaceMesh, parts: dict[str, NDArray]
) -> None:
    assert (signed_areas(mesh.uv, parts["face"]) > 0).all()
    # Of the mouth, the rows along the lips are of no height in the mouth picture.
    mouth = signed_areas(mesh.uv, parts["mouth"])
    assert (mouth >= 0).all()
    assert mouth.sum() == pytest.approx(2 * (1 - 1 / (len(face_mesh.INNER_LIP_UPPER) - 1)))


def test_triangles_run_clockwise_at_rest(mesh, parts: dict[str, NDArray], synthetic_face) -> None:
    vertices = face_mesh.all_vertices(synthetic_face.track(mouth_cm=0.5).landmarks_px)
    assert (signed_areas(vertices, parts["face"]) <= 0).sum() <= MOST_FOLDED_TRIANGLES
    assert (signed_areas(vertices, parts["collar"]) > 0).all()
    assert (signed_areas(vertices, parts["mouth"]) >= 0).all()


def test_collar_lies_outside_the_oval_and_observes_its_rim(
    mesh: face_mesh.FaceMesh, synthetic_face
) -> None:
    vertices = face_mesh.all_vertices(synthetic_face.track().landmarks_px[:, :2])
    oval = vertices[list(face_mesh.FACE_OVAL)]
    middle = oval.mean(axis=0)
    np.testing.assert_allclose(
        np.linalg.norm(vertices[face_mesh.COLLAR] - middle, axis=1),
        (1 + face_mesh.COLLAR_REACH) * np.linalg.norm(oval - middle, axis=1),
        rtol=1e-5,
    )
    np.testing.assert_array_equal(mesh.uv[face_mesh.COLLAR], mesh.uv[list(face_mesh.FACE_OVAL)])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_vertices_of_lips_and_lids_lie_on_their_landmarks(rng, dimensions: int) -> None:
    landmarks = rng.normal(size=(478, dimensions)).astype(np.float32)
    before = landmarks.copy()
    vertices = face_mesh.all_vertices(landmarks)
    assert vertices.shape == (face_mesh.N_VERTICES, dimensions)
    np.testing.assert_array_equal(vertices[: face_mesh.N_LANDMARKS], landmarks[:468])
    for part, names in (
        (face_mesh.MOUTH_UPPER, face_mesh.INNER_LIP_UPPER),
        (face_mesh.MOUTH_LOWER, face_mesh.INNER_LIP_LOWER),
        (face_mesh.LID_UPPER, face_mesh.UPPER_LIDS),
        (face_mesh.LID_LOWER, face_mesh.LOWER_LIDS),
    ):
        np.testing.assert_array_equal(vertices[part], landmarks[list(names)])
    np.testing.assert_array_equal(landmarks, before)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_UPPER[::-1]),
        (face_mesh.INNER_LIP_LOWER, face_mesh.INNER_LIP_LOWER[::-1]),
        (face_mesh.LEFT_LID_UPPER, face_mesh.RIGHT_LID_UPPER[::-1]),
        (face_mesh.LEFT_LID_LOWER, face_mesh.RIGHT_LID_LOWER[::-1]),
        (face_mesh.FACE_OVAL[1:], face_mesh.FACE_OVAL[:0:-1]),
    ],
)
def test_named_landmarks_are_where_their_names_say(mesh, left, right) -> None:
    flip = np.array([-1, 1, 1])
    np.testing.assert_allclose(mesh.rest_cm[list(left)], mesh.rest_cm[list(right)] * flip, atol=0.2)


def test_left_is_the_subjects_left_and_up_is_up(mesh: face_mesh.FaceMesh) -> None:
    assert mesh.rest_cm[263, 0] > 0 > mesh.rest_cm[33, 0]
    assert mesh.rest_cm[10, 1] > mesh.rest_cm[152, 1]
    assert mesh.uv[10, 1] < mesh.uv[152, 1]
    upper, lower = list(face_mesh.UPPER_LIDS), list(face_mesh.LOWER_LIDS)
    assert (mesh.rest_cm[upper, 1] >= mesh.rest_cm[lower, 1]).all()


def test_altered_asset_is_refused(tmp_path: Path) -> None:
    altered = bytearray(face_mesh.model_bytes())
    altered[len(altered) // 2] ^= 1
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(altered)
    with pytest.raises(ModelError, match=r"face_landmarker\.task has been altered") as caught:
        face_mesh.model_bytes(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_truncated_asset_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "face_landmarker.task"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"altered.*\({len(content)} bytes\); reinstall livexpr"):
        face_mesh.model_bytes(path)


def test_missing_asset_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.task is missing.*reinstall livexpr") as caught:
        face_mesh.model_bytes(tmp_path / "nowhere.task")
    assert isinstance(caught.value, LivexprError)
    with pytest.raises(ModelError, match=r"missing or unreadable"):
        face_mesh.model_bytes(tmp_path)
