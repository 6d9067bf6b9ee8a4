"""Whether the studio can be had, and starting it; imports it only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from livexpr import presets
from livexpr.commands import Inbox
from livexpr.errors import LivexprError
from livexpr.learning import OpenLesson
from livexpr.preset_file import (
    AMOUNT_RANGE,
    DAMPING_RANGE,
    FEEL_RANGES,
    REGION_RANGE,
    RegionWeights,
)

if TYPE_CHECKING:
    from livexpr.studio.server import Studio

INSTALL = "pip install 'livexpr[studio]'"


def is_installed() -> bool:
    """Whether everything that the studio needs is here."""
    return all(find_spec(name) is not None for name in ("starlette", "uvicorn", "websockets"))


def open_studio(
    inbox: Inbox,
    say: Callable[[str], None],
    port: int = 0,
    open_lesson: OpenLesson | None = None,
) -> Studio:
    """Serve the studio, and say where; without `open_lesson` it has no teaching.

    Raises
    ------
    LivexprError
        If it is not installed, or the port is taken.
    """
    if not is_installed():
        raise LivexprError(f"the studio is not installed: {INSTALL}")
    from livexpr.studio.server import Studio

    def ask_facts() -> dict[str, Any]:
        return {**facts(), "teach": open_lesson is not None}

    questions = {"facts": ask_facts, "doctor": findings, "cameras": cameras}
    studio = Studio(inbox, questions, port, open_lesson)
    say(f"the studio is at {studio.address}")
    return studio


def facts() -> dict[str, Any]:
    """Return what there is to tune, for the page."""
    ranges: Mapping[str, tuple[float, float]] = {
        "mix": AMOUNT_RANGE,
        "region": REGION_RANGE,
        "damping": DAMPING_RANGE,
        **FEEL_RANGES,
    }
    return {
        "presets": presets.available(),
        "maps": presets.known_maps(),
        "regions": [field.name for field in fields(RegionWeights)],
        "ranges": ranges,
    }


def findings() -> list[dict[str, Any]]:
    """Return what ``livexpr doctor`` finds, for the page."""
    from livexpr import doctor

    return [
        {"name": one.name, "level": one.level, "what": one.what, "fix": one.fix}
        for one in doctor.findings()
    ]


def cameras() -> list[dict[str, str]]:
    """Return the webcams that could be a source, and the demo, for the page.

    Returns
    -------
    list of dict
        ``name`` as an opened one is called, ``source`` as ``--source`` takes it. Virtual cameras
        are left out: one of them is where the pictures go.
    """
    from livexpr.camera_search import describe
    from livexpr.devices import list_cameras

    real = [camera for camera in list_cameras() if not camera.virtual]
    found = [{"name": describe(camera), "source": str(camera.index)} for camera in real]
    return [*found, {"name": "demo", "source": "demo"}]
