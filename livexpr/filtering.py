"""The filter on one frame of a call, which goes on whatever becomes of the filter."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from livexpr.engine_start import Engine, EngineStart
from livexpr.errors import LivexprError, one_line
from livexpr.pilot import Pilot
from livexpr.retrying import Retrying
from livexpr.slot import Detected

if TYPE_CHECKING:
    from livexpr.crowd import CrowdResult, CrowdState
    from livexpr.pipeline import Effect

UNFILTERED = "the picture goes on unfiltered"


class Filtering:
    """Filters frame after frame, and starts afresh a while after it failed.

    Parameters
    ----------
    starting : EngineStart
        Without an engine there is no filter.
    say : callable
        Takes a line for the user.
    live : bool
        Whether bugs are said in one line; else they are raised.

    Attributes
    ----------
    coarse : bool
        Whether to draw the eyes with few triangles, as slow machines need it.
    """

    def __init__(self, starting: EngineStart, say: Callable[[str], None], *, live: bool) -> None:
        self.coarse = False
        self._starting = starting
        self._live = live
        self._state: CrowdState | None = None
        self._say = say
        self._retrying = Retrying(say, UNFILTERED, "the filter works again")

    def filter(self, detected: Detected, pilot: Pilot) -> CrowdResult | None:
        """Return the filtered frame; None while there is no filter.

        Raises
        ------
        Exception
            What the filter raised, unless live.
        """
        engine = self._starting.engine
        if engine is None or self._retrying.waiting:
            return None
        effect = self._effect(engine, pilot)
        if effect is None:
            return None
        if self.coarse:
            effect = replace(effect, coarse=True)
        if self._state is None:
            self._state = engine.initial_state()
        try:
            result = engine.process(detected.timed(), detected.people, effect, self._state)
        except Exception as error:
            if not self._live:
                raise
            self._state = None
            pilot.afresh()
            self._retrying.failed(one_line(error))
            return None
        self._retrying.worked()
        self._state = result.state
        return result

    def _effect(self, engine: Engine, pilot: Pilot) -> Effect | None:
        """Return what is wanted, or what was shown last if that cannot be shown."""
        try:
            return pilot.effect(engine)
        except LivexprError as error:
            self._say(str(error))
            pilot.leave()
        try:
            return pilot.effect(engine)
        except LivexprError:  # it is said on the next frame
            return None

    def look(self) -> None:
        """Look at the frame that has just been filtered, once it is on its way out.

        Of a live source only: others lose no time by leaving it to the next frame.
        """
        if self._live and self._state is not None and self._starting.engine is not None:
            # The next frame would fail in the same way, and tells of it.
            with contextlib.suppress(Exception):
                self._state = self._starting.engine.looked(self._state)
