"""``livexpr doctor --fix``: carries out what mends the findings, each step only with consent."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from livexpr.machine import Finding
from livexpr.remedy import Do, Step, Tell, Write

_OWN_MODULES = ("pip", "livexpr")
"""Programs that are to be those of the Python in use."""


def run_program(argv: Sequence[str], fed: str | None) -> int:
    """Run a program in this terminal; return its exit code, or -1 if it cannot be started.

    Parameters
    ----------
    argv : sequence of str
    fed : str or None
        What it reads from its standard input, its output then being of no interest; None leaves
        it this terminal.
    """
    try:
        if fed is None:
            return subprocess.run(argv, check=False).returncode
        quiet = subprocess.DEVNULL
        return subprocess.run(argv, check=False, input=fed, text=True, stdout=quiet).returncode
    except OSError:
        return -1


def ask_in_terminal(question: str) -> bool:
    """Ask for yes or no in the terminal; anything but yes is no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def has_terminal() -> bool:
    """Whether there is somebody who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Hands:
    """What mending needs of the outside, so that each part can be made up.

    Attributes
    ----------
    ask : callable or None
        Takes a question, returns whether it was answered with yes; None assumes yes.
    say : callable
        Takes a line for the user.
    run : callable
        As :func:`run_program`.
    find : callable
        As ``shutil.which``.
    is_root : bool
    root : Path
        The top of the file system.
    """

    ask: Callable[[str], bool] | None
    say: Callable[[str], None]
    run: Callable[[Sequence[str], str | None], int] = run_program
    find: Callable[[str], str | None] = shutil.which
    is_root: bool = field(default_factory=_is_root)
    root: Path = Path("/")


def fix(found: Sequence[Finding], hands: Hands) -> bool:
    """Carry out what mends the findings; say what only a person can do.

    Each step rests on the one before: after one that was refused or has failed, the rest of a
    finding's are left.

    Returns
    -------
    bool
        Whether anything was done.
    """
    done = False
    for finding in found:
        if finding.level == "ok" or not finding.steps:
            continue
        hands.say("")
        hands.say(f"{finding.name}: {finding.what}")
        for step in finding.steps:
            if not _carry_out(step, hands):
                break
            done |= not isinstance(step, Tell)
    return done


def _carry_out(step: Step, hands: Hands) -> bool:
    """Do one step; False if the next ones had better be left."""
    if isinstance(step, Tell):
        hands.say(f"  by yourself: {step.text}")
        return True
    try:
        argv = _argv(step, hands)
    except LookupError as error:
        hands.say(f"  not done, {error}: {step.text}")
        return False
    fed = f"{step.line}\n" if isinstance(step, Write) else None
    if isinstance(step, Write) and not _may_write(step, hands):
        return True
    hands.say(f"  {shlex.join(argv)}")
    if isinstance(step, Do) and step.note:
        hands.say(f"  # {step.note}")
    if hands.ask is not None and not hands.ask("  do this?"):
        hands.say("  left as it is")
        return False
    code = hands.run(argv, fed)
    if code != 0:
        how = "cannot be started" if code == -1 else f"failed with exit code {code}"
        hands.say(f"  {argv[0]} {how}; nothing further was done here")
    return code == 0


def _may_write(step: Write, hands: Hands) -> bool:
    """Show what is to be written.

    False if it is there, if nobody knows what is, or if another file is and nobody is asked.
    """
    path = hands.root / step.path.lstrip("/")
    try:
        before = path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        before = ""
    except OSError as error:
        why = error.strerror or error
        hands.say(f"  left, since it cannot be read ({why}): {step.path}; put there: {step.line}")
        return False
    if before == step.line:
        hands.say(f"  {step.path} is as it should be")
        return False
    if before and hands.ask is None:
        hands.say(f"  left, since it is not livexpr's: {step.path}; put there: {step.line}")
        return False
    hands.say(f"  write into {step.path}:")
    hands.say(f"    {step.line}")
    for line in before.splitlines():
        hands.say(f"    in place of: {line}")
    return True


def _argv(step: Do | Write, hands: Hands) -> list[str]:
    """Return the exact command.

    Raises
    ------
    LookupError
        When only the administrator may run it, and there is no way to become that.
    """
    if isinstance(step, Write):
        # As `tee`, but it makes the folder where there is none.
        return [*_as_root(hands), "install", "-D", "-m", "644", "/dev/stdin", step.path]
    argv = [*step.argv, *(step.unattended if hands.ask is None else ())]
    if argv[0] in _OWN_MODULES:
        argv = [sys.executable, "-m", *argv]
    return [*_as_root(hands), *argv] if step.root else argv


def _as_root(hands: Hands) -> list[str]:
    if hands.is_root:
        return []
    for program in ("sudo", "pkexec"):
        if hands.find(program) is not None:
            return [program]
    raise LookupError("there is neither sudo nor pkexec here")
