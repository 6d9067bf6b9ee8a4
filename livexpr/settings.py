"""What a run of the live filter is asked to do; the one home of its defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from livexpr import presets
from livexpr.keys import KEYS, KeyTable
from livexpr.learning import OpenLesson
from livexpr.presets import Preset

OnLost = Literal["passthrough", "freeze", "blur"]
"""What is shown while no face is found."""

Sync = Literal["exact", "predict"]
"""Whether frames wait until their faces were found."""

QualityMode = Literal["auto", "full"]
"""Whether a slow machine leaves something out."""

DEFAULT_EXPRESSION = "happy"
"""What is shown when neither an expression nor a preset is asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of ``livexpr run``, checked.

    Attributes
    ----------
    source : str
        Where pictures come from, as :func:`livexpr.capture.open_source` reads it.
    outputs : tuple of str
        Where they go, at least one: ``auto``, ``camera``, ``camera:DEVICE``, ``window``, ``null``,
        or a film's path.
    size : tuple of int or None
        (width, height) to ask the source for, in px; None takes what is usual for it.
    fps : float or None
        Rate to ask the source for, per second; None takes what is usual for it.
    on_demand : bool
        Keep a webcam off while no program reads the virtual camera.
    mirror : bool
        Exchange left and right.
    preview : bool or None
        Open a window beside the other outputs; None does so beside a virtual camera, where
        there is a display.
    max_frames : int or None
        Stop after so many frames.
    loop, fast : bool
        Of a file: start again after its end; do not wait for its own pace, and drop nothing.
    faces : int
        How many people are followed at most, from 1 to 5.
    sync : str
        ``exact``: each frame waits until its faces were found; ``predict``: it goes out at once,
        with the faces carried forward to it.
    quality : str
        ``auto``: a machine that is too slow detects less often and draws eyes more coarsely, to
        hold the camera's rate;
        ``full``: it loses frames.
    on_lost : str
        What to show while no face is found; see :func:`livexpr.lost_face.shown`.
    badge : bool
        Put a small mark, "filtered", on the published picture.
    studio : bool
        Serve the page that shows and tunes the filter, on this machine only.
    open_lesson : callable or None
        Begins a lesson on that page; None leaves teaching out.
    log, schedule : Path or None
        JSON lines to write, one for each frame; commands to carry out at given times.
    ctl : bool
        Have ``livexpr ctl`` reach this filter.
    hotkeys : bool
        Have the keys of ``keys.anywhere`` work while another window has the focus.
    keys : KeyTable
    stats : Path or None
        JSON file to write at the end.
    preset : Preset
        What to show; ``--intensity`` is in its ``intensity`` already.
    """

    source: str = "auto"
    outputs: tuple[str, ...] = ("auto",)
    size: tuple[int, int] | None = None
    fps: float | None = None
    on_demand: bool = False
    mirror: bool = False
    preview: bool | None = None
    max_frames: int | None = None
    loop: bool = False
    fast: bool = False
    faces: int = 1
    sync: Sync = "exact"
    quality: QualityMode = "auto"
    on_lost: OnLost = "passthrough"
    badge: bool = False
    studio: bool = False
    open_lesson: OpenLesson | None = field(default=None, compare=False)
    log: Path | None = None
    schedule: Path | None = None
    ctl: bool = True
    hotkeys: bool = False
    keys: KeyTable = KEYS
    stats: Path | None = None
    preset: Preset = field(default_factory=lambda: presets.load(DEFAULT_EXPRESSION))

    @property
    def working_keys(self) -> KeyTable:
        """Those of `keys` that work, as far as is known; help texts are made from it."""
        return self.keys if self.hotkeys else replace(self.keys, anywhere=())
