"""The loop of the main thread: filters each frame, publishes it, shows it, heeds the keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from livexpr import badge
from livexpr.commands import Answer, Command, Inbox
from livexpr.detection import DetectionThread
from livexpr.edges import Edges
from livexpr.engine_start import EngineStart
from livexpr.errors import LivexprError, one_line
from livexpr.filtering import UNFILTERED, Filtering
from livexpr.keeping_up import KeepingUp
from livexpr.lost_face import Veil, shown, together
from livexpr.pilot import Pilot
from livexpr.preview import Preview
from livexpr.published import Audience, Observer, Published
from livexpr.settings import Settings
from livexpr.sinks import Sinks
from livexpr.slot import Detected
from livexpr.standing_in import StandingIn
from livexpr.statistics import Statistics
from livexpr.stopping import Stop
from livexpr.supply import Supply
from livexpr.terminal import TerminalKeys
from livexpr.types import FaceTrack, Frame

if TYPE_CHECKING:
    from livexpr.crowd import CrowdResult

_TICK_S = 0.1
_WINDOW_TICK_S = 0.04
"""Without new frames, how often the window is kept alive."""


class Session:
    """One run, from the first frame to the last.

    Parameters
    ----------
    settings : Settings
    edges : Edges
    sinks : Sinks
        All opened.
    supply, detection, starting
        The threads that feed it.
    terminal : TerminalKeys
        Asked for keys when there is no window.
    stop : Stop
    inbox : Inbox
        Commands of other threads.
    observers : sequence of Observer
        Closed by whoever made them.

    Attributes
    ----------
    statistics : Statistics
    """

    def __init__(
        self,
        settings: Settings,
        edges: Edges,
        *,
        sinks: Sinks,
        supply: Supply,
        detection: DetectionThread,
        starting: EngineStart,
        terminal: TerminalKeys,
        stop: Stop,
        inbox: Inbox,
        observers: Sequence[Observer] = (),
    ) -> None:
        assert sinks.publisher is not None
        self.statistics = Statistics()
        self._settings = settings
        self._say = edges.say
        self._sinks = sinks
        self._publisher = sinks.publisher
        window = sinks.window
        self._preview = Preview(window, settings.working_keys) if window is not None else None
        self._supply = supply
        self._detection = detection
        self._starting = starting
        self._terminal = terminal
        self._stop = stop
        self._inbox = inbox
        self._audience = Audience(observers, edges.say)
        self._pilot = Pilot(settings.preset, edges)
        self._filtering = Filtering(starting, self._warn, live=supply.live)
        self._keeping_up: KeepingUp | None = None
        if settings.quality == "auto" and supply.live:
            self._keeping_up = KeepingUp(supply, detection, self._filtering, starting, edges.say)
        self._announced = False
        self._held: Detected | None = None
        self._last: Detected | None = None
        self._standing_in = StandingIn(sinks.publisher)
        self._veil = Veil()
        self._presence: float | None = None
        self._first_time_s: float | None = None

    def run(self) -> None:
        """Go on until the source ends, the user quits or a stop is requested.

        Raises
        ------
        LivexprError
            When the source broke, or nothing is left to publish to.
        """
        tick_s = _TICK_S if self._preview is None else _WINDOW_TICK_S
        while not self._stop.requested:
            detected = self._detection.slot.get(tick_s)
            self._announce()
            self._heed()
            if detected is not None:
                self._pass_on(detected)
                if self._enough():
                    return
                self._filtering.look()
            elif self._detection.slot.ended:
                break
            else:
                self._standing_in.look(self._supply)
                self._show()
            self._sinks.check()
        for error in (self._detection.bug, self._supply.error):
            if error is not None:
                raise error

    def count(self) -> None:
        """Take over what the threads have counted; after they have ended."""
        self.statistics.frames_in = self._supply.frames_in
        self.statistics.frames_dropped = (
            self._supply.dropped + self._detection.slot.dropped + self._publisher.dropped
        )

    def _announce(self) -> None:
        """Say once that the filter works, or why it does not; then films begin."""
        if self._announced or not self._starting.finished:
            return
        self._announced = True
        self._sinks.start_films()
        error = self._starting.error
        if error is None:
            listens = self._preview is None and self._terminal.usable
            key = self._settings.keys.key_for("help") if listens else ""
            keys = f"; {key} shows the keys" if key else ""
            self._say(f"{self._pilot.preset.name} is live: {self._sinks.names}{keys}")
        elif not self._stop.requested:
            self._say(f"{UNFILTERED}: {one_line(error)}")

    def _heed(self) -> None:
        """Carry out what was asked for by key or by another thread."""
        if self._preview is not None:
            if self._preview.window.closed:
                self._stop.request()
                return
            pressed = self._preview.window.keys()
        else:
            pressed = self._terminal.read()
        if self._inbox.keys_held:
            pressed = []
        for key in pressed:
            if (command := self._settings.keys.command_for(key)) is not None:
                self._inbox.post(command)
        for command in self._inbox.take():
            self._do(command)

    def _do(self, command: Command) -> None:
        ok, message = True, ""
        if command.verb == "quit":
            self._stop.request()
        elif command.verb != "status":
            try:
                message = self._pilot.carry_out(command)
            except LivexprError as error:
                ok, message = False, str(error)
        self._held = (self._held or self._last) if self._pilot.controls.frozen else None
        if command.answer is not None:
            command.answer(Answer(ok, message, self.status()))
        if command.verb == "help" and self._preview is None:
            for line in self._settings.working_keys.help_lines():
                self._say(line)
        else:
            # Whoever asked from elsewhere has the answer already.
            self._tell(message, aloud=command.answer is None)

    def status(self) -> dict[str, object]:
        """Return what is shown now, as plain values for other programs."""
        return {
            **self._pilot.status(),
            "ready": self._starting.engine is not None,
            "error": "" if self._starting.error is None else one_line(self._starting.error),
            "face": self._presence is not None and not self._supply.notice,
            "source": self._supply.name,
            "output": self._sinks.names,
            "notice": self._supply.notice,
        }

    def _warn(self, message: str) -> None:
        """Say what went wrong, in the preview too."""
        self._say(message)
        self._tell(message, aloud=False)

    def _tell(self, message: str, *, aloud: bool) -> None:
        if not message:
            return
        self._audience.tell(message)
        if self._preview is not None:
            self._preview.tell(message)
        elif aloud:
            self._say(message)

    def _pass_on(self, detected: Detected) -> None:
        """Filter a frame, publish it and show it."""
        self._last = detected
        self._standing_in.end()
        if self._pilot.controls.frozen:
            # Still filtered, so that it can be tuned; this one, if there was none to be frozen.
            held = self._held = self._held or detected
            frame = replace(detected.frame, pixels=held.frame.pixels)
            detected = replace(detected, frame=frame, people=held.people)
        self._presence = None
        result = self._filtering.filter(detected, self._pilot)
        before, controls = detected.frame, self._pilot.controls
        tracks = detected.tracks if result is None else result.tracks
        after = before
        if result is not None:
            after = replace(result.frame, captured_at_s=before.captured_at_s)
            self.statistics.add_stages(result.stages_s)
            self._presence = together(self._settings.on_lost, result.presences)
        pixels, self._veil = shown(
            self._settings.on_lost, after.pixels, self._presence, detected.time_s, self._veil
        )
        after = replace(after, pixels=pixels)
        if controls.mirrored:
            after = replace(after, pixels=np.asarray(cv2.flip(after.pixels, 1), np.uint8))
        if self._settings.badge and controls.on:
            after = replace(after, pixels=badge.marked(after.pixels))
        self._publisher.publish(after)
        if detected.detect_s > 0.0:
            self.statistics.add_stages({"detect": detected.detect_s})
        self.statistics.frames_with_face += bool(detected.tracks)
        self.statistics.published(time.perf_counter())
        if self._keeping_up is not None:
            self._keeping_up.look(detected)
        if self._audience:
            self._audience.saw(self._published(detected, after, tracks, result))
        if self._preview is not None and self._preview.take(
            before, after, tracks, mirrored=controls.mirrored
        ):
            self._show()

    def _published(
        self,
        detected: Detected,
        after: Frame,
        tracks: tuple[FaceTrack, ...],
        result: CrowdResult | None,
    ) -> Published:
        return Published(
            before=detected.frame,
            after=after,
            tracks=tracks,
            covers=() if result is None else result.covers,
            time_s=detected.time_s,
            strength=0.0 if result is None else result.strength,
            presence=self._presence,
            stages_s={"detect": detected.detect_s, **({} if result is None else result.stages_s)},
            preset=self._pilot.preset,
            controls=self._pilot.controls,
        )

    def _enough(self) -> bool:
        """Whether as many frames, or seconds, have gone out as were wanted."""
        assert self._last is not None
        wanted, limit_s = self._settings.max_frames, self._sinks.limit_s
        if wanted is not None and self.statistics.frames_out >= wanted:
            return True
        if self._first_time_s is None:
            self._first_time_s = self._last.time_s
        # The frame after the next would be too late: a film of ten seconds ends at ten.
        return limit_s is not None and (
            self._last.time_s - self._first_time_s >= limit_s - 1.5 / self._publisher.fps
        )

    def _show(self) -> None:
        """Draw the last frame; also while none comes, to keep the window alive."""
        if self._preview is None:
            return
        notice = self._supply.notice if self._starting.finished else "starting the filter"
        left_out = "" if self._keeping_up is None else self._keeping_up.text
        self._preview.draw(self._pilot.preset.name, self._pilot.controls, notice, left_out)
