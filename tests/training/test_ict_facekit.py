"""The head model: both of its forms are the same, and no damaged one gets further than one line."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from livexpr.errors import LivexprError
from livexpr.training import ict_facekit

MODEL = Path(__file__).resolve().parents[3] / "shared/data/ict_facekit/ict_facekit.npz"

# A grid with as many vertices as the head has.
ROWS, COLUMNS = 77, 347
SHAPES = ("browDown_L", "browDown_R", "jawOpen", "identity000", "identity001")


def grid() -> np.ndarray:
    """Return a sheet of vertices (N, 3), cm, of numbers that OBJ files can write exactly."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    z = (x * 7 + y * 3) % 16
    vertices = np.stack([x / 16, y / 8, z / 32], axis=2).reshape(-1, 3)
    assert len(vertices) == ict_facekit.N_VERTICES
    return vertices.astype(np.float32)


def quads() -> np.ndarray:
    """Return the grid's faces (Q, 4), a few of them among lashes and fluid."""
    at = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    corners = (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1])
    return np.stack(corners, axis=2).reshape(-1, 4)[::50]


def displacement(number: int) -> np.ndarray:
    """Return the displacements (N, 3), cm, of a shape."""
    vertices = grid()
    moved = np.zeros_like(vertices)
    moved[number::7, number % 3] = (number + 1) / 8
    return moved


