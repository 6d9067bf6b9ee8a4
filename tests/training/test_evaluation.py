"""Leave-people-out evaluation, with judges and maps that are known in advance."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.errors import LivexprError
from livexpr.face_mesh import FACE_OVAL
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.training import evaluation, judges
from livexpr.training.evaluation_table import Evaluation, Person
from livexpr.training.judges import EXPRESSIONS, Verdict
from livexpr.training.photo_pairs import find_pairs
from livexpr.types import NoFace

SIZE = 96
LONDON = Path(__file__).resolve().parents[3] / "shared" / "data" / "london"
JUDGE_PACKAGES = ("ai_edge_litert", "dlib", "face_recognition_models", "fer", "facex")
NEUTRAL_LEVEL, REAL_LEVEL, BLANK_LEVEL = 100, 180, 0
PEOPLE = tuple(f"{number:03d}" for number in range(7))


def oval_landmarks() -> np.ndarray:
    """Landmarks whose oval is a circle of radius 40 about the middle; eyes and mouth inside."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = SIZE / 2
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[list(FACE_OVAL), 0] += 40 * np.sin(turn)
    points[list(FACE_OVAL), 1] -= 40 * np.cos(turn)
    for index, x in ((33, -20), (133, -10), (362, 10), (263, 20)):
        points[index, :2] = SIZE / 2 + x, SIZE / 2 - 10
    return points


def level_judges(pixels: np.ndarray) -> Verdict | NoFace:
    """Judge happy by mean brightness alone, and identity likewise; blank pictures show nobody."""
    level = float(pixels.mean())
    if level == BLANK_LEVEL:
        return NoFace("no face found")
    happy = level / 255
    scores = {**dict.fromkeys(EXPRESSIONS, 0.0), "happy": happy, "neutral": 1 - happy}
    return Verdict(oval_landmarks(), {"level": scores}, np.full(128, level / 255))


