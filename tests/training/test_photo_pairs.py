"""Fitting from pairs of photographs: what is found, what is refused and why, what comes out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr import face_mesh, map_file, pixel_map
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.training.face_space import feather_mask, mirrored_landmarks
from livexpr.training.pair_observations import MAP_SIZE, MOUTH_SIZE
from livexpr.training.photo_pairs import (
    PairObservation,
    expression_weights,
    find_pairs,
    fit_command,
    fit_observations,
    fit_pairs,
    observe,
)

Write = Callable[[str, NDArray[np.uint8]], Path]
# Where the astronaut's face lies: rows, columns.
FACE = (slice(20, 260), slice(90, 350))


@pytest.fixture
def pairs_dir(tmp_path: Path) -> Path:
    for name in ("neutral", "happy"):
        (tmp_path / "pairs" / name).mkdir(parents=True)
    return tmp_path / "pairs"


@pytest.fixture
def write(pairs_dir: Path) -> Write:
    """Return a function that writes a picture as FOLDER/FILE."""

    def to(name: str, pixels: NDArray[np.uint8]) -> Path:
        path = pairs_dir / name
        assert cv2.imwrite(str(path), pixels)
        return path

    return to


def mouth_raised(pixels: NDArray[np.uint8], by_px: float) -> NDArray[np.uint8]:
    """Bend the corners of the astronaut's mouth upwards (or, if negative, downwards)."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    for x, y in ((203, 143), (243, 144)):
        pull = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 9.0**2))
        rows += np.float32(by_px) * pull
    return np.asarray(cv2.remap(pixels, columns, rows, cv2.INTER_CUBIC), np.uint8)


def observation(
    rng: np.random.Generator, strength: float = 1.0, *, person: str = "p", exposure: float = 1.0
) -> PairObservation:
    """Make up a pair: offsets of one pattern, an expression that is one fifth darker."""
    pattern = np.random.default_rng(1).normal(0, 0.3, (468, 3))
    noise = rng.normal(0, 0.01, (468, 3))
    skin = rng.integers(90, 150, (MAP_SIZE, MAP_SIZE, 3)).astype(np.float64)
    neutral = cv2.GaussianBlur(skin, (0, 0), 3)
    darker = np.ones((MAP_SIZE, MAP_SIZE, 1))
    darker[120:140, 60:130] = 0.8
    shape = np.zeros(52, np.float32)
    shape[BLENDSHAPE_NAMES.index("mouthSmileLeft")] = 0.7 * strength
    return PairObservation(
        person=person,
        offset_cm=(strength * pattern + noise).astype(np.float32),
        neutral=neutral.round().astype(np.uint8),
        expressive=np.clip(neutral * darker * exposure, 0, 255).round().astype(np.uint8),
        mouth=np.full((MOUTH_SIZE, MOUTH_SIZE, 3), 120, np.uint8),
        mouth_opening_cm=0.8,
        skin_luma=120.0,
        blendshapes=shape,
    )


class TestFindPairs:
    def test_pairs_are_matched_by_name_in_order(self, pairs_dir: Path, write: Write) -> None:
        tiny = np.zeros((2, 2, 3), np.uint8)
        for name in ("neutral/b.png", "neutral/a.png", "happy/a.jpg", "happy/b.png", "happy/c.png"):
            write(name, tiny)
        found = find_pairs(pairs_dir, "happy")
        assert list(found) == ["a", "b"]
        assert found["a"] == (pairs_dir / "neutral/a.png", pairs_dir / "happy/a.jpg")

    def test_the_only_other_folder_will_do(self, pairs_dir: Path, write: Write) -> None:
        for name in ("neutral/a.png", "happy/a.png"):
            write(name, np.zeros((2, 2, 3), np.uint8))
        (pairs_dir / "happy").rename(pairs_dir / "smiling")
        (pairs_dir / "people.csv").write_text("id,age\n")
        assert list(find_pairs(pairs_dir, "happy")) == ["a"]

    def test_several_other_folders_are_ambiguous(self, pairs_dir: Path) -> None:
        for name in ("sad", "angry"):
            (pairs_dir / name).mkdir()
        (pairs_dir / "happy").rmdir()
        with pytest.raises(LivexprError, match=r"neutral/ and happy/, found angry, sad"):
            find_pairs(pairs_dir, "happy")

    def test_missing_folders_are_named(self, pairs_dir: Path, tmp_path: Path) -> None:
        (pairs_dir / "neutral").rmdir()
        with pytest.raises(LivexprError, match="expected the folders neutral/ and happy/"):
            find_pairs(pairs_dir, "happy")
        with pytest.raises(LivexprError, match=r"nowhere.*No such file"):
            find_pairs(tmp_path / "nowhere", "happy")

    def test_notes_beside_a_picture_do_not_take_its_place(
        self, pairs_dir: Path, write: Write
    ) -> None:
        for name in ("neutral/a.jpg", "happy/a.jpg"):
            write(name, np.zeros((2, 2, 3), np.uint8))
        for name in ("neutral/a.txt", "happy/a.xmp", "neutral/b.txt", "happy/b.txt"):
            (pairs_dir / name).write_text("taken in spring")
        found = find_pairs(pairs_dir, "happy")
        assert [path.suffix for path in found["a"]] == [".jpg", ".jpg"]
        assert "b" in found, "and is named as what cannot be used"

    def test_nobody_in_both_folders(self, pairs_dir: Path, write: Write) -> None:
        write("neutral/a.png", np.zeros((2, 2, 3), np.uint8))
        with pytest.raises(LivexprError, match="has its pair"):
            find_pairs(pairs_dir, "happy")


