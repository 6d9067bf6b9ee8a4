"""All that a run needs of the outside, in one place, so that each part can be made up."""

from __future__ import annotations

import contextlib
import ctypes
import os
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
from livexpr.detection import Engine
from livexpr.published import Observer
from livexpr.publisher import Sink
from livexpr.settings import Settings
from livexpr.stopping import Stop
from livexpr.terminal import TerminalKeys
from livexpr.types import FaceTrack, Frame, NoFace
from livexpr.watchdog import Detector

if TYPE_CHECKING:
    from livexpr.landmarks import Landmarker
    from livexpr.pipeline import Effect, FilterState, Result
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


def open_companions(settings: Settings, inbox: Inbox, say: Callable[[str], None]) -> list[Observer]:
    """Start what runs beside the filter; what cannot start is told by `say` and left out."""
    from livexpr import companions

    return companions.open_all(settings, inbox, say)


def open_film(path: Path, size: tuple[int, int], fps: float) -> Sink:
    """Begin a film; raises VirtualCameraError."""
    from livexpr import output

    return output.open_film(path, size, fps)


def open_window(title: str, size: tuple[int, int]) -> Window:
    """Open the preview window; raises VirtualCameraError where there is no display."""
    from livexpr.window import PreviewWindow

    return PreviewWindow(title, size)


class _LoadedEngine:
    """The real filter: MediaPipe and the pipeline."""

    def __init__(self, landmarker: Landmarker, first: Effect) -> None:
        from livexpr import pipeline

        self._landmarker: Landmarker | None = landmarker
        self._first: Effect | None = first
        self._pipeline = pipeline

    def detector(self) -> Detector:
        from livexpr.landmarks import Landmarker

        first, self._landmarker = self._landmarker, None
        if first is None:
            _give_back_memory()
            first = Landmarker()
        return first

    def process(
        self, frame: Frame, track: FaceTrack | NoFace, effect: Effect, state: FilterState
    ) -> Result:
        return self._pipeline.process(frame, track, effect, state)

    def initial_state(self) -> FilterState:
        return self._pipeline.initial_state()

    def load_effect(self, preset: Preset) -> Effect:
        first, self._first = self._first, None
        if first is not None and first.preset is preset:
            return first
        return self._pipeline.load_effect(preset)

    def close(self) -> None:
        first, self._landmarker = self._landmarker, None
        if first is not None:
            first.close()


def _share_processors() -> None:
    """Leave a processor to detection, which works at the same time as the kernels.

    Kernels that wait for a thread which waits for a processor take many times as long as on one
    processor less. To be called before Numba is loaded; what the user has set counts.
    """
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(1, (usable or 1) - 1)))


def _give_back_memory() -> None:
    """Have glibc give what it holds in reserve back to the system; elsewhere nothing.

    Each landmark model that was thrown away would leave half a megabyte there, for ever.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def load_engine(preset: Preset, stop: Stop) -> Engine:
    """Load the model and the maps, and compile the kernels.

    Parameters
    ----------
    preset : Preset
        What will be shown first.
    stop : Stop
        Looked at between the steps, each of which may take seconds.

    Raises
    ------
    LivexprError
        When model, preset or maps are missing or broken.
    InterruptedError
        When everything is to stop.
    """

    def go_on() -> None:
        if stop.requested:
            raise InterruptedError("stopped while starting")

    _share_processors()
    from livexpr import pipeline

    go_on()
    effect = pipeline.load_effect(preset)
    pipeline.warm_up()
    go_on()
    from livexpr.landmarks import Landmarker

    landmarker = Landmarker()
    if stop.requested:
        landmarker.close()
    go_on()
    return _LoadedEngine(landmarker, effect)


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
    open_companions: Callable[[Settings, Inbox, Callable[[str], None]], list[Observer]] = (
        open_companions
    )
    open_film: Callable[[Path, tuple[int, int], float], Sink] = open_film
    open_window: Callable[[str, tuple[int, int]], Window] = open_window
    open_terminal: Callable[[], TerminalKeys] = TerminalKeys
    load_engine: Callable[[Preset, Stop], Engine] = load_engine
    available_presets: Callable[[], list[str]] = presets.available
    load_preset: Callable[[str], Preset] = presets.load
    save_preset: Callable[[Preset, Path], None] = presets.save
    user_presets_dir: Callable[[], Path] = presets.user_dir
