"""What is never used is never loaded, and what is used after all, is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from livexpr.deferred import deferred

HOME = Path(__file__).resolve().parents[1]


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package whose front door imports two parts; each says when it is loaded."""
    package = tmp_path / "front_door"
    package.mkdir()
    (package / "__init__.py").write_text(
        "LOADED = []\nimport front_door.needed\nimport front_door.heavy\nfrom . import heavy\n"
        "VALUE = needed.VALUE\n"
    )
    for name in ("needed", "heavy"):
        (package / f"{name}.py").write_text(
            f"import front_door\nfront_door.LOADED.append({name!r})\nVALUE = {name!r}\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "front_door"]:
        del sys.modules[name]


def test_a_deferred_module_is_loaded_when_it_is_used(library):
    before = sys.meta_path
    with deferred(["front_door.heavy", "front_door.of_another_version"]):
        import front_door
    assert sys.meta_path == before
    assert front_door.VALUE == "needed"
    assert front_door.LOADED == ["needed"]
    assert front_door.heavy.VALUE == "heavy"
    assert front_door.LOADED == ["needed", "heavy"]


def test_elsewhere_everything_is_loaded_as_ever(library):
    with deferred(["front_door.of_another_version", "json"]):
        import front_door
    assert front_door.LOADED == ["needed", "heavy"]


def test_finders_are_as_before_after_an_error(library):
    before = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError), deferred(["not_there_at_all"]):
        import not_there_at_all  # noqa: F401
    assert sys.meta_path == before


def test_the_landmark_model_starts_without_what_it_does_not_need():
    script = (
        "import sys; from livexpr.landmarks import Landmarker; Landmarker().close(); "
        "print([m for m in ('matplotlib', 'sounddevice') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=HOME, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