class TestObserve:
    def test_a_good_pair_tells_its_displacement(self, astronaut, pairs_dir, write: Write) -> None:
        write("neutral/eileen.png", mouth_raised(astronaut, -5))
        write("happy/eileen.png", astronaut)
        seen: list[str] = []
        observations, rejected = observe(find_pairs(pairs_dir, "happy").items(), seen.append)
        assert not rejected
        assert seen == ["eileen"]
        (told,) = observations
        assert told.offset_cm.shape == (468, 3)
        assert told.offset_cm[[61, 291], 1].mean() > 0.15, "the corners of the mouth rise"
        assert np.abs(told.offset_cm[[33, 133, 362, 263]]).max() < 0.15, "eye corners stay"
        assert told.neutral.shape == told.expressive.shape == (MAP_SIZE, MAP_SIZE, 3)
        assert told.mouth.shape == (MOUTH_SIZE, MOUTH_SIZE, 3)
        assert 60 < told.skin_luma < 230

    @pytest.mark.parametrize(
        ("reason", "spoil"),
        [
            ("no face found", lambda pixels: np.full_like(pixels, 127)),
            ("2 faces, expected one", lambda pixels: np.hstack([pixels[FACE]] * 2)),
        ],
    )
    @pytest.mark.parametrize("folder", ["neutral", "happy"])
    def test_unusable_pictures_are_rejected_by_name(
        self, astronaut, pairs_dir, write: Write, reason: str, spoil, folder: str
    ) -> None:
        for name in ("neutral", "happy"):
            write(f"{name}/good.png", astronaut)
            write(f"{name}/spoilt.png", spoil(astronaut) if name == folder else astronaut)
        observations, rejected = observe(find_pairs(pairs_dir, "happy").items())
        assert [o.person for o in observations] == ["good"]
        assert list(rejected) == ["spoilt"]
        assert rejected["spoilt"] == f"{folder}/spoilt.png: {reason}"

    def test_a_turned_head_is_rejected_with_its_angle(
        self, synthetic_face, pairs_dir, write: Write
    ) -> None:
        size = (640, 640)
        for folder, yaw in (("neutral", 0.0), ("happy", 0.6)):
            track = synthetic_face.track(size=size, px_per_cm=22, yaw_rad=yaw)
            write(f"{folder}/a.png", synthetic_face.draw(track, size=size))
        _, rejected = observe(find_pairs(pairs_dir, "happy").items())
        assert re.match(r"happy/a\.png: head turned by [23]\d° .* at most 20°", rejected["a"])

    @pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
    def test_unreadable_files_are_rejected(
        self, astronaut, pairs_dir, write: Write, content: bytes
    ) -> None:
        write("neutral/a.png", astronaut)
        (pairs_dir / "happy/a.png").write_bytes(content)
        (pairs_dir / "neutral/b.png").mkdir()
        write("happy/b.png", astronaut)
        observations, rejected = observe(find_pairs(pairs_dir, "happy").items())
        assert not observations
        assert set(rejected) == {"a", "b"}
        assert "a.png" in rejected["a"]
        assert all("\n" not in reason for reason in rejected.values())


