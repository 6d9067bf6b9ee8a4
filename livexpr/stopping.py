"""Ends a run or another long command when it is asked to: by Ctrl-C, by the system, by the user."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_BUT_CTRL_C = ("SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNALS = ("SIGINT", *_BUT_CTRL_C)


class Stop:
    """Whether everything is to end; threads look at it at least every tenth of a second.

    A plain attribute rather than an event: a signal handler that sets an event may find its
    lock held by the very thread that it interrupted.

    Attributes
    ----------
    requested : bool
    signal_number : int or None
        The signal that asked for it.
    """

    def __init__(self) -> None:
        self.requested = False
        self.signal_number: int | None = None

    def request(self, signal_number: int | None = None) -> None:
        """Ask for the end; only the first signal counts."""
        if self.signal_number is None:
            self.signal_number = signal_number
        self.requested = True

    @property
    def exit_code(self) -> int:
        """0, or what shells expect after a signal: 130 after Ctrl-C, 143 after SIGTERM."""
        return 0 if self.signal_number is None else 128 + self.signal_number


@contextlib.contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Let signals request the end instead of interrupting whatever runs.

    A signal that is ignored, as by ``nohup``, stays ignored. Outside the main thread this does
    nothing, since Python handles signals there only.
    """
    with _handling(_SIGNALS, stop, stop.request):
        yield


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """Have the signals that would end the process at once raise a SystemExit, as Ctrl-C raises.

    So what is unfinished is removed. Only the first counts; else as :func:`stopping_on_signals`.
    """
    stop = Stop()

    def end(number: int) -> None:
        if not stop.requested:
            stop.request(number)
            raise SystemExit(stop.exit_code)

    with _handling(_BUT_CTRL_C, stop, end):
        yield


@contextlib.contextmanager
def _handling(names: tuple[str, ...], stop: Stop, act: Callable[[int], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        act(number)

    before = {}
    try:
        for name in names:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            # After a signal the program is about to end, which another must not disturb.
            signal.signal(number, handler if stop.signal_number is None else signal.SIG_IGN)
