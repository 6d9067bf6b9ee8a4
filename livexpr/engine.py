"""The real filter, loaded while the plain picture flows: model, maps and compiled kernels."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from livexpr import memory
from livexpr.compiling import Compiling
from livexpr.detector_thread import Detector
from livexpr.stopping import Stop
from livexpr.types import Frame, Person

if TYPE_CHECKING:
    from livexpr.crowd import CrowdResult, CrowdState
    from livexpr.landmarks import Landmarker
    from livexpr.pipeline import Effect
    from livexpr.presets import Preset

_SAY_EVERY_S = 3.0

_SWITCH_S = 0.0005
"""For so long a thread may keep Python's interpreter from others: at the usual 5 ms, detection that
comes back from the model waits for whole stages of the filter."""


class LoadedEngine:
    """The real :class:`livexpr.engine_start.Engine`: MediaPipe and the pipeline.

    Parameters
    ----------
    landmarker : Landmarker
        For whoever asks first for a detector; those after it find as many faces.
    first : Effect
        Of the preset that is shown first.
    compiling : Compiling, optional
        Where the kernels are still being compiled; ended with the engine.
    live : bool
        As :func:`load` has it.
    """

    def __init__(
        self,
        landmarker: Landmarker,
        first: Effect,
        compiling: Compiling | None = None,
        *,
        live: bool = True,
    ) -> None:
        from livexpr import crowd, pipeline

        self._landmarker: Landmarker | None = landmarker
        self._max_faces = landmarker.max_faces
        self._first: Effect | None = first
        self._compiling = compiling
        self._may_draw = None if live else _share()
        self._pipeline = pipeline
        self._crowd = crowd

    def detector(self) -> Detector:
        """Return what finds faces; again, whenever one has failed. For any thread."""
        from livexpr.landmarks import Landmarker

        first, self._landmarker = self._landmarker, None
        if first is None:
            first = Landmarker(max_faces=self._max_faces)
        return first

    def process(
        self, frame: Frame, people: Sequence[Person], effect: Effect, state: CrowdState
    ) -> CrowdResult:
        """As :func:`livexpr.crowd.process`; for one thread."""
        if self._may_draw is not None:
            import numba

            # Numba has it for each thread that asks.
            at_most, self._may_draw = self._may_draw, None
            numba.set_num_threads(min(at_most, numba.get_num_threads()))
        return self._crowd.process(frame, people, effect, state)

    def looked(self, state: CrowdState) -> CrowdState:
        """As :func:`livexpr.crowd.looked`."""
        return self._crowd.looked(state)

    def initial_state(self) -> CrowdState:
        """As :func:`livexpr.crowd.initial_state`."""
        return self._crowd.initial_state()

    def load_effect(self, preset: Preset) -> Effect:
        """As :func:`livexpr.pipeline.load_effect`."""
        first, self._first = self._first, None
        if first is not None and first.preset is preset:
            return first
        return self._pipeline.load_effect(preset)

    @property
    def compiling(self) -> bool:
        """Whether kernels are still being compiled, and frames filtered more slowly meanwhile."""
        return self._compiling is not None and self._compiling.at_work

    def close(self) -> None:
        """End compiling, and release a detector that nobody has asked for."""
        if self._compiling is not None:
            self._compiling.close()
        first, self._landmarker = self._landmarker, None
        if first is not None:
            first.close()


class _Telling:
    """Says how far compiling is, now and then: a line for each function would be too many."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._next_s = 0.0

    def __call__(self, done: int, total: int) -> None:
        now_s = time.perf_counter()
        if now_s >= self._next_s:
            self._next_s = now_s + _SAY_EVERY_S
            self._say(f"compiling the kernels, once per machine: {done} of {total}")


def load(
    preset: Preset,
    stop: Stop,
    say: Callable[[str], None],
    *,
    faces: int = 1,
    live: bool = True,
) -> LoadedEngine:
    """Load the maps, the model and the kernels; have these compiled beside, if need be.

    Parameters
    ----------
    preset : Preset
        What will be shown first.
    stop : Stop
        Looked at between the steps, each of which may take seconds.
    say : callable
        Takes a line for the user; told how far compiling is, where that is needed.
    faces : int
        How many people are followed at most.
    live : bool
        Whether frames come by themselves. Then detection is mostly over when the filter draws, on
        all processors; else it is at the next frame, and keeps one of them.

    Raises
    ------
    LivexprError
        When model, preset or maps are missing or broken.
    InterruptedError
        When everything is to stop.
    """

    _share_processors()
    sys.setswitchinterval(_SWITCH_S)
    with _uncollected():
        loaded = _loaded(preset, stop, say, faces, live)
        memory.settle()
    memory.give_back()
    return loaded


def _loaded(
    preset: Preset, stop: Stop, say: Callable[[str], None], faces: int, live: bool
) -> LoadedEngine:
    def go_on() -> None:
        if stop.requested:
            raise InterruptedError("stopped while starting")

    from kernels import warmup
    from livexpr import pipeline

    go_on()
    effect = pipeline.load_effect(preset)
    compiling = None if warmup.load() else Compiling(_Telling(say), say)
    try:
        go_on()
        from livexpr.landmarks import Landmarker

        landmarker = Landmarker(max_faces=faces)
        if stop.requested:
            landmarker.close()
        go_on()
    except BaseException:
        if compiling is not None:
            compiling.close()
        raise
    return LoadedEngine(landmarker, effect, compiling, live=live)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from looking through what is being loaded.

    It would do so again and again, for a tenth of a second and more in which no picture goes
    out, and find next to nothing.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def compile_kernels(say: Callable[[str], None]) -> None:
    """Compile what is not compiled yet, as the first start would; `say` is told how far it is."""
    _share_processors()
    from livexpr import pipeline

    pipeline.warm_up(_Telling(say))


def _share_processors() -> None:
    """Leave a processor to detection, which works at the same time as OpenCV.

    Whatever waits for a thread that waits for a processor takes many times as long as on one
    processor less. The kernels may have them all: their helpers are waited for only once they have
    begun. To be called before Numba is loaded; what the user has set counts.
    """
    import cv2

    os.environ.setdefault("NUMBA_NUM_THREADS", str(_usable()))
    if "OPENCV_FOR_THREADS_NUM" not in os.environ:
        cv2.setNumThreads(_share())


def _share() -> int:
    """Return how many processors there are beside the one that detection keeps; at least 1."""
    return max(1, _usable() - 1)


def _usable() -> int:
    """Return how many processors this process may use."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return usable or 1
