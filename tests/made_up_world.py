"""Everything outside the live filter, made up: sources, engine, cameras, window, terminal."""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from livexpr import face_mesh, head_pose, runtime
from livexpr.commands import Inbox
from livexpr.edges import Edges
from livexpr.errors import PresetError, VirtualCameraError
from livexpr.occlusion import Cover
from livexpr.presets import Preset
from livexpr.published import Observer
from livexpr.settings import Settings
from livexpr.terminal import TerminalKeys
from livexpr.types import FaceTrack, Frame

SIZE = (64, 48)
HAPPY = Preset("happy", {"happy": 1.0})
LIMIT_S = 60.0


def resting_face() -> FaceTrack:
    """The mesh at rest, 2 px per cm, in the middle of the frame."""
    pose = np.diag([2.0, -2.0, -2.0, 1.0]).astype(np.float32)
    pose[:2, 3] = np.array(SIZE) / 2
    points = head_pose.to_frame(face_mesh.load().rest_cm[: face_mesh.N_LANDMARKS], pose)
    landmarks = np.vstack([points, np.repeat(points[33:34], 10, axis=0)])
    return FaceTrack(landmarks, np.zeros(52, np.float32), pose)


TRACK = resting_face()


def wait_until(condition: Callable[[], object], what: str) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain for: {what}"
        time.sleep(0.005)


