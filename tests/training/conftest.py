"""What tests of fitting share: a folder of pairs of photographs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def smiling_people(astronaut, tmp_path: Path) -> Path:
    """A folder of 12 pairs, neutral and happy, of which one shows no face and one is torn.

    The astronaut in several exposures, the corners of her mouth pulled down or left as they are.
    """
    folder = tmp_path / "people"
    rows, columns = np.mgrid[: astronaut.shape[0], : astronaut.shape[1]].astype(np.float32)
    for x, y in ((203, 143), (243, 144)):
        rows -= 5 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 9.0**2))
    neutral = cv2.remap(astronaut, columns, rows, cv2.INTER_CUBIC)
    people = {f"p{i}": 0.8 + 0.04 * i for i in range(10)} | {"ghost": 1.0, "torn": 1.0}
    for name, pixels in (("neutral", neutral), ("happy", astronaut)):
        (folder / name).mkdir(parents=True)
        for person, gamma in people.items():
            exposed = (255 * (pixels / 255.0) ** gamma).round().astype(np.uint8)
            assert cv2.imwrite(str(folder / name / f"{person}.png"), exposed)
    assert cv2.imwrite(str(folder / "neutral" / "ghost.png"), np.full_like(astronaut, 90))
    (folder / "happy" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    return folder
