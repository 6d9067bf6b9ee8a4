"""Where the pictures of a run go: what is asked for, or the next best thing, and why."""

from __future__ import annotations

import threading
from pathlib import Path

from livexpr.awaited_camera import AwaitedCamera
from livexpr.edges import Edges, Window
from livexpr.errors import VirtualCameraError
from livexpr.letterbox import placeholder
from livexpr.ordinary_files import expanded, may_exist
from livexpr.publisher import NullSink, Publisher, RepeatingSink, Sink
from livexpr.settings import Settings
from livexpr.steady_camera import SteadyCamera

PREVIEW_FILM = Path("livexpr-preview.mp4")
PREVIEW_FILM_S = 10.0
WINDOW_TITLE = "livexpr"
_FILM_INSTEAD = f"writing ten seconds to {PREVIEW_FILM}"


def refuse_own_source(target: Path, source: str) -> None:
    """Raise a VirtualCameraError if writing `target` would destroy the file that is read."""
    path = expanded(source)
    if may_exist(target) and may_exist(path) and target.samefile(path):
        raise VirtualCameraError(f"{target} would replace its own source: choose another name")


class Sinks:
    """The publisher with its sinks, and the window.

    Parameters
    ----------
    settings : Settings
    edges : Edges

    Attributes
    ----------
    publisher : Publisher or None
        Once a sink was opened.
    window : Window or None
    studio : bool
        Whether the studio is to be served in place of a window.
    limit_s : float or None
        The run ends after so many seconds of picture.
    """

    def __init__(self, settings: Settings, edges: Edges) -> None:
        self.publisher: Publisher | None = None
        self.window: Window | None = None
        self.studio = False
        self.limit_s: float | None = None
        self._settings = settings
        self._edges = edges
        self._camera: Sink | None = None
        self._films: list[Sink] = []
        self._failures: list[VirtualCameraError] = []
        self._failing = threading.Lock()

    @property
    def wants_camera(self) -> bool:
        """Whether a virtual camera is asked for, by name or by ``auto``."""
        return any(_is_camera(output) or output == "auto" for output in self._settings.outputs)

    @property
    def seen(self) -> bool:
        """Whether somebody sees the pictures while they are made."""
        return self._camera is not None or self.window is not None

    @property
    def device(self) -> str | None:
        """Where other programs find the virtual camera, as far as it is known."""
        return next(iter(self.devices), None)

    @property
    def devices(self) -> list[str]:
        """Where they find each of them, also one that was awaited."""
        sinks = () if self.publisher is None else self.publisher.sinks
        cameras = [sink for sink in sinks if isinstance(sink, SteadyCamera | AwaitedCamera)]
        return [camera.device for camera in cameras if camera.device is not None]

    @property
    def names(self) -> str:
        """What is published to, for people."""
        sinks = []
        if self.publisher is not None:
            sinks = [sink.name for sink in self.publisher.sinks if not _is_awaited(sink)]
        if self.studio:
            sinks[sinks.index(NullSink.name)] = "the studio"
        window = [] if self.window is None else ["the window"]
        return ", ".join(sinks + [film.name for film in self._films] + window)

    def open_camera(self, size: tuple[int, int], fps: float, *, live: bool) -> None:
        """Open the virtual camera, which shows a placeholder from now on.

        Raises
        ------
        VirtualCameraError
            When a camera was asked for that cannot be had. Where ``auto`` was, the step down
            is left to :meth:`open_others`.
        """
        for output in self._settings.outputs:
            if not _is_camera(output) and output != "auto":
                continue
            device = output.partition(":")[2] or None
            try:
                camera = self._edges.open_virtual_camera(device, size, fps)
            except VirtualCameraError as error:
                if output != "auto":
                    raise
                self._step_down(error, size)
                if self.limit_s is None and live:
                    self._await_camera(size, fps)
                continue
            self._camera = self._steady(camera, device, size, fps)
            self._publisher_for(size, fps, live).add(self._camera)

    def open_others(self, size: tuple[int, int], fps: float, *, live: bool) -> None:
        """Open everything but the virtual camera.

        Raises
        ------
        VirtualCameraError
            When a film cannot be written, or a window is asked for and cannot be opened.
        """
        publisher = self._publisher_for(size, fps, live)
        for output in self._settings.outputs:
            if output == "null":
                publisher.add(NullSink())
            elif output == "window":
                self._open_window(size)
            elif output != "auto" and not _is_camera(output):
                self._films.append(self._edges.open_film(Path(output), publisher.size, fps))
        if self.studio:
            publisher.add(NullSink())
        if self.limit_s is not None:
            refuse_own_source(PREVIEW_FILM, self._settings.source)
            self._films.append(self._edges.open_film(PREVIEW_FILM, publisher.size, fps))
        self._open_preview(size)

    def start_films(self) -> None:
        """Have films begin with the next frame."""
        assert self.publisher is not None
        films, self._films = self._films, []
        for film in films:
            self.publisher.add(film)

    def check(self) -> None:
        """Report sinks that failed.

        Raises
        ------
        VirtualCameraError
            When nothing is left to publish to: why the last sink failed.
        """
        failures = self.failures()
        if failures and self.window is None and not (self._films or self._working()):
            raise failures[-1]
        for failure in failures:
            self._edges.say(str(failure))

    def failures(self) -> list[VirtualCameraError]:
        """Return why sinks failed since the last call."""
        with self._failing:
            failures, self._failures = self._failures, []
        return failures

    def close(self) -> None:
        """Finish films, release the camera, close the window."""
        if self.publisher is not None:
            self.publisher.close()
        for film in self._films:
            film.close()
        if self.window is not None:
            self.window.close()

    def _steady(self, camera: Sink, device: str | None, size: tuple[int, int], fps: float) -> Sink:
        if not isinstance(camera, RepeatingSink):
            return camera
        device = getattr(camera, "device", device)
        return SteadyCamera(
            camera,
            lambda: self._edges.open_virtual_camera(device, size, fps),
            self._edges.say,
        )

    def _await_camera(self, size: tuple[int, int], fps: float) -> None:
        """Take the virtual camera as soon as another program leaves it, or it is made."""

        def open_camera() -> Sink:
            camera = self._edges.open_virtual_camera(None, size, fps)
            return self._steady(camera, None, size, fps)

        awaited = AwaitedCamera(open_camera, self._edges.say, fps)
        self._publisher_for(size, fps, live=True).add(awaited)

    def _working(self) -> bool:
        return self.publisher is not None and not all(map(_is_awaited, self.publisher.sinks))

    def _publisher_for(self, size: tuple[int, int], fps: float, live: bool) -> Publisher:
        if self.publisher is None:
            self.publisher = Publisher(size=size, fps=fps, live=live, on_error=self._failed)
        return self.publisher

    def _failed(self, sink: Sink, error: VirtualCameraError) -> None:
        with self._failing:
            self._failures.append(error)

    def _step_down(self, reason: VirtualCameraError, size: tuple[int, int]) -> None:
        """Take the window in place of the camera, else the studio; a film where nothing else is."""
        settings, say = self._settings, self._edges.say
        wants_studio, missing, why = settings.studio, "the virtual camera", reason
        if settings.preview is not False:
            try:
                self._open_window(size)
            except VirtualCameraError as no_window:
                say(f"no virtual camera to be had: {reason}")
                wants_studio, missing, why = self._edges.has_studio(), "a window", no_window
            else:
                say(f"showing a window instead of the virtual camera: {reason}")
                return
        # A page that nobody opens would not hold up what is to be worked off.
        self.studio = wants_studio and not settings.fast
        if self.studio:
            say(f"serving the studio instead of {missing}: {why}")
        elif any(output != "auto" for output in settings.outputs):
            say(f"going on without {missing}: {why}")
        else:
            self.limit_s = PREVIEW_FILM_S
            say(f"{_FILM_INSTEAD} instead of {missing}: {why}")

    def _open_preview(self, size: tuple[int, int]) -> None:
        """Open the window beside the other outputs, if it is wanted."""
        wanted = self._settings.preview
        if wanted is None:
            wanted = self._camera is not None
        if not wanted or self.window is not None or self.limit_s is not None:
            return
        try:
            self._open_window(size)
        except VirtualCameraError as error:
            if self._settings.preview:
                self._edges.say(f"no preview: {error}")

    def _open_window(self, size: tuple[int, int]) -> None:
        if self.window is None:
            self.window = self._edges.open_window(WINDOW_TITLE, size)
            self.window.show(placeholder(self.window.picture_size(size)))


def _is_awaited(sink: Sink) -> bool:
    """Whether a sink is a virtual camera that could not be had so far."""
    return isinstance(sink, AwaitedCamera) and not sink.here


def _is_camera(output: str) -> bool:
    return output == "camera" or output.startswith("camera:")
