"""All that a run needs of the outside, in one place, so that each part can be made up."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from livexpr import presets
from livexpr.capture_thread import Source
from livexpr.commands import Inbox
from livexpr.engine_start import Engine
from livexpr.published import Observer
from livexpr.publisher import Sink
from livexpr.settings import Settings
from livexpr.stopping import Stop
from livexpr.terminal import TerminalKeys

if TYPE_CHECKING:
    from livexpr.presets import Preset


class Viewers(Protocol):
    """As :class:`livexpr.viewers.Viewers`."""

    @property
    def wanted(self) -> bool:
        """Whether some program reads the virtual camera, or did a moment ago."""

    def close(self) -> None:
        """End watching."""


class Window(Protocol):
    """As :class:`livexpr.window.PreviewWindow`."""

    @property
    def closed(self) -> bool:
        """Whether the user has closed it."""

    def picture_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (width, height) at which a picture of `size` is best drawn."""

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture: (H, W, 3) uint8 BGR."""

    def keys(self) -> list[str]:
        """Return the keys pressed since the last call."""

    def close(self) -> None:
        """Close it."""


def say(line: str) -> None:
    """Tell the user something in one line, on stderr, if there still is somebody to tell."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a terminal that was closed
        sys.stderr.write(f"livexpr: {line}\n")
        sys.stderr.flush()


def open_source(settings: Settings, *, fast: bool) -> Source:
    """Open the source that is asked for, `fast` or not; raises CameraError."""
    from livexpr import capture

    return capture.open_source(
        settings.source,
        size=settings.size,
        fps=settings.fps,
        mirror=settings.mirror,
        loop=settings.loop,
        fast=fast,
        dormant=settings.on_demand,
    )


def reopen_source(source: Source) -> Source:
    """Open a camera again that broke; raises CameraError while it is away."""
    from livexpr import capture

    return capture.reopen_source(source)


def is_webcam(source: Source) -> bool:
    """Whether a source gives its pictures but once."""
    from livexpr import capture

    return isinstance(source, capture.Webcam | capture.DormantWebcam)


def may_freeze(source: Source) -> bool:
    """Whether a source never gives two equal pictures while it works."""
    from livexpr import capture

    return isinstance(source, capture.Webcam) and not source.virtual


def open_virtual_camera(device: str | None, size: tuple[int, int], fps: float) -> Sink:
    """Open a virtual camera; raises VirtualCameraError."""
    from livexpr import output

    return output.open_virtual_camera(device, size, fps)


def watch_viewers(device: str) -> Viewers:
    """Watch who reads a virtual camera; raises VirtualCameraError where that cannot be told."""
    from livexpr import viewers

    return viewers.Viewers(device)


def open_companions(
    settings: Settings, inbox: Inbox, say: Callable[[str], None], *, live: bool
) -> list[Observer]:
    """Start what runs beside the filter, as :func:`livexpr.companions.open_all`."""
    from livexpr import companions

    return companions.open_all(settings, inbox, say, live=live)


def has_studio() -> bool:
    """Whether the studio is installed."""
    from livexpr import studio_opening

    return studio_opening.is_installed()


def open_film(path: Path, size: tuple[int, int], fps: float) -> Sink:
    """Begin a film; raises VirtualCameraError."""
    from livexpr import output

    return output.open_film(path, size, fps)


def open_window(title: str, size: tuple[int, int]) -> Window:
    """Open the preview window; raises VirtualCameraError where there is no display."""
    from livexpr.window import PreviewWindow

    return PreviewWindow(title, size)


def load_engine(preset: Preset, stop: Stop, faces: int, live: bool) -> Engine:
    """Load the filter; as :func:`livexpr.engine.load`."""
    from livexpr import engine

    return engine.load(preset, stop, say, faces=faces, live=live)


@dataclass(frozen=True, slots=True)
class Edges:
    """The outside, as functions; see those of the same name in this module."""

    say: Callable[[str], None] = say
    open_source: Callable[..., Source] = open_source
    reopen_source: Callable[[Source], Source] = reopen_source
    is_webcam: Callable[[Source], bool] = is_webcam
    may_freeze: Callable[[Source], bool] = may_freeze
    open_virtual_camera: Callable[[str | None, tuple[int, int], float], Sink] = open_virtual_camera
    watch_viewers: Callable[[str], Viewers] = watch_viewers
    open_companions: Callable[..., list[Observer]] = open_companions
    has_studio: Callable[[], bool] = has_studio
    open_film: Callable[[Path, tuple[int, int], float], Sink] = open_film
    open_window: Callable[[str, tuple[int, int]], Window] = open_window
    open_terminal: Callable[[], TerminalKeys] = TerminalKeys
    load_engine: Callable[[Preset, Stop, int, bool], Engine] = load_engine
    available_presets: Callable[[], list[str]] = presets.available
    load_preset: Callable[[str], Preset] = presets.load
    save_preset: Callable[[Preset, Path], None] = presets.save
    user_presets_dir: Callable[[], Path] = presets.user_dir
