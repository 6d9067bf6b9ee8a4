"""A placeholder on the virtual camera while there is no source."""

from __future__ import annotations

import time

from livexpr.letterbox import placeholder
from livexpr.publisher import Publisher
from livexpr.supply import Supply

_LAST_S = 8.0
"""For so long the last picture stays when the camera is away, then a placeholder."""


class StandingIn:
    """Shows a placeholder on cameras when the source has been away for long.

    Parameters
    ----------
    publisher : Publisher
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._notice = ""

    def look(self, supply: Supply) -> None:
        """Look whether it is time; while no frame comes."""
        since_s = supply.absent_since_s
        if since_s is None or (supply.lost and time.perf_counter() - since_s < _LAST_S):
            return
        # Whoever sees the other one has just begun to watch.
        notice = supply.notice if supply.lost else "starting"
        if self._notice != notice:
            self._notice = notice
            self._publisher.stand_in(placeholder(self._publisher.size, notice))

    def end(self) -> None:
        """Take note that a frame has come."""
        self._notice = ""
