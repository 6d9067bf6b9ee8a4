"""The command ``livexpr``, ``python -m livexpr`` and ``run_cam.py``: ends quietly on Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the command line and run it, as :func:`livexpr.cli.main`.

    While modules load nothing is open yet, and when a command has ended nothing is open any more:
    then Ctrl-C may end the process at once, where Python would print a traceback of its own
    affairs.
    """
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler  # else somebody, such as nohup, has decided
    if ours:
        signal.signal(signal.SIGINT, _leave)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Into a file or a pipe, Windows writes a code page that has no arrows, among others.
        sys.stdout.reconfigure(errors="replace")
    from livexpr.cli import main as run

    try:
        signal.signal(signal.SIGINT, before)
        run(arguments)
    except BaseException as error:
        # Before a command has begun; those that have, end by themselves.
        if not _is_interrupt(error):
            raise
        sys.exit(128 + signal.SIGINT)
    finally:
        if ours:
            signal.signal(signal.SIGINT, _leave)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: Python wraps it when it falls into making a class."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
