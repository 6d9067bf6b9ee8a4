"""What a Linux desktop needs to start the filter: the text of a systemd unit and a menu entry.

Pure text; :mod:`livexpr.service_command` writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from livexpr.errors import LivexprError

MARK = "# Written by `livexpr install-service`, which replaces and removes it."
"""First line of both files: what does not begin so is somebody else's."""

UNIT_NAME = "livexpr.service"
ENTRY_NAME = "livexpr.desktop"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@")
"""Of these a word may be made without quotes, in a unit and in an entry."""

# What the livexpr of a service never needs. Whatever needs a mount or user namespace is left out:
# some distributions refuse those to users, and the unit would not start. Numba makes machine code,
# so memory that is written and run stays allowed.
_HARDENING = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "LimitCORE=0",
    "UMask=0077",
)
_LOCAL_SOCKETS = "AF_UNIX AF_NETLINK"
_STUDIO_SOCKETS = f"{_LOCAL_SOCKETS} AF_INET"


def unit(command: Sequence[str], folder: Path | None = None) -> str:
    """Return a user's unit that runs a command.

    Parameters
    ----------
    command : sequence of str
        The program's absolute path and its arguments.
    folder : Path, optional
        Where it runs; the home folder by default.

    Raises
    ------
    LivexprError
        When systemd could not start a program of that path.
    """
    sockets = _STUDIO_SOCKETS if "--studio" in command else _LOCAL_SOCKETS
    where = () if folder is None else (f"WorkingDirectory=-{_systemd_path(folder)}",)
    return "\n".join(
        (
            MARK,
            "[Unit]",
            "Description=livexpr, the webcam filter, into the virtual camera",
            "StartLimitIntervalSec=300",
            "StartLimitBurst=10",
            "",
            "[Service]",
            "Type=simple",
            f"ExecStart={systemd_line(command)}",
            *where,
            # Of a wrong option the next start knows no more; what is asked to end ends with 143.
            "Restart=on-failure",
            "RestartSec=5",
            "RestartPreventExitStatus=2",
            "SuccessExitStatus=130 143",
            *_HARDENING,
            "# The studio needs AF_INET besides.",
            f"RestrictAddressFamilies={sockets}",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        )
    )


def entry(command: Sequence[str], folder: Path | None = None) -> str:
    """Return a desktop entry that runs a command, for the menu.

    Parameters
    ----------
    command : sequence of str
        The program's absolute path and its arguments.
    folder : Path, optional
        Where it runs; the home folder by default.

    Raises
    ------
    LivexprError
        When desktops could not start a program of that path.
    """
    where = () if folder is None else (f"Path={_desktop_value(str(folder))}",)
    return "\n".join(
        (
            MARK,
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.0",
            "Name=livexpr",
            "GenericName=Webcam filter",
            "Comment=Change the expression on your own face, live",
            f"Exec={desktop_line(command)}",
            *where,
            "Icon=camera-web",
            "Terminal=false",
            "Categories=AudioVideo;Video;",
            "Keywords=camera;webcam;virtual camera;face;expression;",
            "",
        )
    )


def systemd_line(command: Sequence[str]) -> str:
    """Return a command as ``ExecStart=`` reads it (systemd.service(5), systemd.syntax(7)).

    Raises
    ------
    LivexprError
        When systemd could not start a program of that path.

    Examples
    --------
    >>> systemd_line(["/srv/my apps/livexpr", "--preset", "100%", "$HOME"])
    '"/srv/my apps/livexpr" --preset "100%%" "$$HOME"'
    """
    program, *arguments = command
    # systemd refuses these in a program's path, and looks for no variables in it.
    if not program.startswith("/") or not program.isprintable() or set(program) & set("'\"\\"):
        raise LivexprError(
            f"systemd starts no program of this path: {program!r}; install livexpr in a folder "
            "whose path has no quotes, backslashes or control characters"
        )
    words = [_systemd_word(program)]
    words += [_systemd_word(word).replace("$", "$$") for word in arguments]
    return " ".join(words)


def _systemd_path(path: Path) -> str:
    """Return a folder as ``WorkingDirectory=`` reads it, which knows no quotes."""
    text = str(path)
    if not text.isprintable() or text != text.strip():
        raise LivexprError(f"systemd works in no folder of this path: {text!r}; choose another")
    return text.replace("%", "%%")


def _systemd_word(word: str) -> str:
    if word and set(word) <= _PLAIN:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + "".join(c if ord(c) > 31 else f"\\x{ord(c):02x}" for c in escaped) + '"'


def desktop_line(command: Sequence[str]) -> str:
    """Return a command as ``Exec=`` reads it (Desktop Entry Specification 1.5, "The Exec key").

    Raises
    ------
    LivexprError
        When desktops could not start a program of that path.

    Examples
    --------
    >>> print(desktop_line(["/srv/my apps/livexpr", "--preset", "100%", "$HOME"]))
    "/srv/my apps/livexpr" --preset "100%%" "\\\\$HOME"
    """
    if "=" in command[0]:
        raise LivexprError(
            f"desktops start no program of this path: {command[0]!r}; install livexpr in a "
            "folder whose path has no '='"
        )
    return " ".join(_desktop_word(word) for word in command)


def _desktop_word(word: str) -> str:
    if word and set(word) <= _PLAIN:
        return word
    quoted = "".join(f"\\{c}" if c in '"`$\\' else c for c in word).replace("%", "%%")
    # The quotes are of the command; every value of an entry has escapes of its own.
    return f'"{_desktop_value(quoted)}"'


def _desktop_value(text: str) -> str:
    escapes = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(escapes.get(c, c) for c in text)
