"""What runs beside the filter while it is live: each follows its frames, or sends it commands."""

from __future__ import annotations

from collections.abc import Callable

from livexpr.commands import Inbox
from livexpr.published import Observer
from livexpr.settings import Settings


def open_all(settings: Settings, inbox: Inbox, say: Callable[[str], None]) -> list[Observer]:
    """Start every companion that is asked for.

    Parameters
    ----------
    settings : Settings
    inbox : Inbox
        Where their commands go.
    say : callable
        Takes a line for the user: why one could not start, which ends nothing.
    """
    return []
