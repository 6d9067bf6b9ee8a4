"""What the filter is to whoever runs it, and its start in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from livexpr.detector_thread import Detector
from livexpr.types import Frame, Person

if TYPE_CHECKING:
    from livexpr.crowd import CrowdResult, CrowdState
    from livexpr.pipeline import Effect
    from livexpr.presets import Preset


class Engine(Protocol):
    """The filter, loaded and compiled."""

    def detector(self) -> Detector:
        """Return what finds faces; again, whenever one has failed. For any thread."""

    def process(
        self, frame: Frame, people: Sequence[Person], effect: Effect, state: CrowdState
    ) -> CrowdResult:
        """As :func:`livexpr.crowd.process`; for one thread."""

    def looked(self, state: CrowdState) -> CrowdState:
        """As :func:`livexpr.crowd.looked`."""

    def initial_state(self) -> CrowdState:
        """As :func:`livexpr.crowd.initial_state`."""

    def load_effect(self, preset: Preset) -> Effect:
        """As :func:`livexpr.pipeline.load_effect`."""

    @property
    def compiling(self) -> bool:
        """Whether kernels are still being compiled, and frames filtered more slowly meanwhile."""

    def close(self) -> None:
        """End compiling, and release a detector that nobody has asked for."""


class EngineStart:
    """Loads the engine in a thread of its own, from now on.

    Parameters
    ----------
    load : callable
        Returns the engine; may raise LivexprError, ImportError or OSError.

    Attributes
    ----------
    engine : Engine or None
        Once it is ready.
    error : Exception or None
        Why it will never be.
    """

    def __init__(self, load: Callable[[], Engine]) -> None:
        self.engine: Engine | None = None
        self.error: Exception | None = None
        self._load = load
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine start", daemon=True)
        self._thread.start()

    @property
    def finished(self) -> bool:
        """Whether it is ready, or has failed."""
        return self._finished.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is ready or has failed; False when it takes longer."""
        return self._finished.wait(timeout_s)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; False when it takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.engine = self._load()
        except Exception as error:
            # Not swallowed: whoever started it raises or reports it.
            self.error = error
        finally:
            self._finished.set()