class TestWeights:
    def test_faint_pairs_are_left_out(self, rng) -> None:
        pattern = rng.normal(0, 0.3, (468, 3))
        strengths = np.array([1.0, 1.2, 0.9, 1.1, 0.1, 0.0, -0.5])
        offsets = (strengths[:, None, None] * pattern).astype(np.float32)
        weights = expression_weights(offsets)
        assert weights.shape == (7,)
        assert (weights[:4] > 0).all()
        assert not weights[4:].any()
        assert weights.argmax() == 1
        assert weights.max() <= 1

    def test_one_pair_counts(self, rng) -> None:
        assert expression_weights(rng.normal(0, 1, (1, 468, 3)).astype(np.float32))[0] > 0

    def test_pairs_without_any_displacement_count_alike(self) -> None:
        np.testing.assert_array_equal(expression_weights(np.zeros((3, 468, 3), np.float32)), 1)


class TestFit:
    def test_offset_is_what_the_pairs_have_in_common(self, rng) -> None:
        fitted = fit_observations(
            [observation(rng, strength) for strength in (0.9, 1.0, 1.1)], symmetric=False
        )
        pattern = np.random.default_rng(1).normal(0, 0.3, (468, 3))
        # The stronger pairs count more, the average is emphasised a little, and what is small as
        # seen from the front is taken for noise, above the brows more readily.
        clear = np.linalg.norm(pattern[:, :2], axis=1) > 0.25
        error = fitted.offset_cm - 1.07 * 1.05 * pattern
        assert np.abs(error[clear]).max() < 0.08
        tiny = np.linalg.norm(pattern[:, :2], axis=1) < 0.02
        assert tiny.any()
        assert not fitted.offset_cm[tiny].any()
        assert fitted.blendshapes == {"mouthSmileLeft": pytest.approx(0.7, abs=0.06)}

    @pytest.mark.parametrize("exposure", [0.7, 1.0, 1.2])
    def test_darkening_is_found_and_exposure_is_not(self, rng, exposure: float) -> None:
        observations = [observation(rng, exposure=exposure) for _ in range(30)]
        fitted = fit_observations(observations, symmetric=False)
        applied = np.exp(fitted.log_gain) + fitted.bias[..., None]
        assert applied[130, 95].mean() == pytest.approx(0.8, abs=0.07)
        elsewhere = np.abs(applied[60:100, 60:130] - 1)
        assert elsewhere.mean() < 0.02

    def test_symmetric_maps_are_symmetric(self, rng) -> None:
        fitted = fit_observations([observation(rng) for _ in range(3)])
        mirrored = fitted.offset_cm[mirrored_landmarks()] * np.array([-1, 1, 1])
        np.testing.assert_allclose(fitted.offset_cm, mirrored, atol=1e-6)
        np.testing.assert_allclose(fitted.log_gain, fitted.log_gain[:, ::-1], atol=1e-6)
        np.testing.assert_allclose(fitted.bias, fitted.bias[:, ::-1], atol=1e-6)

    def test_few_pairs_change_little(self, rng) -> None:
        """The ridge: a single pair is not believed."""
        one = fit_observations([observation(rng)], symmetric=False)
        many = fit_observations([observation(rng) for _ in range(30)], symmetric=False)
        inside = (slice(125, 135), slice(70, 120))
        assert np.abs(one.log_gain[inside]).mean() < 0.5 * np.abs(many.log_gain[inside]).mean()

    def test_mouth_needs_several_open_ones(self, rng) -> None:
        few = [observation(rng) for _ in range(4)]
        assert not fit_observations(few).mouth.any()
        assert fit_observations([*few, observation(rng)]).mouth.any()

    def test_map_is_complete_and_says_what_it_is_made_of(self, rng) -> None:
        observations = [observation(rng), observation(rng, 0.9), observation(rng, 0.0)]
        fitted = fit_observations(observations, metadata={"expression": "happy"})
        np.testing.assert_array_equal(fitted.mask, feather_mask(MAP_SIZE))
        assert fitted.metadata["pairs"] == "3"
        assert fitted.metadata["pairs_weighted"] == "2"
        assert fitted.metadata["expression"] == "happy"

    def test_nothing_to_fit_is_said(self) -> None:
        with pytest.raises(LivexprError, match="no usable pair"):
            fit_observations([])


