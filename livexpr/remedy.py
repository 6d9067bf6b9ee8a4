"""What mends a finding, step by step: for people as text to copy, for `doctor --fix` as what it is.

The text of a step is made from what would be done, so that the two cannot differ.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Do:
    """A program to run.

    Attributes
    ----------
    argv : tuple of str
        The program and its arguments, for no shell. ``pip`` and ``livexpr`` are those of the
        Python in use.
    root : bool
        Whether only the administrator may.
    unattended : tuple of str
        Further arguments that keep it from asking questions of its own.
    note : str
        What to know before or to do afterwards; '' for nothing.
    """

    argv: tuple[str, ...]
    root: bool = False
    unattended: tuple[str, ...] = ()
    note: str = ""

    @property
    def text(self) -> str:
        """What to type into a shell.

        >>> Do(("modprobe", "v4l2loopback", "card_label=my camera"), root=True).text
        "sudo modprobe v4l2loopback 'card_label=my camera'"
        """
        command = f"{'sudo ' if self.root else ''}{shlex.join(self.argv)}"
        return f"{command}    # {self.note}" if self.note else command

    def on(self, kernel: str) -> Do:
        """Return it for a running kernel, whose release stands for ``{kernel}``."""
        return replace(self, argv=tuple(word.replace("{kernel}", kernel) for word in self.argv))


@dataclass(frozen=True, slots=True)
class Write:
    """A line to write into a file of the system, which only the administrator may.

    Attributes
    ----------
    path : str
        Replaced if it is there.
    line : str
        All that it is to hold.
    """

    path: str
    line: str

    @property
    def text(self) -> str:
        """What to type into a shell.

        >>> Write("/etc/modules-load.d/a.conf", "a b").text
        "echo 'a b' | sudo tee /etc/modules-load.d/a.conf"
        """
        return f"echo {shlex.quote(self.line)} | sudo tee {shlex.quote(self.path)}"


@dataclass(frozen=True, slots=True)
class Tell:
    """What only a person can do, or should.

    Attributes
    ----------
    text : str
    """

    text: str


Step: TypeAlias = Do | Write | Tell
