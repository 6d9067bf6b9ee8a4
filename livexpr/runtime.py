"""A run of the live filter: what starts in which order, and how everything ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from livexpr import memory, statistics
from livexpr.capture_thread import Source
from livexpr.commands import Inbox
from livexpr.detection import DetectionThread
from livexpr.edges import Edges, Viewers
from livexpr.engine_start import EngineStart
from livexpr.errors import LivexprError, VirtualCameraError
from livexpr.opening import Opening
from livexpr.ordinary_files import expanded, may_exist
from livexpr.published import Observer
from livexpr.session import Session
from livexpr.settings import Settings
from livexpr.sinks import Sinks, refuse_own_source
from livexpr.source_switch import SourceSwitch
from livexpr.stopping import Stop, stopping_on_signals
from livexpr.supply import FirstFrames, Supply

_POLL_S = 0.1
_PATIENCE_S = 0.4
"""A camera that takes longer to open is waited for behind a placeholder."""

_USUAL_SIZE, _USUAL_FPS = (1280, 720), 30.0
_FPS_RANGE = (1.0, 240.0)
_JOIN_S = 1.0
"""What still runs at the end, in a library that cannot be interrupted, is left to its fate."""


def run(settings: Settings, *, edges: Edges | None = None) -> int:
    """Run the live filter until its source ends or somebody ends it.

    Parameters
    ----------
    settings : Settings
        What is wanted.
    edges : Edges, optional
        The outside; the real one by default.

    Returns
    -------
    int
        Exit code: 0 after the end of the source or the user's, 130 after Ctrl-C, 143 after
        SIGTERM.

    Raises
    ------
    LivexprError
        When it cannot start, or has nothing left to read from or to write to.
    """
    memory.keep_in_one_pool()
    stop = Stop()
    with stopping_on_signals(stop):
        started = _Run(settings, edges or Edges(), stop)
        try:
            started.go()
        finally:
            stop.request()
            clean = started.close()
    if not clean and edges is None and sys.exc_info()[0] is None:
        _leave(stop.exit_code)
    return stop.exit_code


def _leave(exit_code: int) -> None:
    """End at once. A thread inside a library would crash an orderly end of the interpreter."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


