"""What all tests share: seeded randomness, a photograph, private user folders, honest skips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

SHARED_DIR = Path(__file__).resolve().parents[2] / "shared"
SEED = 20170613


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with a reason that the summary shows, what this machine cannot run."""
    skips = {}
    if not any(Path("/dev").glob("video[0-9]*")):
        skips["hardware"] = "no video device on this machine (/dev/video*)"
    if not SHARED_DIR.is_dir():
        skips["shared"] = "the development data is not here (../shared)"
    for item in items:
        for marker, reason in skips.items():
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _private_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """Keep tests away from the presets and settings of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture(scope="session")
def _astronaut_bgr() -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    pixels.setflags(write=False)
    return pixels


@pytest.fixture
def astronaut(_astronaut_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Eileen Collins, public domain: (512, 512, 3) uint8 BGR, a copy of its own for each test."""
    return _astronaut_bgr.copy()
