"""What goes wrong on the command line, said in one line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from livexpr.errors import LivexprError

# The base of all usage errors, whose own name Typer does not give away.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


_LONGEST_NAME = 200
_OWN_PACKAGES = ("livexpr", "kernels")


class OneLineErrors(TyperGroup):
    """Says what is wrong in one line; only a bug shows its traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = (complete_var, False, windows_expand_args)
        if not standalone_mode:
            return super().main(args, prog_name, *given, **extra)
        try:
            code = super().main(args, prog_name or "livexpr", *given, **extra)
        except _USAGE_ERROR as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "livexpr"
            message: str = error.format_message()  # type: ignore[attr-defined]
            _say(f"{command}: {message.rstrip('.')} (see `{command} --help`)")
            sys.exit(2)
        except LivexprError as error:
            _say(f"livexpr: {error}")
            sys.exit(1)
        except typer.Abort as error:
            # A question got no answer; Typer has caught whatever was the reason.
            typer.echo()
            if isinstance(error.__context__, KeyboardInterrupt):
                sys.exit(128 + signal.SIGINT)
            _say("livexpr: there was no answer, so nothing is done")
            sys.exit(1)
        except ImportError as error:
            # Such as a library of the system that is missing; a name missing in ours is a bug.
            if (error.name or "").partition(".")[0] in _OWN_PACKAGES:
                raise
            _say(f"livexpr: {error}; `livexpr doctor` says what is missing")
            sys.exit(1)
        except BrokenPipeError:  # whoever reads what is printed has gone
            raise
        except OSError as error:
            # Such as a name that is too long, or a folder that may not be looked into.
            where = "" if error.filename is None else f" {str(error.filename)[:_LONGEST_NAME]}"
            _say(f"livexpr: the system refuses{where}: {error.strerror or error}")
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _say(line: str) -> None:
    # What comes from files and arguments must not steer the terminal.
    shown = "".join(c if c.isprintable() else " " for c in line)
    typer.echo(" ".join(shown.split()), err=True)
