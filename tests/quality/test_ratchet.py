"""How calm the filter is on each clip: it may only become calmer.

``tests/quality/ratchet.json`` holds what was reached. A value that is worse by more than the
tolerance of its measure fails. ``pytest tests/quality --update-ratchet`` takes over what has become
better, and what is new; to begin anew, delete an entry first, and say why in the commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from livexpr import face_mesh, pipeline, presets
from livexpr.pipeline import Effect
from livexpr.presets import Preset
from tests.conftest import SHARED_DIR
from tests.quality import measures
from tests.quality.playing import Played, clip, moved_still, openings_after, play

RATCHET = Path(__file__).with_name("ratchet.json")
DEMO = Path(presets.__file__).parent / "assets" / "demo.mp4"
CLIPS = SHARED_DIR / "clips"


@dataclass(frozen=True)
class Measure:
    """What a value may be: never worse than `limit`, nor by `tolerance` than it was."""

    unit: str
    tolerance: float
    limit: float
    higher_is_better: bool = False

    def worse_by(self, value: float, reached: float) -> float:
        return (reached - value) if self.higher_is_better else (value - reached)


# Landmarks differ a little between processors; the tolerances are a few times what they make.
MEASURES = {
    "jitter": Measure("thousandths of the face's height", 0.06, 2.0),
    "lag": Measure("frames", 0.1, 1.0),
    "seam": Measure("grey levels", 0.1, 1.0),
    "flicker": Measure("of the camera's own", 0.03, 1.1),
    "lips": Measure("correlation of the opening", 0.02, 0.9, higher_is_better=True),
    # Of a small face this magnifies the model's own trembling.
    "ahead": Measure("px of a face 360 px tall, at p95", 0.1, 1.5),
}


@dataclass(frozen=True)
class Scene:
    """A clip, from one frame to another, and what is measured on it."""

    path: Path
    measured: tuple[str, ...]
    start: int = 0
    stop: int | None = None


_SILENT = ("jitter", "flicker", "seam", "ahead")
_ALL = (*_SILENT, "lips")
SCENES = {
    "demo": Scene(DEMO, _SILENT, 0, 120),
    "demo_speech": Scene(DEMO, ("lips",), 36, 90),
    "speech_1": Scene(CLIPS / "speech_1.mpg", _ALL),
    "speech_2": Scene(CLIPS / "speech_2.mpg", _ALL),
    "neutral_and_smile": Scene(CLIPS / "neutral_and_smile.mp4", _SILENT),
    "webcam_wide_mouth": Scene(CLIPS / "webcam_wide_mouth.mp4", _ALL, 100, 340),
    "webcam_hand_at_face": Scene(CLIPS / "webcam_hand_at_face.mp4", _SILENT, 1050, None),
    "head_turns_1": Scene(CLIPS / "head_turns_1.mp4", ("seam", "ahead")),
    "head_turns_2": Scene(CLIPS / "head_turns_2.mp4", _SILENT),
    "two_faces": Scene(CLIPS / "two_faces.mp4", ("seam", "ahead")),
}
SHARED = [name for name, scene in SCENES.items() if scene.path != DEMO]


@lru_cache(maxsize=1)
def happy() -> Effect:
    return pipeline.load_effect(presets.load("happy"))


@lru_cache(maxsize=1)
def played(name: str) -> Played:
    """Return a clip under the preset `happy`; the last one is kept."""
    scene = SCENES[name]
    return play(clip(scene.path, scene.start, scene.stop), happy())


def still_middles(one: Played) -> np.ndarray:
    middles = measures.still_triples(np.stack(one.live))
    index = np.array(one.index)
    return middles[index[middles + 1] - index[middles - 1] == 2]


def jitter(one: Played) -> float:
    return measures.jitter(np.stack(one.target), one.height_px(), still_middles(one))


def flicker(one: Played) -> float:
    return measures.flicker(one.before, one.after, still_middles(one))


def seam(one: Played) -> float:
    jumps = [measures.seam(*pair) for pair in zip(one.before, one.after, strict=True)]
    return float(np.mean([jump for jump in jumps if jump is not None]))


def lips(one: Played) -> float:
    after = openings_after(one)
    found = ~np.isnan(after[:, 0, 0])
    assert found.mean() > 0.9, "the face is not found in the filtered pictures"
    before = measures.lip_opening(np.stack(one.live))
    return measures.correlation(before[found], measures.lip_opening(after)[found])


def ahead(one: Played) -> float:
    """Return how far faces are off that ``--sync predict`` shows, where frames may wait."""
    errors, _ = measures.prediction_errors(one.before, one.tracks, one.times_s)
    return float(np.percentile(errors, 95)) * 360 / one.height_px()


BY_NAME: dict[str, Callable[[Played], float]] = {
    "jitter": jitter,
    "flicker": flicker,
    "seam": seam,
    "lips": lips,
    "ahead": ahead,
}


def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])


@lru_cache(maxsize=1)
def on_a_known_path() -> Played:
    pictures, _ = moved_still(astronaut(), 90)
    return play(pictures, happy())


def lag_of(one: Played, paths: list[np.ndarray]) -> float:
    """Return by how many frames drawn landmarks follow the path that the still was moved on."""
    _, matrices = moved_still(astronaut(), 90)
    stable = list(face_mesh.STABLE)
    followed = np.stack(paths)[:, stable, :2].mean(axis=1, dtype=np.float64)
    first = matrices[one.index[0]]
    at_rest = np.linalg.solve(first[:, :2], one.live[0][stable, :2].mean(axis=0) - first[:, 2])
    moved = matrices[one.index]
    return measures.lag(followed, moved[..., :2] @ at_rest + moved[..., 2])


class Ratchet:
    """The committed file."""

    def __init__(self, update: bool) -> None:
        self.update = update
        self.reached: dict[str, dict[str, float]] = (
            json.loads(RATCHET.read_text(encoding="utf-8")) if RATCHET.exists() else {}
        )

    def check(self, clip_name: str, values: dict[str, float]) -> None:
        """Fail for what is worse than it was; with ``--update-ratchet`` keep what is better."""
        entry = self.reached.setdefault(clip_name, {})
        failures = []
        for name, value in values.items():
            measure = MEASURES[name]
            assert np.isfinite(value), f"{clip_name}: {name} is {value}"
            if self.update and (name not in entry or measure.worse_by(value, entry[name]) < 0):
                entry[name] = round(value, 4)
            if name not in entry:
                failures.append(f"{name} is {value:.4f} and not in {RATCHET.name}")
            elif measure.worse_by(value, entry[name]) > measure.tolerance:
                failures.append(f"{name} is {value:.4f}, was {entry[name]:.4f} {measure.unit}")
            if measure.worse_by(value, measure.limit) > 0:
                failures.append(f"{name} is {value:.4f}, beyond {measure.limit} {measure.unit}")
        if self.update:
            text = json.dumps(self.reached, indent=2, sort_keys=True)
            RATCHET.write_text(text + "\n", encoding="utf-8")
        assert not failures, f"{clip_name}: " + "; ".join(failures)


@pytest.fixture
def ratchet(request: pytest.FixtureRequest) -> Ratchet:
    return Ratchet(request.config.getoption("--update-ratchet"))


def check_scene(ratchet: Ratchet, name: str) -> None:
    one = played(name)
    ratchet.check(name, {each: BY_NAME[each](one) for each in SCENES[name].measured})


@pytest.mark.parametrize("name", ["demo", "demo_speech"])
def test_the_demo(ratchet: Ratchet, name: str) -> None:
    check_scene(ratchet, name)


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED)
def test_clips(ratchet: Ratchet, name: str) -> None:
    check_scene(ratchet, name)


def test_a_still_on_a_known_path(ratchet: Ratchet) -> None:
    """The effect is glued to the head: landmarks, and what is drawn, follow within a frame."""
    one = on_a_known_path()
    ratchet.check("known_path", {"lag": lag_of(one, one.smoothed), "seam": seam(one)})
    assert lag_of(one, one.target) <= MEASURES["lag"].limit


def test_a_still_under_noise(ratchet: Ratchet) -> None:
    """A camera's noise on a picture that does not move: no shimmer beyond the noise's own."""
    pictures, _ = moved_still(astronaut(), 60, 3.0, moving=False)
    one = play(pictures, happy())
    ratchet.check("still_under_noise", {"jitter": jitter(one), "flicker": flicker(one)})
    assert flicker(one) <= 1.1


@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name in SHARED if name != "webcam_hand_at_face"])
def test_no_clip_without_a_hand_loses_the_effect_to_one(name: str) -> None:
    free = np.array(played(name).free)
    assert free.mean(axis=0).min() > 0.99
    assert free.min() > 0.8


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("demo", 0.02),
        *(
            pytest.param(name, most, marks=pytest.mark.shared)
            for name, most in [("speech_1", 0.15), ("speech_2", 0.25), ("webcam_wide_mouth", 0.25)]
        ),
    ],
)
def test_with_predict_few_frames_wait(name: str, most: float) -> None:
    one = played(name)
    _, waiting = measures.prediction_errors(one.before, one.tracks, one.times_s)
    assert waiting <= most * len(one.before)


@pytest.mark.shared
def test_a_hand_at_the_face_is_let_be() -> None:
    """Fingers at the jaw, then a hand under the chin: the lower face is the user's own."""
    one = played("webcam_hand_at_face")
    lower = dict(zip(np.array(one.index) + 1050, np.array(one.free)[:, 2], strict=True))
    assert min(lower[index] for index in range(1060, 1100)) > 0.9
    assert max(lower[index] for index in range(1114, 1128)) < 0.1
    assert np.mean([lower[index] for index in range(1195, 1288)]) < 0.1
    assert lower[1330] > 0.9