@pytest.fixture
def pairs_dir(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Seven people, each a textured grey square, dark when neutral and bright when happy."""
    for folder, level in (("neutral", NEUTRAL_LEVEL), ("smiling", REAL_LEVEL)):
        (tmp_path / folder).mkdir()
        for person in PEOPLE:
            texture = rng.integers(-20, 21, (SIZE, SIZE, 1)) * np.ones(3, np.int64)
            pixels = (level + texture - round(texture.mean())).astype(np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{person}.png"), pixels)
    (tmp_path / "people.csv").write_text(
        "id,age,gender,ethnicity\n000,19,female,white\n001,25,male,\n002,NA,female,black\n"
        "003,35,male,white\n004,34,male,white\n005,24,male,white\n006,99,female,white\n"
    )
    return tmp_path


def brighten(pixels: np.ndarray, by: int, intensity: float) -> np.ndarray:
    return cv2.add(pixels, np.full_like(pixels, round(by * intensity)))


def evaluate(pairs_dir: Path, **options) -> Evaluation:
    return evaluation.evaluate_folds(
        pairs_dir, "happy", lambda people: 50, brighten, level_judges, **options
    )


@given(st.sets(st.text(min_size=1), min_size=2, max_size=40), st.data())
def test_split_is_a_balanced_partition_whatever_the_order(people, data):
    folds = data.draw(st.integers(2, len(people)))
    split = evaluation.split_people(sorted(people), folds)
    assert sorted(person for fold in split for person in fold) == sorted(people)
    assert max(map(len, split)) - min(map(len, split)) <= 1
    shuffled = data.draw(st.permutations(sorted(people)))
    assert evaluation.split_people(shuffled, folds) == split


def test_split_is_the_same_everywhere_and_for_ever():
    assert evaluation.split_people(PEOPLE, 3) == [
        ["000", "003", "006"],
        ["005", "004"],
        ["001", "002"],
    ]


@pytest.mark.parametrize(("people", "folds"), [(["a", "b"], 3), (["a", "b"], 1), ([], 2)])
def test_split_needs_enough_people(people, folds):
    with pytest.raises(LivexprError, match="cannot hold out"):
        evaluation.split_people(people, folds)


def test_nobody_is_judged_by_a_map_fitted_on_them(pairs_dir):
    turns: list[tuple[set[str], list[str]]] = []

    def fit(people):
        turns.append((set(people), []))
        return 50

    evaluation.evaluate_folds(
        pairs_dir,
        "happy",
        fit,
        brighten,
        level_judges,
        on_progress=lambda person: turns[-1][1].append(person),
    )
    assert len(turns) == 5
    for fitted_on, judged in turns:
        assert judged
        assert fitted_on == set(PEOPLE) - set(judged)
    assert sorted(person for _, judged in turns for person in judged) == list(PEOPLE)


def test_measures_are_those_of_the_pictures(pairs_dir):
    result = evaluate(pairs_dir, intensity=0.5)
    assert list(result.people) == list(PEOPLE)
    assert result.skipped == {}
    for person in result.people.values():
        happy = person.measures["level happy"]
        assert happy == pytest.approx([100 / 255, 125 / 255, 180 / 255], abs=0.005)
        # The probability passes one half between 125 and 180 of 255.
        assert person.measures["level recognised"] == (0, 0, 1)
        distance = person.measures["identity distance"]
        assert distance == pytest.approx(np.sqrt(128) * np.array([0, 25, 80]) / 255, abs=0.05)
        sharpness = person.measures["skin sharpness"]
        # The same texture on a brighter skin is less relative contrast.
        assert sharpness == pytest.approx([1, (100 / 125) ** 2, (100 / 180) ** 2], rel=0.15)


def test_doing_nothing_leaves_everything_as_it_was(pairs_dir):
    result = evaluate(pairs_dir, intensity=0.0)
    for person in result.people.values():
        for neutral, filtered, _ in person.measures.values():
            assert filtered == neutral


def test_sharpness_sees_blur_on_skin_but_not_beside_it(rng):
    pixels = rng.integers(80, 120, (SIZE, SIZE, 3), dtype=np.uint8)
    points = oval_landmarks()
    sharp = evaluation.sharpness(pixels, points)
    blurred = cv2.GaussianBlur(pixels, (0, 0), 1.5)
    assert evaluation.sharpness(blurred, points) < 0.3 * sharp
    inside = np.hypot(*(np.indices((SIZE, SIZE)) - SIZE / 2)) < 41
    beside = np.where(inside[..., None], pixels, blurred)
    assert evaluation.sharpness(beside, points) == sharp
    eye = pixels.copy()
    eye[34:43, 31:36] = 255
    assert evaluation.sharpness(eye, points) != sharp  # no lids there: skin like any other
    # Lids of the subject's right eye around that spot: no longer skin.
    for index, (x, y) in {159: (33, 30), 145: (33, 46), 33: (26, 38), 133: (40, 38)}.items():
        points[index, :2] = x, y
    sharp = evaluation.sharpness(pixels, points)
    assert evaluation.sharpness(eye, points) == sharp


def test_a_face_out_of_the_picture_has_no_sharpness(rng):
    pixels = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert np.isnan(evaluation.sharpness(pixels, oval_landmarks() + np.float32(1000)))


def test_a_picture_without_face_is_skipped_by_name(pairs_dir):
    cv2.imwrite(str(pairs_dir / "neutral" / "003.png"), np.zeros((SIZE, SIZE, 3), np.uint8))
    (pairs_dir / "smiling" / "004.png").write_bytes(b"")
    result = evaluate(pairs_dir, intensity=0.0)
    assert sorted(result.people) == sorted(set(PEOPLE) - {"003", "004"})
    assert result.skipped["003"] == "the neutral picture: no face found"
    assert "004.png" in result.skipped["004"]
    assert "Skipped 003: the neutral picture: no face found" in result.to_markdown()


def test_nobody_left_is_an_error(pairs_dir):
    with pytest.raises(LivexprError, match="nobody could be judged"):
        evaluation.evaluate_folds(
            pairs_dir, "happy", lambda people: 0, brighten, lambda pixels: NoFace("dark")
        )


def test_an_expression_no_judge_knows_is_named(pairs_dir):
    with pytest.raises(LivexprError, match="no judge knows 'bored'"):
        evaluation.evaluate_folds(pairs_dir, "bored", lambda people: 0, brighten, level_judges)


def test_pairs_are_found_by_name(pairs_dir):
    (pairs_dir / "neutral" / "999.png").write_bytes(b"alone")
    pairs = find_pairs(pairs_dir, "happy")
    assert list(pairs) == list(PEOPLE)
    assert pairs["003"] == (pairs_dir / "neutral" / "003.png", pairs_dir / "smiling" / "003.png")
    (pairs_dir / "sad").mkdir()
    with pytest.raises(LivexprError, match="expected the folders neutral/ and happy/"):
        find_pairs(pairs_dir, "happy")
    with pytest.raises(LivexprError, match="has its pair"):
        find_pairs(pairs_dir, "sad")


def test_groups_come_from_the_list_of_people(pairs_dir):
    groups = evaluation.read_groups(pairs_dir)
    assert groups["000"] == {"gender": "female", "age": "under 25", "ethnicity": "white"}
    assert groups["001"] == {"gender": "male", "age": "25 to 34", "ethnicity": "not stated"}
    assert groups["002"]["age"] == "not stated"
    assert [groups[p]["age"] for p in ("003", "004", "006")] == [
        "35 and over",
        "25 to 34",
        "35 and over",
    ]
    members = evaluate(pairs_dir).groups()
    assert members["gender: female"] == ["000", "002", "006"]
    (pairs_dir / "people.csv").unlink()
    assert evaluation.read_groups(pairs_dir) == {}
    assert evaluate(pairs_dir).groups() == {}


def test_tables_hold_the_numbers():
    people = {
        "a": Person(0, {"x": (0.0, 0.5, 1.0)}, {"gender": "female"}),
        "b": Person(1, {"x": (0.0, 0.7, 0.2)}, {"gender": "male"}),
        "c": Person(1, {"x": (0.3, 0.9, 0.3)}, {"gender": "male"}),
    }
    table = Evaluation("happy", 1.5, 2, people, {"d": "the real picture: no face found"})
    assert table.to_markdown().splitlines() == [
        "happy at intensity 1.5, 3 people in 2 folds",
        "",
        "| measure | neutral mean | filtered mean | filtered median | filtered max "
        "| real mean | real median | real max |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| x | 0.100 | 0.700 | 0.700 | 0.900 | 0.500 | 0.300 | 1.000 |",
        "",
        "Means, filtered / real:",
        "",
        "| group | people | x |",
        "| --- | ---: | ---: |",
        "| gender: female | 1 | 0.500 / 1.000 |",
        "| gender: male | 2 | 0.800 / 0.250 |",
        "",
        "Skipped d: the real picture: no face found",
    ]
    content = json.loads(table.to_json())
    assert content["summary"]["x"]["filtered"] == pytest.approx(
        {"mean": 0.7, "median": 0.7, "max": 0.9}
    )
    assert content["groups"]["gender: male"]["people"] == 2
    assert content["people"]["b"] == {"fold": 1, "groups": {"gender": "male"}, "x": [0, 0.7, 0.2]}
    assert content["skipped"] == {"d": "the real picture: no face found"}


def test_a_map_reaches_the_photograph_in_the_measure_asked_for(astronaut):
    offset = np.zeros((468, 3), np.float32)
    offset[[61, 291], 1] = -1.0
    size = 32
    fitted = PixelMap(
        offset_cm=offset,
        log_gain=np.zeros((size, size, 3), np.float32),
        bias=np.zeros((size, size), np.float32),
        mask=np.ones((size, size), np.float32),
        mouth=np.zeros((8, 8, 4), np.float32),
    )
    with Landmarker(video=False) as landmarker:
        apply = evaluation.photograph_filter("sad", landmarker.detect)
        assert np.array_equal(apply(astronaut, fitted, 0.0), astronaut)
        half, full = (
            np.abs(apply(astronaut, fitted, amount).astype(int) - astronaut).sum()
            for amount in (0.5, 1.0)
        )
    assert 0 < half < full


def test_the_command_says_in_one_line_which_judge_is_missing(pairs_dir, monkeypatch):
    monkeypatch.setattr(judges, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as caught:
        evaluation._main(pairs_dir, "happy")
    assert str(caught.value.code).endswith(judges.INSTALL)
    assert "\n" not in str(caught.value.code)


@pytest.mark.shared
def test_the_command_judges_a_few_real_people(tmp_path, capsys):
    missing = [name for name in JUDGE_PACKAGES if find_spec(name) is None]
    if missing:
        pytest.skip(f"judges not installed: {', '.join(missing)}; run: {judges.INSTALL}")
    for folder in ("neutral", "smiling"):
        (tmp_path / folder).mkdir()
        for person in ("002", "004", "010"):
            shutil.copy(LONDON / folder / f"{person}.jpg", tmp_path / folder)
    evaluation._main(tmp_path, "happy", folds=3, json_file=tmp_path / "all.json")
    assert "happy at intensity 1, 3 people in 3 folds" in capsys.readouterr().out
    summary = json.loads((tmp_path / "all.json").read_text())["summary"]
    for judge in ("fer", "facex"):
        scores = summary[f"{judge} happy"]
        assert scores["neutral"]["mean"] < scores["filtered"]["mean"]
    assert 0 < summary["identity distance"]["filtered"]["max"] < 0.45
