"""The filter on one frame of a call, which goes on whatever becomes of the filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from livexpr.detection import Detected, EngineStart
from livexpr.errors import LivexprError, one_line
from livexpr.pilot import Pilot
from livexpr.retrying import Retrying

if TYPE_CHECKING:
    from livexpr.pipeline import FilterState, Result

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
    """

    def __init__(self, starting: EngineStart, say: Callable[[str], None], *, live: bool) -> None:
        self._starting = starting
        self._live = live
        self._state: FilterState | None = None
        self._say = say
        self._retrying = Retrying(say, UNFILTERED, "the filter works again")

    def filter(self, detected: Detected, pilot: Pilot) -> Result | None:
        """Return the filtered frame; None while there is no filter.

        Raises
        ------
        Exception
            What the filter raised, unless live.
        """
        engine = self._starting.engine
        if engine is None or self._retrying.waiting:
            return None
        try:
            effect = pilot.effect(engine)
        except LivexprError as error:
            # Why a preset cannot be shown; then the last one that could.
            self._say(str(error))
            pilot.leave()
            return None
        if self._state is None:
            self._state = engine.initial_state()
        try:
            result = engine.process(detected.timed(), detected.track, effect, self._state)
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
