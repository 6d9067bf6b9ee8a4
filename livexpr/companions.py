"""What runs beside the filter while it is live: each follows its frames, or sends it commands."""

from __future__ import annotations

from collections.abc import Callable

from livexpr import schedule
from livexpr.commands import Inbox
from livexpr.frame_log import FrameLog
from livexpr.published import Observer
from livexpr.schedule import Scheduler
from livexpr.settings import Settings


def open_all(
    settings: Settings, inbox: Inbox, say: Callable[[str], None], *, live: bool
) -> list[Observer]:
    """Start every companion that is asked for.

    Parameters
    ----------
    settings : Settings
    inbox : Inbox
        Where their commands go.
    say : callable
        Takes a line for the user: why one could not start, which ends nothing.
    live : bool
        Whether no frame may be held up.

    Raises
    ------
    LivexprError
        When what was expressly asked for, a schedule or a log, cannot be had.
    """
    companions: list[Observer] = []
    if settings.schedule is not None:
        companions.append(Scheduler(schedule.load(settings.schedule), inbox))
    if settings.log is not None:
        companions.append(FrameLog(settings.log, say, live=live))
    return companions
