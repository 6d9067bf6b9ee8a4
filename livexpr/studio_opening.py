"""Whether the studio can be had, and starting it; imports it only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from livexpr import presets
from livexpr.commands import Inbox
from livexpr.errors import LivexprError
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


def open_studio(inbox: Inbox, say: Callable[[str], None], port: int = 0) -> Studio:
    """Serve the studio, and say where.

    Raises
    ------
    LivexprError
        If it is not installed, or the port is taken.
    """
    if not is_installed():
        raise LivexprError(f"the studio is not installed: {INSTALL}")
    from livexpr.studio.server import Studio

    studio = Studio(inbox, {"facts": facts, "doctor": findings}, port)
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

    return [asdict(finding) for finding in doctor.findings()]
