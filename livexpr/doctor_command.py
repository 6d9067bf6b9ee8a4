"""``livexpr doctor``: says what is missing, and mends it where it may."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from livexpr.machine import Finding

EPILOG = """Examples:

livexpr doctor

livexpr doctor --fix"""


def doctor(
    compile_now: Annotated[
        bool,
        typer.Option("--compile", help="First compile the kernels, or the first start does."),
    ] = False,
    fix_it: Annotated[
        bool,
        typer.Option("--fix", help="Offer to do what mends it, and ask before each step."),
    ] = False,
    assume_yes: Annotated[
        bool, typer.Option("--yes", help="With --fix: do all of it without asking, for scripts.")
    ] = False,
) -> None:
    """Say what is missing on this machine, and the command that mends it."""
    if assume_yes and not fix_it:
        raise typer.BadParameter("goes with --fix", param_hint="--yes")
    from livexpr import doctor as doctor_module

    if compile_now:
        _compile()
    found = doctor_module.findings()
    if fix_it and _fix(found, assume_yes=assume_yes):
        importlib.invalidate_caches()
        typer.echo("\nWhat is so now:\n")
        found = doctor_module.findings()
    raise typer.Exit(doctor_module.run(found))


def _fix(found: list[Finding], *, assume_yes: bool) -> bool:
    """Mend what can be mended; True when anything was done."""
    from livexpr import doctor_fix

    if not assume_yes and not doctor_fix.has_terminal():
        typer.echo("Nothing is done: there is no terminal to ask in; --yes does it all.\n")
        return False
    ask = None if assume_yes else doctor_fix.ask_in_terminal
    return doctor_fix.fix(found, doctor_fix.Hands(ask, typer.echo))


def _compile() -> None:
    from livexpr.doctor_install import refuse_foreign_kernels

    refuse_foreign_kernels()
    from livexpr import edges, engine

    engine.compile_kernels(edges.say)
