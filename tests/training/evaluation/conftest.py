"""Judges and people that are known in advance: no model has to find or judge anything."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr.training import judges
from livexpr.training.evaluation.contenders import Contender
from livexpr.training.evaluation.portraits import Portraits
from livexpr.training.judges import EXPRESSIONS, Verdict
from livexpr.training.pair_observations import find_pairs
from livexpr.types import FaceTrack, Frame, NoFace

PEOPLE = tuple(f"{number:03d}" for number in range(7))
SHARED = Path(__file__).resolve().parents[4] / "shared"
LONDON = SHARED / "data" / "london"
JUDGE_PACKAGES = ("ai_edge_litert", "dlib", "face_recognition_models", "fer", "facex")


class LevelWorld:
    """Faces drawn from the mesh; who is brighter is happier, and another person the more so.

    A picture as dark as `BLANK` shows nobody.
    """

    BLANK = 20.0

    def __init__(self, track: FaceTrack, drawn: np.ndarray) -> None:
        self.track, self.drawn = track, drawn

    def detect(self, frame: Frame) -> FaceTrack | NoFace:
        if frame.pixels.mean() < self.BLANK:
            return NoFace("too dark")
        return self.track

    def judge(self, pixels: np.ndarray) -> Verdict | NoFace:
        level = float(pixels.mean())
        if level < self.BLANK:
            return NoFace("too dark")
        happy = level / 255
        scores = {**dict.fromkeys(EXPRESSIONS, 0.0), "happy": happy, "neutral": 1 - happy}
        judged = {"fer": scores, "facex": scores}
        return Verdict(self.track.landmarks_px, judged, np.full(128, level / 255))

    def picture(self, level: float) -> np.ndarray:
        """Return the face at a mean level."""
        scaled = self.drawn * (level / self.drawn.mean())
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def brighten(by: int) -> Contender:
    """Return what makes everybody happier by so many grey levels."""
    return Contender(
        f"brighten {by}",
        fit=lambda people: by,
        apply=lambda pixels, track, model: cv2.add(pixels, np.full_like(pixels, model)),
        n_parameters=lambda model: 1,
        n_bytes=lambda model: 8,
    )


@pytest.fixture(scope="session")
def world(synthetic_face) -> LevelWorld:
    track = synthetic_face.track()
    return LevelWorld(track, synthetic_face.draw(track))


@pytest.fixture
def pairs_dir(tmp_path: Path, world: LevelWorld, rng: np.random.Generator) -> Path:
    """Seven people, dark when neutral and bright when happy, each with a noise of their own."""
    for folder, level in (("neutral", 80), ("happy", 110)):
        (tmp_path / folder).mkdir()
        for person in PEOPLE:
            noise = rng.integers(-8, 9, (*world.drawn.shape[:2], 1))
            pixels = np.clip(world.picture(level).astype(int) + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{person}.png"), pixels)
    (tmp_path / "people.csv").write_text(
        "id,age,gender,ethnicity\n000,19,female,white\n001,25,male,\n002,NA,female,black\n"
        "003,35,male,white\n004,34,male,white\n005,24,male,white\n006,99,female,white\n"
    )
    return tmp_path


@pytest.fixture
def portraits(pairs_dir: Path, world: LevelWorld) -> Portraits:
    looked = Portraits(find_pairs(pairs_dir, "happy"), world.detect, world.judge)
    looked.look()
    return looked


@pytest.fixture
def real_judges():
    """The real judges; skipped aloud where they are not installed."""
    missing = [name for name in JUDGE_PACKAGES if find_spec(name) is None]
    if missing:
        pytest.skip(f"judges not installed: {', '.join(missing)}; run: {judges.INSTALL}")
    with judges.Judges() as loaded:
        yield loaded