class FakeSource:
    """Frames whose pixels tell their index; for ever without a `count`."""

    def __init__(self, count=None, *, live=True, error=None, fps=100.0, name="fake", notes=()):
        self.name, self.size, self.fps, self.live, self.notes = name, SIZE, fps, live, notes
        self.count, self.error = count, error
        self.index = 0
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        if self.closed.is_set():
            return None
        if self.index == self.count:
            if self.error is not None:
                raise self.error
            return None
        if self.live:
            self.closed.wait(1.0 / self.fps)
        pixels = np.full((SIZE[1], SIZE[0], 3), self.index % 50, np.uint8)
        pixels[:, : SIZE[0] // 2, 2] = 99  # left is not right
        pixels.setflags(write=False)
        frame = Frame(pixels, self.index, time.perf_counter())
        self.index += 1
        return frame

    def close(self) -> None:
        self.closed.set()


@dataclass(frozen=True)
class FakeEffect:
    preset: Preset
    intensity: float


@dataclass(frozen=True)
class FakeResult:
    frame: Frame
    state: int
    stages_s: dict[str, float]
    tracks: tuple[FaceTrack, ...]
    presences: tuple[float, ...]
    covers: tuple[Cover, ...] = ()
    strength: float = 1.0


class FakeEngine:
    """Makes blue brighter by 100 times the intensity."""

    def __init__(self):
        self.detected: list[Frame] = []
        self.times_s: list[float] = []
        self.effects: list[FakeEffect] = []
        self.loaded: list[Preset] = []
        self.track = TRACK
        self.detect_error: Exception | None = None
        self.process_error: Exception | None = None
        self.broken_presets: set[str] = set()
        self.process_s = 0.0
        self.process_threads: set[int] = set()
        self.closed = False
        self.compiling = False

    def detector(self):
        self.last_detector = FakeDetector(self)
        return self.last_detector

    def detect_all(self, frame):
        if self.detect_error is not None:
            raise self.detect_error
        self.detected.append(frame)
        return (self.track,) if isinstance(self.track, FaceTrack) else self.track

    def process(self, frame, people, effect, state):
        if self.process_error is not None:
            raise self.process_error
        time.sleep(self.process_s)
        self.process_threads.add(threading.get_ident())
        self.times_s.append(frame.captured_at_s)
        self.effects.append(effect)
        tracks = tuple(one.track for one in people if isinstance(one.track, FaceTrack))
        if tracks and effect.intensity:
            pixels = frame.pixels.copy()
            pixels[..., 0] = np.clip(pixels[..., 0] + 100 * effect.intensity, 0, 255)
            frame = replace(frame, pixels=pixels)
        stages = {"smooth": 0.001, "place": 0.001, "apply": 0.002}
        return FakeResult(frame, state + 1, stages, tracks, (1.0,) * len(tracks))

    def looked(self, state):
        return state

    def initial_state(self):
        return 0

    def load_effect(self, preset):
        self.loaded.append(preset)
        if preset.name in self.broken_presets:
            raise PresetError(f"preset {preset.name} is broken")
        return FakeEffect(preset, preset.intensity)

    def close(self):
        self.closed = True


class FakeDetector:
    def __init__(self, engine):
        self.detect_all = engine.detect_all

    def prepare(self, frame):
        pass

    def close(self):
        pass


class RecordingSink:
    def __init__(self, name="recorder", fail_after=None):
        self.name, self.fail_after = name, fail_after
        self.sent: list[np.ndarray] = []
        self.closed = False

    def send(self, pixels):
        if self.fail_after is not None and len(self.sent) >= self.fail_after:
            raise VirtualCameraError(f"{self.name} is full")
        self.sent.append(pixels)

    def close(self):
        self.closed = True

    @property
    def blues(self) -> list[int]:
        return [int(pixels[0, -1, 0]) for pixels in self.sent]


class FakeCamera(RecordingSink):
    repeat_fps = 30.0


class FakeWindow:
    """Presses the given keys, one each time it is asked after `first` pictures were shown."""

    def __init__(self, keys=(), first=5, closes_after=None):
        self.pressing, self.first, self.closes_after = deque(keys), first, closes_after
        self.shown: list[np.ndarray] = []
        self.is_closed = False

    @property
    def closed(self):
        return self.closes_after is not None and len(self.shown) > self.closes_after

    def picture_size(self, size):
        return size

    def show(self, pixels):
        self.shown.append(pixels)

    def keys(self):
        if len(self.shown) < self.first or not self.pressing:
            return []
        key = self.pressing.popleft()
        if callable(key):  # a condition to wait for before the next key
            if not key():
                self.pressing.appendleft(key)
            return []
        return [key]

    def close(self):
        self.is_closed = True


class FakeTerminal(TerminalKeys):
    def __init__(self, keys=()):
        super().__init__(io.StringIO())
        self.pressing, self.closed = deque(keys), False
        self.said = None

    usable = True

    def read(self):
        return [self.pressing.popleft()] if self.pressing else []

    def close(self):
        self.closed = True


@dataclass
class FakeViewers:
    wanted: bool = False
    closed: bool = False

    def close(self):
        self.closed = True


@dataclass
class World:
    """Everything outside; tests change what they are about."""

    source: FakeSource = field(default_factory=FakeSource)
    engine: FakeEngine = field(default_factory=FakeEngine)
    camera: RecordingSink | VirtualCameraError = field(
        default_factory=lambda: VirtualCameraError("no camera: run `mend camera`")
    )
    window: FakeWindow | VirtualCameraError = field(
        default_factory=lambda: VirtualCameraError("no display: run `mend display`")
    )
    terminal: FakeTerminal = field(default_factory=FakeTerminal)
    films: dict[str, RecordingSink] = field(default_factory=dict)
    presets: dict[str, Preset] = field(default_factory=lambda: {"happy": HAPPY})
    loading: Callable[[], None] = lambda: None
    opening: Callable[[], None] = lambda: None
    reopen: Callable[[], FakeSource] | None = None
    events: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    saved: list[tuple[Preset, Path]] = field(default_factory=list)
    webcam: bool = False
    viewers: FakeViewers = field(default_factory=lambda: FakeViewers())
    studio: bool = False
    served_studio: bool = False
    companions: list[Observer] = field(default_factory=list)
    inbox: Inbox | None = None

    def edges(self) -> Edges:
        return Edges(
            say=self.said.append,
            open_source=self._open_source,
            reopen_source=self._reopen,
            is_webcam=lambda source: self.webcam,
            may_freeze=lambda source: self.webcam,
            watch_viewers=lambda device: self.viewers,
            open_virtual_camera=self._open_camera,
            open_film=self._open_film,
            open_window=self._open_window,
            open_terminal=lambda: self.terminal,
            open_companions=self._open_companions,
            has_studio=lambda: self.studio,
            load_engine=self._load_engine,
            available_presets=lambda: sorted(self.presets),
            load_preset=self._load_preset,
            save_preset=lambda preset, path: self.saved.append((preset, path)),
            user_presets_dir=lambda: Path("user"),
        )

    def run(self, **settings) -> int:
        settings = {"source": "fake", "outputs": ("auto",), "preset": HAPPY} | settings
        return runtime.run(Settings(**settings), edges=self.edges())

    def _open_source(self, settings, *, fast):
        self.opening()
        self.events.append("fast source" if fast else "source")
        if isinstance(self.source, Exception):
            raise self.source
        if fast and self.source.live and not self.webcam:
            self.source.close()
            self.source = FakeSource(self.source.count, live=False, fps=self.source.fps)
        return self.source

    def _reopen(self, source):
        assert self.reopen is not None
        self.source = self.reopen()
        return self.source

    def _open_companions(self, settings, inbox, say, *, live):
        self.inbox, self.served_studio = inbox, settings.studio
        return self.companions

    def _open_camera(self, device, size, fps):
        self.events.append(f"camera {device} {size[0]}x{size[1]}")
        return self._opened(self.camera)

    def _open_window(self, title, size):
        self.events.append("window")
        return self._opened(self.window)

    def _open_film(self, path, size, fps):
        self.events.append(f"film {path}")
        return self.films.setdefault(path.name, RecordingSink(path.name))

    def _opened(self, made):
        if isinstance(made, Exception):
            raise made
        return made

    def _load_engine(self, preset, stop, faces, live):
        self.events.append("engine")
        self.loading()
        return self.engine

    def _load_preset(self, name):
        if name not in self.presets:
            raise PresetError(f"there is no preset {name!r}")
        return self.presets[name]
