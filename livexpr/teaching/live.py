"""A lesson before a camera: a window that guides, and keys that take, undo, try and save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from livexpr import pipeline
from livexpr.capture import CaptureThread, Source
from livexpr.effect import Effect, FilterState, initial_state
from livexpr.errors import LivexprError
from livexpr.pixel_map import PixelMap
from livexpr.preset_file import Preset
from livexpr.teaching.board import Board, drawn
from livexpr.teaching.lesson import learned
from livexpr.teaching.recorder import ENOUGH, Recorder
from livexpr.types import FaceTrack, Frame, NoFace

_WAIT_S = 0.05


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


class LiveLesson:
    """A lesson that goes on frame by frame.

    Parameters
    ----------
    name, like : str
        As :func:`livexpr.teaching.lesson.learned` takes them.
    recorder : Recorder

    Attributes
    ----------
    saved : PixelMap or None
        What the user decided to keep.
    finished : bool
        Whether the user saved or quit.
    """

    def __init__(self, name: str, like: str, recorder: Recorder) -> None:
        self.saved: PixelMap | None = None
        self.finished = False
        self._name, self._like = name, like
        self._recorder = recorder
        self._tried: Effect | None = None
        self._state: FilterState = initial_state()
        self._note = ""

    def see(self, frame: Frame, track: FaceTrack | NoFace) -> NDArray[np.uint8]:
        """Take in a frame; return the picture to show, the map being tried applied to it."""
        if self._recorder.feed(frame, track):
            self._note = ""
        if self._tried is None:
            return frame.pixels
        result = pipeline.process(frame, track, self._tried, self._state)
        self._state = result.state
        return result.frame.pixels

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        key = key.lower()
        self._note = ""
        if key in ("q", "esc"):
            self.finished = True
        elif key == " ":
            # What is added to a face is not what the lesson is about.
            self._tried = None
            self._recorder.take()
        elif key == "u":
            self._tried = None
            self._recorder.undo()
        elif key in ("t", "s"):
            self._learn(save=key == "s")

    def board(self) -> Board:
        """Return what to tell now."""
        guidance = self._note or self._recorder.guidance
        if self._tried is not None and not self._note:
            guidance = "this is it: s saves it, t ends the trial, space adds another"
        count = f"{min(self._recorder.n_taken, 99)}/{ENOUGH}"
        return Board(guidance, self._recorder.ready, count)

    def _learn(self, *, save: bool) -> None:
        if self._tried is not None and not save:
            self._tried = None
            return
        if not self._recorder.can_learn:
            self._note = "first a neutral face, then the expression"
            return
        try:
            fitted = learned(self._recorder.lesson(), self._name, self._like)
        except LivexprError as error:
            self._note = str(error)
            return
        if save:
            self.saved, self.finished = fitted, True
            return
        preset = Preset(self._name, {self._name: 1.0})
        self._tried = Effect(preset, {self._name: fitted}, 1.0)
        self._state = initial_state()


def run(
    source: Source,
    window: Window,
    detect: Callable[[Frame], FaceTrack | NoFace],
    lesson: LiveLesson,
) -> PixelMap | None:
    """Hold a lesson until the user saves or quits, closes the window, or the source ends.

    Parameters
    ----------
    source : Source
        Opened; is closed.
    window : Window
    detect : callable
        Finds the face on a frame.
    lesson : LiveLesson

    Returns
    -------
    PixelMap or None
        What was saved.

    Raises
    ------
    CameraError
        If the source breaks.
    """
    capture = CaptureThread(source)
    try:
        while not lesson.finished and not window.closed:
            frame = capture.get(_WAIT_S)
            if frame is not None:
                shown = lesson.see(frame, detect(frame))
                size = window.picture_size((shown.shape[1], shown.shape[0]))
                window.show(drawn(shown, lesson.board(), size))
            elif capture.ended:
                break
            pressed = window.keys()
            for key in pressed:
                lesson.press(key)
        if capture.error is not None:
            raise capture.error
        return lesson.saved
    finally:
        capture.close()