def obj_text(vertices: np.ndarray) -> str:
    """Return an OBJ file as FaceXModel has them: groups, materials, quads of v/vt/vn."""
    lines = ["# ICT FaceKit", "mtllib ICTFaceModelMaterial.mtl"]
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in vertices]
    lines += ["vt 0.5 0.5", "vn 0 0 1", "g M_Face", "usemtl M_Face", "s off"]
    lines += ["f " + " ".join(f"{corner + 1}/1/1" for corner in quad) for quad in quads()]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FaceXModel, as its repository has it, but small."""
    path = tmp_path_factory.mktemp("FaceXModel")
    (path / "generic_neutral_mesh.obj").write_text(obj_text(grid()), encoding="ascii")
    for number, name in enumerate(SHAPES):
        text = obj_text(grid() + displacement(number))
        (path / f"{name}.obj").write_text(text, encoding="ascii")
    (path / "ICTFaceModelMaterial.mtl").write_text("newmtl M_Face\n", encoding="ascii")
    (path / "prop.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="ascii")
    return path


def archived(path: Path, **changed: np.ndarray) -> Path:
    """Write the same model as an npz, some of its arrays changed."""
    a, b, c, d = quads().T
    arrays = {
        "V0": grid(),
        "tris": np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]),
        "names": np.array(SHAPES),
        "D": np.stack([displacement(number) for number in range(len(SHAPES))]).astype(np.float16),
    }
    np.savez(path, **{**arrays, **changed})
    return path


@pytest.fixture(scope="module")
def from_folder(folder: Path) -> ict_facekit.HeadModel:
    return ict_facekit.load(folder)


def refusal(path: Path) -> str:
    with pytest.raises(LivexprError) as caught:
        ict_facekit.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_obj_files_is_the_same_model_as_an_npz(from_folder, tmp_path: Path) -> None:
    from_archive = ict_facekit.load(archived(tmp_path / "head.npz"))
    np.testing.assert_array_equal(from_folder.neutral_cm, from_archive.neutral_cm)
    both = (from_folder, from_archive)
    # A quad may be listed as two triangles in any order.
    first, second = ({tuple(t) for t in model.triangles.tolist()} for model in both)
    assert first == second
    assert set(from_folder.displacements_cm) == set(from_archive.displacements_cm) == set(SHAPES)
    for name in SHAPES:
        np.testing.assert_allclose(
            from_folder.displacements_cm[name], from_archive.displacements_cm[name], atol=1e-6
        )


def test_lashes_and_fluid_are_left_out_and_nothing_else(from_folder) -> None:
    solid = (quads() < ict_facekit.LASHES_AND_FLUID.start).all(axis=1)
    assert 0 < solid.sum() < len(solid)
    assert len(from_folder.triangles) == 2 * solid.sum()


def test_triangles_of_a_quad_turn_as_it_does(from_folder) -> None:
    a, b, c = (from_folder.neutral_cm[from_folder.triangles[:, k], :2] for k in range(3))
    assert (np.cross(np.c_[b - a, 0 * a[:, :1]], np.c_[c - a, 0 * a[:, :1]])[:, 2] > 0).all()


def test_shapes_add_up_and_a_name_without_its_side_is_both(from_folder) -> None:
    expected = grid() + displacement(0) + displacement(1) - 0.5 * displacement(2)
    shaped = from_folder.shaped({"browDown": 1.0, "jawOpen": -0.5})
    np.testing.assert_allclose(shaped, expected, atol=1e-6)
    one_side = from_folder.shaped({"browDown_R": 2.0})
    np.testing.assert_allclose(one_side, grid() + 2 * displacement(1), atol=1e-6)
    np.testing.assert_array_equal(from_folder.shaped({}), grid())
    assert from_folder.identities == ["identity000", "identity001"]


@pytest.mark.parametrize("name", ["noseSneer", "browDown_X", ""])
def test_a_shape_that_is_not_there_is_one_line(from_folder, name: str) -> None:
    with pytest.raises(LivexprError, match=f"no shape '{name}'"):
        from_folder.shaped({name: 1.0})


def test_the_model_cannot_be_changed_by_accident(from_folder) -> None:
    arrays = [from_folder.neutral_cm, from_folder.triangles]
    assert not any(
        array.flags.writeable for array in [*arrays, *from_folder.displacements_cm.values()]
    )


class _Malice:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("touched"),)


def test_no_pickle_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bare = tmp_path / "bare.npz"
    bare.write_bytes(pickle.dumps(_Malice()))
    assert "expected an npz archive" in refusal(bare)
    hidden = np.empty(1, object)
    hidden[0] = _Malice()
    for name in ("names", "V0", "D", "tris"):
        assert "pickle" in refusal(archived(tmp_path / "hidden.npz", **{name: hidden}))
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"V0": grid()[:-1]}, "26719 vertices, found 26718"),
        ({"V0": grid()[:, :2]}, "26719 vertices"),
        ({"V0": np.full_like(grid(), np.nan)}, "the neutral head holds numbers that are not"),
        ({"V0": np.array(["a", "b"])}, "not a readable head model"),
        ({"tris": np.array([[0, 1, 26719]])}, "a vertex that is not there"),
        ({"tris": np.array([[0, 1, -1]])}, "a vertex that is not there"),
        ({"tris": np.arange(6)}, "expected triangles (T, 3), found (6,)"),
        ({"tris": np.zeros((0, 3), int)}, "expected triangles (T, 3), found (0, 3)"),
        ({"names": np.array(SHAPES[1:])}, "not a readable head model"),
        ({"D": np.zeros((5, 7, 3), np.float16)}, "browDown_L is no float array (26719, 3)"),
        ({"D": np.zeros((5, 26719, 3), bool)}, "browDown_L is no float array (26719, 3)"),
        ({"D": np.full((5, 26719, 3), np.inf, "f2")}, "browDown_L holds numbers that are not"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_arrays_that_do_not_fit_are_one_line(tmp_path: Path, changed, said: str) -> None:
    path = archived(tmp_path / "head.npz", **changed)
    line = refusal(path)
    assert said in line
    assert line.startswith(str(path))


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    whole = archived(tmp_path / "head.npz").read_bytes()
    broken = tmp_path / "broken.npz"
    for data in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"\x93NUMPY\x01\x00" + bytes(80)):
        broken.write_bytes(data)
        assert "not a readable head model" in refusal(broken)
    middle = len(whole) // 2
    broken.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    assert "not a readable head model" in refusal(broken)
    np.savez(broken, V0=grid())
    assert "names" in refusal(broken)
    assert "No such file" in refusal(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "without vertices and faces"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "without vertices and faces"),
        ("v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not a readable OBJ file"),
        ("v 0 0 x\n", "not a readable OBJ file"),
        ("v 0 0 0\nf 1 2 x\n", "not a readable OBJ file"),
        ("v 0 0 0\nf 1 2 99999999999999999999\n", "not a readable OBJ file"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "26719 vertices, found 3"),
        ("\u00e4", "not a readable OBJ file"),
    ],
)
def test_a_bad_obj_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "generic_neutral_mesh.obj").write_text(text, encoding="utf-8")
    assert said in refusal(tmp_path)


def test_a_face_of_a_vertex_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    text = obj_text(grid()) + "f 1 2 26720\n"
    (tmp_path / "generic_neutral_mesh.obj").write_text(text, encoding="ascii")
    assert "a vertex that is not there" in refusal(tmp_path)


def test_a_folder_that_is_not_the_models_is_one_line(tmp_path: Path) -> None:
    assert "expected ICT-FaceKit's folder FaceXModel" in refusal(tmp_path)


@pytest.fixture(scope="module")
def model() -> ict_facekit.HeadModel:
    return ict_facekit.load(MODEL)


@pytest.mark.shared
def test_the_head_is_as_its_parts_say(model) -> None:
    """Left is at positive x; the face looks along z; eyeballs lie behind the skin."""
    vertices = model.neutral_cm
    assert vertices[ict_facekit.TEETH, 1].max() < vertices[ict_facekit.EYEBALLS, 1].min()
    for iris in ict_facekit.IRISES:
        assert abs(vertices[iris, 0].mean()) > 2
    for name, side in (("mouthSmile_L", 1), ("mouthSmile_R", -1)):
        moved = np.abs(model.displacements_cm[name].astype(np.float32)).sum(axis=1)
        centre = (moved[:, None] * vertices).sum(axis=0) / moved.sum()
        assert side * centre[0] > 1
    a, b, c = (vertices[model.triangles[:, k]] for k in range(3))
    face = (model.triangles < 1000).all(axis=1)
    assert np.cross(b - a, c - a)[face, 2].mean() > 0
    assert len(model.identities) == 100
