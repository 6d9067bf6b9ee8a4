"""What runs beside the filter while it is live: each follows its frames, or sends it commands."""

from __future__ import annotations

from collections.abc import Callable

from livexpr import schedule
from livexpr.commands import Inbox
from livexpr.ctl_server import CtlServer
from livexpr.errors import LivexprError
from livexpr.frame_log import FrameLog
from livexpr.preset_watch import PresetWatch
from livexpr.published import Observer
from livexpr.schedule import Scheduler
from livexpr.settings import Settings
from livexpr.studio_opening import open_studio


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
        When what was expressly asked for, a schedule, the studio or a log, cannot be had.
    """
    companions: list[Observer] = []
    if settings.schedule is not None:
        companions.append(Scheduler(schedule.load(settings.schedule), inbox))
    if settings.studio:
        companions.append(open_studio(inbox, say, open_lesson=settings.open_lesson))
    if settings.log is not None:
        companions.append(FrameLog(settings.log, say, live=live))
    if live:
        companions.append(PresetWatch(inbox, say))
        companions += _reached_from_outside(settings, inbox, say)
    return companions


def _reached_from_outside(
    settings: Settings, inbox: Inbox, say: Callable[[str], None]
) -> list[Observer]:
    """Have other programs and keys of other windows reach the filter; tell what cannot be had."""
    opened: list[Observer] = []
    try:
        if settings.ctl:
            opened.append(CtlServer(inbox, say))
    except LivexprError as error:
        say(str(error))
    try:
        if settings.hotkeys:
            from livexpr.global_hotkeys import GlobalHotkeys

            opened.append(GlobalHotkeys(settings.keys, inbox))
    except LivexprError as error:
        say(str(error))
    return opened
