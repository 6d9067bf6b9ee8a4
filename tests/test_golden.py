"""What the happy map makes of a drawn face, compared with pictures looked at by a person.

After a change that is meant: ``pytest tests/test_golden.py --regenerate-golden``, then look at
``tests/golden/*.png`` before committing them. A failure leaves the actual picture and the
difference (ten times enlarged in brightness) in ``tests/golden/failures/``.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr import pipeline, pixel_map, presets
from livexpr.pipeline import Effect
from livexpr.presets import Preset
from livexpr.types import Frame

GOLDEN_DIR = Path(__file__).parent / "golden"
# Grey levels: processors round and fuse sums differently, so an edge may fall a little otherwise.
MOST, MEAN = 10, 0.05
# Lips that nearly meet, so that the smile shows the mouth picture.
MOUTH_CM = -0.45


@pytest.fixture(scope="module")
def happy() -> Effect:
    pipeline.warm_up()
    # The effect alone, without the shipped preset's own tuning.
    return Effect(
        Preset("happy", {"happy": 1.0}), {"happy": pixel_map.load(presets.map_path("happy"))}, 1.0
    )


def compare(
    actual: NDArray[np.uint8], name: str, regenerate: bool, golden_dir: Path = GOLDEN_DIR
) -> None:
    path = golden_dir / f"{name}.png"
    if regenerate:
        golden_dir.mkdir(exist_ok=True)
        assert cv2.imwrite(str(path), actual)
        pytest.skip(f"{path.name} written: look at it")
    golden = cv2.imread(str(path))
    assert golden is not None, f"{path} is missing: pytest --regenerate-golden"
    assert golden.shape == actual.shape
    difference = np.abs(golden.astype(np.int16) - actual)
    if difference.max() <= MOST and difference.mean() <= MEAN:
        return
    failures = golden_dir / "failures"
    failures.mkdir(exist_ok=True)
    enlarged = np.clip(10 * difference, 0, 255).astype(np.uint8)
    cv2.imwrite(str(failures / f"{name}-actual.png"), actual)
    cv2.imwrite(str(failures / f"{name}-difference.png"), enlarged)
    pytest.fail(
        f"{name} differs by up to {difference.max()} grey levels (allowed {MOST}), on average "
        f"{difference.mean():.3f} (allowed {MEAN}); see {failures}"
    )


def test_drawn_face(synthetic_face, request: pytest.FixtureRequest) -> None:
    """The input itself, so that a change of OpenCV's drawing is not taken for one of ours."""
    pixels = synthetic_face.draw(synthetic_face.track(mouth_cm=MOUTH_CM))
    compare(pixels, "drawn", request.config.getoption("--regenerate-golden"))


@pytest.mark.parametrize("intensity", [-1.0, 0.5, 1.0, 2.0])
def test_happy(synthetic_face, happy: Effect, intensity: float, request) -> None:
    # The input is the stored picture: what is compared is livexpr, not OpenCV.
    track = synthetic_face.track(mouth_cm=MOUTH_CM)
    pixels = cv2.imread(str(GOLDEN_DIR / "drawn.png"))
    assert pixels is not None, "tests/golden/drawn.png is missing: pytest --regenerate-golden"
    effect = Effect(happy.preset, happy.maps, intensity)
    result = pipeline.process(Frame(pixels, 0, 0.0), track, effect, pipeline.settled_state(effect))
    name = f"happy{intensity:+.1f}"
    compare(result.frame.pixels, name, request.config.getoption("--regenerate-golden"))


def test_a_change_is_noticed(rng, tmp_path: Path) -> None:
    """A patch that is 12 grey levels off fails and leaves its pictures; one level does not."""
    picture = rng.integers(50, 200, (40, 40, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "noise.png"), picture)
    compare(picture + np.uint8(1) * (rng.random(picture.shape) < 0.03), "noise", False, tmp_path)
    assert not (tmp_path / "failures").exists()
    changed = picture.copy()
    changed[10:14, 10:14] += 12
    with pytest.raises(pytest.fail.Exception, match="noise differs by up to 12 grey levels"):
        compare(changed, "noise", False, tmp_path)
    left = {path.name for path in (tmp_path / "failures").iterdir()}
    assert left == {"noise-actual.png", "noise-difference.png"}