class TestFitCommand:
    @pytest.fixture
    def three_people(self, astronaut, pairs_dir: Path, write: Write) -> Path:
        for person, gamma in (("anna", 1.0), ("bo", 0.9)):
            pixels = (255 * (astronaut / 255.0) ** gamma).round().astype(np.uint8)
            write(f"neutral/{person}.png", mouth_raised(pixels, -5))
            write(f"happy/{person}.png", pixels)
        write("neutral/ghost[bold].png", np.full_like(astronaut, 90))
        write("happy/ghost[bold].png", astronaut)
        for folder in ("neutral", "happy"):
            (pairs_dir / folder / "raw").mkdir()
        return pairs_dir

    def test_fit_says_what_it_used_and_what_it_left_out(
        self, three_people: Path, tmp_path: Path, capsys
    ) -> None:
        out = tmp_path / "happy[bold].safetensors"
        fit_command(three_people, "happy", out, attribution="me")
        said = " ".join(capsys.readouterr().err.split())
        assert "left out ghost[bold]: neutral/ghost[bold].png: no face found" in said
        assert "neutral/raw is a folder" in said
        assert "used 2 of 4 pairs" in said
        assert "wrote" in said
        assert "happy[bold].safetensors" in said.replace(" ", "")
        fitted = pixel_map.load(out)
        assert fitted.metadata["attribution"] == "me"
        assert fitted.metadata["expression"] == "happy"
        assert fitted.offset_cm[[61, 291], 1].mean() > 0.1
        assert out.stat().st_size <= map_file.MAX_BYTES

    def test_same_photographs_give_the_same_bytes(self, three_people: Path, tmp_path: Path) -> None:
        one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
        fit_command(three_people, "happy", one)
        fit_command(three_people, "happy", other)
        assert one.read_bytes() == other.read_bytes()

    def test_some_people_only(self, three_people: Path) -> None:
        assert fit_pairs(three_people, "happy", {"bo"}).metadata["pairs"] == "1"

    def test_no_usable_pair_writes_nothing(
        self, three_people: Path, tmp_path: Path, astronaut
    ) -> None:
        for person in ("anna", "bo"):
            os.remove(three_people / "happy" / f"{person}.png")
        out = tmp_path / "happy.safetensors"
        with pytest.raises(LivexprError, match="no usable pair"):
            fit_command(three_people, "happy", out)
        assert not out.exists()

    def test_unwritable_map_is_named(self, three_people: Path, tmp_path: Path) -> None:
        with pytest.raises(LivexprError, match="cannot write the pixel map"):
            fit_command(three_people, "happy", tmp_path / "nowhere" / "happy.safetensors")


@pytest.mark.shared
def test_london_pairs_give_a_smile() -> None:
    """Twenty people of the London set: corners up, cheeks up, teeth in the mouth."""
    pairs_dir = Path(__file__).resolve().parents[3] / "shared" / "data" / "london"
    people = sorted(find_pairs(pairs_dir, "happy"))[:20]
    fitted = fit_pairs(pairs_dir, "happy", set(people))
    assert int(fitted.metadata["pairs"]) >= 18
    assert (fitted.offset_cm[[61, 291], 1] > 0.3).all()
    np.testing.assert_allclose(fitted.offset_cm[list(face_mesh.STABLE)], 0, atol=0.25)
    assert fitted.blendshapes["mouthSmileLeft"] > 0.5
    assert fitted.mouth[64, 64, 1] > 0.6, "teeth are bright"


def test_pairs_that_open_the_mouth_are_left_out(rng) -> None:
    from dataclasses import replace

    from livexpr.training.photo_pairs import with_shut_mouth

    pair = PairObservation(
        person="a",
        offset_cm=rng.normal(0, 0.1, (468, 3)).astype(np.float32),
        neutral=np.zeros((8, 8, 3), np.uint8),
        expressive=np.zeros((8, 8, 3), np.uint8),
        mouth=np.zeros((8, 8, 3), np.uint8),
        mouth_opening_cm=0.05,
        skin_luma=100.0,
        blendshapes=np.zeros(52, np.float32),
    )
    opened = replace(pair, person="b", mouth_opening_cm=0.8)
    assert with_shut_mouth([pair, opened]) == [pair]
    with pytest.raises(LivexprError, match="--closed-mouth"):
        with_shut_mouth([opened])
    # Where there is no pair at all, the mouth is not why.
    with pytest.raises(LivexprError, match="no usable pair"):
        fit_observations(with_shut_mouth([]))
