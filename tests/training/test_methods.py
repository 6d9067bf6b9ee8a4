"""All methods to compare: each fits the people it is given, and its map is applied alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr import face_canvas
from livexpr.errors import LivexprError
from livexpr.intensity_map import IntensityMap
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.training import methods
from livexpr.training.canvas_pairs import CANVAS_SIZE, canvas_pairs
from livexpr.training.methods import METHODS, apply_map, n_parameters, observed
from livexpr.training.photo_pairs import fit_command
from livexpr.types import FaceTrack, Frame

# Where the astronaut's face lies: rows, columns.
FACE = (slice(20, 260), slice(90, 350))
PEOPLE = [f"{k:02d}" for k in range(12)]
NAMES = (
    *("identity", "pixel-rr", "pixel-rr-minmax", "pixel-kr", "pixel-rr-mesh", "pixel-kr-mesh"),
    *("located", "ours"),
)


def brightened(pixels: NDArray[np.uint8], by: float) -> NDArray[np.uint8]:
    return np.clip(pixels * by, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def face(_astronaut_bgr) -> tuple[NDArray[np.uint8], FaceTrack]:
    pixels = np.ascontiguousarray(_astronaut_bgr[FACE])
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(Frame(pixels, 0, 0.0))
    assert track
    return pixels, track


@pytest.fixture(scope="module")
def pairs_dir(tmp_path_factory, face) -> Path:
    """Twelve people, all of them the astronaut in another light; their expression is to pale."""
    folder = tmp_path_factory.mktemp("pairs")
    for name in ("neutral", "happy"):
        (folder / name).mkdir()
    pixels, _ = face
    for k, light in enumerate(np.linspace(0.7, 1, 12)):
        before = brightened(pixels, light)
        after = np.clip(0.6 * before + 70.0, 0, 255).round().astype(np.uint8)
        assert cv2.imwrite(str(folder / "neutral" / f"{k:02d}.png"), before)
        assert cv2.imwrite(str(folder / "happy" / f"{k:02d}.png"), after)
    return folder


def test_these_are_compared() -> None:
    assert tuple(METHODS) == NAMES
    assert all(name == method.name for name, method in METHODS.items())
    assert len({method.label for method in METHODS.values()}) == len(METHODS)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_fits_and_its_map_is_applied(name: str, pairs_dir: Path, face) -> None:
    fitted = METHODS[name].fit(pairs_dir, "happy", PEOPLE[1:])
    kind = {"identity": type(None), "ours": PixelMap}.get(name, IntensityMap)
    assert isinstance(fitted, kind)
    pixels, track = face
    before = brightened(pixels, 0.9)
    after = apply_map(before, fitted, 1.0, track)
    assert after.shape == before.shape
    if fitted is None:
        np.testing.assert_array_equal(after, before)
        assert n_parameters(fitted) == 0
        return
    assert n_parameters(fitted) > 10_000
    if name not in ("ours", "pixel-rr-minmax"):  # which takes light for exposure, or stretches it
        x, y = track.landmarks_px[205, :2].round().astype(int)
        assert after[y, x].mean() == pytest.approx(0.6 * before[y, x].mean() + 70, rel=0.1)


def test_photographs_are_looked_at_once(pairs_dir: Path, monkeypatch) -> None:
    seen = observed(pairs_dir, "happy")
    monkeypatch.setattr(methods, "observe", None)
    assert observed(pairs_dir, "happy") is seen
    METHODS["pixel-rr"].fit(pairs_dir, "happy", ["02"])
    assert list(seen.pairs) == PEOPLE
    assert [pair.person for pair in seen.of(["03", "01", "nobody"])] == ["01", "03"]


def test_only_the_people_asked_for_count(pairs_dir: Path) -> None:
    some = METHODS["pixel-rr"].fit(pairs_dir, "happy", ["00", "01"])
    assert isinstance(some, IntensityMap)
    assert some.metadata["pairs"] == "2"
    with pytest.raises(LivexprError, match="no usable pair"):
        METHODS["pixel-rr"].fit(pairs_dir, "happy", ["nobody"])


@pytest.mark.parametrize("align", ["crop", "mesh"])
def test_command_writes_the_same_map_each_time(align, pairs_dir: Path, tmp_path: Path) -> None:
    from livexpr.training.intensity_fit import IntensityMethod

    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    for out in (one, other):
        fit_command(pairs_dir, "happy", out, method=IntensityMethod("ridge", align))
    assert one.read_bytes() == other.read_bytes()


class TestCanvases:
    def test_a_pair_without_a_difference_is_the_same_twice(self, face) -> None:
        pixels, track = face
        pairs = canvas_pairs(pixels, track, pixels, track)
        for align, (neutral, expressive) in pairs.items():
            assert neutral.shape == (CANVAS_SIZE[align], CANVAS_SIZE[align], 3)
            # The mesh was carried over to itself, by matrices.
            assert np.abs(neutral.astype(int) - expressive).mean() < 0.05

    def test_the_mesh_lies_by_the_neutral_shape_on_both(self, face) -> None:
        """A corner of the mouth that rose is to be seen higher up, not where the corner belongs."""
        pixels, neutral = face
        landmarks = neutral.landmarks_px.copy()
        landmarks[[61, 291], 1] -= 8
        risen = replace(neutral, landmarks_px=landmarks)
        seen = canvas_pairs(pixels, neutral, pixels, risen)["mesh"]
        assert np.abs(seen[0].astype(int) - seen[1]).mean() < 0.05
        by_its_own = face_canvas.unwrap(
            pixels, face_canvas.mesh_layout(landmarks), CANVAS_SIZE["mesh"]
        )
        assert np.abs(seen[0].astype(int) - by_its_own).max() > 10

    def test_a_moved_head_is_carried_along(self, face) -> None:
        pixels, neutral = face
        matrix = np.float32([[0.9, -0.2, 40], [0.2, 0.9, -10]])
        turned = cv2.warpAffine(pixels, matrix, pixels.shape[1::-1], flags=cv2.INTER_CUBIC)
        landmarks = neutral.landmarks_px.copy()
        landmarks[:, :2] = landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        landmarks[:, 2] *= np.hypot(0.9, 0.2)
        pose = np.eye(4, dtype=np.float32)
        pose[:2, :2], pose[:2, 3], pose[2, 2] = matrix[:, :2], matrix[:, 2], np.hypot(0.9, 0.2)
        track = FaceTrack(landmarks, neutral.blendshapes, pose @ neutral.frame_from_head)
        for align, (before, after) in canvas_pairs(pixels, neutral, turned, track).items():
            inside = face_canvas.feather(align, CANVAS_SIZE[align]) == 1
            assert np.abs(before.astype(int) - after)[inside].mean() < 4, align