class _Run:
    """Everything that one run has opened and started."""

    def __init__(self, settings: Settings, edges: Edges, stop: Stop) -> None:
        self._settings = settings
        self._edges = edges
        self._stop = stop
        self._sinks = Sinks(settings, edges)
        self._terminal = edges.open_terminal()
        self._opening: Opening | None = None
        self._viewers: Viewers | None = None
        self._wanted: Callable[[], bool] | None = None
        self._starting: EngineStart | None = None
        self._supply: Supply | None = None
        self._switch: SourceSwitch | None = None
        self._detection: DetectionThread | None = None
        self._session: Session | None = None
        self._inbox = Inbox()
        self._companions: list[Observer] = []

    def go(self) -> None:
        """Start everything, in the order in which the user sees it, and run."""
        settings = self._settings
        _check_written(settings)
        source = self._open_source_and_sinks()
        if source is not None and settings.on_demand:
            source = self._rested(source)
        if source is None:
            return
        self._starting = EngineStart(
            partial(
                self._edges.load_engine, settings.preset, self._stop, settings.faces, source.live
            )
        )
        if (settings.fast or not self._sinks.seen) and not self._wait_for_engine():
            return
        if settings.max_frames is not None and not source.live:
            source = FirstFrames(source, settings.max_frames)
        self._supply = Supply(
            source,
            self._edges.reopen_source,
            self._edges.say,
            may_freeze=self._edges.may_freeze,
            wanted=self._wanted,
        )
        self._switch = SourceSwitch(
            settings, self._edges, self._supply, self._inbox, lambda: self._sinks.devices
        )
        self._detection = DetectionThread(
            self._supply,
            self._starting,
            fps=None if source.live else _rate(source),
            stop=self._stop,
            say=self._edges.say,
            faces=settings.faces,
            sync=settings.sync,
        )
        if settings.sync == "predict" and not source.live:
            self._edges.say("--sync predict changes nothing: each frame waits for its faces here")
        if self._sinks.window is None:
            self._terminal.__enter__()
        self._companions = self._edges.open_companions(
            replace(settings, studio=settings.studio or self._sinks.studio),
            self._inbox,
            self._edges.say,
            live=source.live,
        )
        self._session = Session(
            settings,
            self._edges,
            sinks=self._sinks,
            supply=self._supply,
            detection=self._detection,
            starting=self._starting,
            terminal=self._terminal,
            stop=self._stop,
            inbox=self._inbox,
            observers=self._companions,
        )
        self._session.run()

    def close(self) -> bool:
        """End everything; release devices, finish films. False when some thread still runs.

        Raises
        ------
        LivexprError
            When the statistics cannot be written, or a film could not be finished.
        """
        clean = True
        self._terminal.close()
        for companion in self._companions:
            companion.close()
        if self._viewers is not None:
            self._viewers.close()
        if self._supply is not None:
            clean &= self._supply.close()
        if self._switch is not None:
            clean &= self._switch.close()
        if self._opening is not None:
            clean &= self._opening.close()
        self._sinks.close()
        if self._detection is not None:
            clean &= self._detection.join(_JOIN_S)
        if self._starting is not None:
            clean &= self._starting.join(_JOIN_S)
            if clean and self._starting.engine is not None:
                self._starting.engine.close()
        self._write_statistics()
        for failure in self._sinks.failures():
            raise failure
        return clean

    def _open_source_and_sinks(self) -> Source | None:
        """Open the source, the virtual camera and the other sinks; None if all is to stop."""
        settings, sinks = self._settings, self._sinks
        opening = self._open(settings)
        source: Source | None = None
        if sinks.wants_camera:
            source = opening.wait(self._stop, None if settings.fast else _PATIENCE_S)
            if source is None and not self._stop.requested:
                size, fps = settings.size or _USUAL_SIZE, settings.fps or _USUAL_FPS
                sinks.open_camera(size, fps, live=True)
            elif source is not None:
                sinks.open_camera(source.size, _rate(source), live=source.live)
        source = opening.wait(self._stop)
        if source is None:
            return None
        if sinks.limit_s is not None and source.live and not self._edges.is_webcam(source):
            # Nobody watches: every frame goes into the film, again if need be, with no waiting.
            opening.close()
            source = self._open(replace(settings, fast=True, loop=True)).wait(self._stop)
            if source is None:
                return None
        for note in source.notes:
            self._edges.say(note)
        sinks.open_others(source.size, _rate(source), live=source.live)
        return source

    def _rested(self, source: Source) -> Source:
        """Have a webcam wait for viewers; where it cannot, return one that is on."""
        if not self._edges.is_webcam(source):
            self._edges.say(f"--on-demand changes nothing: {source.name} is no webcam")
            return source
        try:
            if self._sinks.device is None:
                raise VirtualCameraError("there is no virtual camera to be read")
            viewers = self._viewers = self._edges.watch_viewers(self._sinks.device)
        except VirtualCameraError as error:
            self._edges.say(f"the webcam stays on: {error}")
            return self._edges.reopen_source(source)
        self._wanted = lambda: viewers.wanted
        self._edges.say(f"the webcam is off until a program reads {self._sinks.device}")
        return source

    def _open(self, settings: Settings) -> Opening:
        self._opening = Opening(lambda: self._edges.open_source(settings, fast=settings.fast))
        return self._opening

    def _wait_for_engine(self) -> bool:
        """Wait behind a placeholder, where no plain picture is to come out first."""
        assert self._starting is not None
        window = self._sinks.window
        while not self._stop.requested:
            if self._starting.wait(_POLL_S if window is None else _POLL_S / 2):
                # An engine that was told to stop has failed with that; it is no error of its own.
                if self._starting.error is not None and not self._stop.requested:
                    raise self._starting.error
                return not self._stop.requested
            if window is not None:
                pressed = window.keys()
                asked = filter(None, map(self._settings.keys.command_for, pressed))
                if window.closed or any(command.verb == "quit" for command in asked):
                    return False
        return False

    def _write_statistics(self) -> None:
        if self._settings.stats is None or self._session is None:
            return
        publisher = self._sinks.publisher
        assert publisher is not None
        self._session.count()
        report = self._session.statistics.report(publisher.latency_s, publisher.send_s)
        statistics.write(self._settings.stats, report)


def _rate(source: Source) -> float:
    """Return the source's frames per second; some cameras tell nonsense, films were checked."""
    low, high = _FPS_RANGE
    return source.fps if not source.live or low <= source.fps <= high else _USUAL_FPS


def _check_written(settings: Settings) -> None:
    """Find out before anything opens what could not be written, or would destroy another file."""
    outputs = [output for output in settings.outputs if not output.startswith("camera:")]
    films = [(Path(output), "film") for output in outputs if Path(output).suffix]
    taken = [(settings.schedule, "schedule"), (settings.preset.file, "preset")]
    for path, what in (*films, (settings.stats, "statistics"), (settings.log, "log")):
        if path is None:
            continue
        refuse_own_source(path, settings.source)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise LivexprError(
                f"cannot write the {what} to {path}: name a file in a folder that exists"
            )
        for other, other_what in taken:
            if other is not None and _is_one_file(path, expanded(other)):
                raise LivexprError(
                    f"the {what} would replace the {other_what} {other}: choose another name"
                )
        taken.append((path, what))


def _is_one_file(one: Path, other: Path) -> bool:
    """Whether two names are those of one ordinary file, which need not exist yet."""
    if may_exist(one) and may_exist(other):
        return one.is_file() and one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)
