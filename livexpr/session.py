"""The loop of the main thread: filters each frame, publishes it, shows it, heeds the keys."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import controls as hotkeys
from livexpr.controls import Controls
from livexpr.detection import Detected, DetectionThread, EngineStart
from livexpr.edges import Edges
from livexpr.errors import LivexprError, one_line
from livexpr.letterbox import placeholder
from livexpr.lost_face import Veil, shown
from livexpr.preview import Preview
from livexpr.retrying import Retrying
from livexpr.settings import Settings
from livexpr.sinks import Sinks
from livexpr.statistics import Statistics
from livexpr.stopping import Stop
from livexpr.supply import Supply
from livexpr.terminal import TerminalKeys
from livexpr.tuning import Tuning
from livexpr.types import FaceTrack, Frame, NoFace

if TYPE_CHECKING:
    from livexpr.pipeline import Effect, FilterState

_TICK_S = 0.1
_UNFILTERED = "the picture goes on unfiltered"
_LAST_S = 8.0
"""For so long the last picture stays when the camera is away, then a placeholder."""

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
    ) -> None:
        assert sinks.publisher is not None
        self.statistics = Statistics()
        self._settings = settings
        self._say = edges.say
        self._sinks = sinks
        self._publisher = sinks.publisher
        self._preview = None if sinks.window is None else Preview(sinks.window)
        self._supply = supply
        self._detection = detection
        self._starting = starting
        self._terminal = terminal
        self._stop = stop
        self._tuning = Tuning(settings.preset, edges)
        self._controls = Controls(intensity=settings.preset.intensity)
        self._effect: Effect | None = None
        self._state: FilterState | None = None
        self._retrying = Retrying(edges.say, _UNFILTERED, "the filter works again")
        self._announced = False
        self._held: Detected | None = None
        self._last: Detected | None = None
        self._standing_in = ""
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
            self._heed_keys()
            if detected is not None:
                self._pass_on(detected)
                if self._enough():
                    return
            elif self._detection.slot.ended:
                break
            else:
                self._stand_in()
                self._show()
            self._sinks.check()
        if self._detection.bug is not None:
            raise self._detection.bug
        if self._supply.error is not None:
            raise self._supply.error

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
            keys = "; h shows the keys" if self._preview is None and self._terminal.usable else ""
            self._say(f"{self._tuning.preset.name} is live: {self._sinks.names}{keys}")
        elif not self._stop.requested:
            self._say(f"{_UNFILTERED}: {one_line(error)}")

    def _heed_keys(self) -> None:
        if self._preview is not None:
            if self._preview.window.closed:
                self._stop.request()
                return
            pressed = self._preview.window.keys()
        else:
            pressed = self._terminal.read()
        for key in pressed:
            action = hotkeys.action_for(key)
            if action is not None:
                self._do(action)

    def _do(self, action: hotkeys.Action) -> None:
        if action == "quit":
            self._stop.request()
            return
        self._controls = hotkeys.apply(action, self._controls)
        try:
            message = self._change_preset(action) or hotkeys.describe(action, self._controls)
        except LivexprError as error:
            message = str(error)
        self._effect = None
        if action == "freeze":
            self._held = self._last if self._controls.frozen else None
        if self._preview is not None:
            self._preview.tell(message)
        elif action == "help":
            for line in hotkeys.help_lines():
                self._say(line)
        elif message:
            self._say(message)

    def _change_preset(self, action: hotkeys.Action) -> str:
        if action == "save":
            path = self._tuning.save(self._controls.intensity)
            return f"saved as {path.stem} in {path.parent}"
        if action in ("next_preset", "previous_preset"):
            self._tuning.step(1 if action == "next_preset" else -1)
            self._controls = replace(self._controls, intensity=self._tuning.preset.intensity)
            return f"preset {self._tuning.preset.name}"
        return ""

    def _pass_on(self, detected: Detected) -> None:
        """Filter a frame, publish it and show it."""
        self._last, self._standing_in = detected, ""
        if self._held is not None:
            # A frozen picture is still filtered, so that it can be tuned.
            held = self._held
            frame = replace(detected.frame, pixels=held.frame.pixels)
            detected = replace(detected, frame=frame, track=held.track)
        self._presence = None
        before, after, track = self._filter(detected)
        pixels, self._veil = shown(
            self._settings.on_lost, after.pixels, self._presence, detected.time_s, self._veil
        )
        after = replace(after, pixels=pixels)
        if self._controls.mirrored:
            after = replace(after, pixels=_mirrored(after.pixels))
        self._publisher.publish(after)
        if detected.detect_s > 0.0:
            self.statistics.add_stages({"detect": detected.detect_s})
        self.statistics.frames_with_face += isinstance(detected.track, FaceTrack)
        self.statistics.published(time.perf_counter())
        if self._preview is not None and self._preview.take(
            before, after, track, mirrored=self._controls.mirrored
        ):
            self._show()

    def _filter(self, detected: Detected) -> tuple[Frame, Frame, FaceTrack | NoFace]:
        """Return the frame before and after, and its smoothed track."""
        unfiltered = detected.frame, detected.frame, detected.track
        engine = self._starting.engine
        if engine is None or self._retrying.waiting:
            return unfiltered
        if self._effect is None:
            try:
                self._effect = self._tuning.effect(engine, self._controls.live_intensity)
            except LivexprError as error:
                self._without_effect(error)
                return unfiltered
        if self._state is None:
            self._state = engine.initial_state()
        try:
            result = engine.process(detected.timed(), detected.track, self._effect, self._state)
        except Exception as error:
            if not self._supply.live:
                raise
            # A call goes on, whatever is wrong with the filter, which starts afresh in a while.
            self._effect = self._state = None
            self._retrying.failed(one_line(error))
            return unfiltered
        self._retrying.worked()
        self._state = result.state
        if isinstance(result.track, FaceTrack):
            self._presence = result.presence
        self.statistics.add_stages(result.stages_s)
        after = replace(result.frame, captured_at_s=detected.frame.captured_at_s)
        return detected.frame, after, result.track

    def _without_effect(self, error: LivexprError) -> None:
        """Say why a preset cannot be shown, and go to the next that can."""
        self._say(str(error))
        if self._preview is not None:
            self._preview.tell(str(error))
        self._tuning.leave()
        self._controls = replace(self._controls, intensity=self._tuning.preset.intensity)

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

    def _stand_in(self) -> None:
        """Show a placeholder on cameras when the source has been away for long."""
        since_s = self._supply.absent_since_s
        if since_s is None or (self._supply.lost and time.perf_counter() - since_s < _LAST_S):
            return
        # Whoever sees the other one has just begun to watch.
        notice = self._supply.notice if self._supply.lost else "starting"
        if self._standing_in != notice:
            self._standing_in = notice
            self._publisher.stand_in(placeholder(self._publisher.size, notice))

    def _show(self) -> None:
        """Draw the last frame; also while none comes, to keep the window alive."""
        if self._preview is None:
            return
        notice = self._supply.notice
        if not self._starting.finished:
            notice = "starting the filter"
        self._preview.draw(self._tuning.preset.name, self._controls, notice)


def _mirrored(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.flip(pixels, 1), np.uint8)