def test_a_worse_value_is_noticed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(globals(), "RATCHET", tmp_path / "ratchet.json")
    Ratchet(update=True).check("clip", {"lag": 0.5, "lips": 0.93})
    Ratchet(update=False).check("clip", {"lag": 0.55, "lips": 0.92})
    Ratchet(update=True).check("clip", {"lag": 0.55, "lips": 0.96})
    assert Ratchet(update=False).reached == {"clip": {"lag": 0.5, "lips": 0.96}}
    with pytest.raises(AssertionError, match=r"clip: lag is 0\.7000, was 0\.5000 frames"):
        Ratchet(update=False).check("clip", {"lag": 0.7})
    with pytest.raises(AssertionError, match=r"lips is 0\.9300, was 0\.9600"):
        Ratchet(update=False).check("clip", {"lips": 0.93})
    with pytest.raises(AssertionError, match=r"not in ratchet\.json"):
        Ratchet(update=False).check("other", {"lag": 0.1})


def test_the_file_names_what_is_measured() -> None:
    reached = Ratchet(update=False).reached
    assert {*SCENES, "known_path", "still_under_noise"} == set(reached)
    for name, scene in SCENES.items():
        assert set(reached[name]) == set(scene.measured)


def test_played_pictures_are_those_of_the_preset_alone() -> None:
    """The measures see the shipped preset at its own intensity."""
    assert isinstance(happy().preset, Preset)
    assert happy().intensity == happy().preset.intensity == 1
