"""What is missing on this machine, and the exact commands that mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from livexpr.doctor_desktop import check_macos, check_windows
from livexpr.doctor_install import check_install, refuse_foreign_kernels
from livexpr.doctor_linux import check_linux
from livexpr.machine import Finding, Machine

__all__ = ["Finding", "Machine", "findings", "refuse_foreign_kernels", "run"]

CHECKS: Mapping[str, Callable[[Machine], list[Finding]]] = {
    "Linux": check_linux,
    "Windows": check_windows,
    "Darwin": check_macos,
}
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def findings(machine: Machine | None = None) -> list[Finding]:
    """Look at everything that livexpr needs on a machine.

    Parameters
    ----------
    machine : Machine, optional
        What to look at; this computer by default.

    Returns
    -------
    list of Finding
        The Python installation first, then what is particular to the operating system.
    """
    machine = machine or Machine()
    check_system = CHECKS.get(machine.system)
    if check_system is None:
        what = f"{machine.system} is not one that livexpr was made for"
        system = [Finding("system", "warn", what, "use Linux, Windows or macOS")]
    else:
        system = check_system(machine)
    return [*check_install(machine), *system]


def run(found: Sequence[Finding] | None = None) -> int:
    """Print what was found and how to mend it.

    Parameters
    ----------
    found : sequence of Finding, optional
        What to print; :func:`findings` of this computer by default.

    Returns
    -------
    int
        Exit code: 1 if anything keeps livexpr from running, else 0.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = findings() if found is None else found
    console = Console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in found:
        table.add_row(finding.name, Text(finding.level, STYLES[finding.level]), Text(finding.what))
    console.print(table)
    for finding in found:
        if finding.level != "ok" and finding.fix:
            console.print()
            console.print(Text(f"{finding.name}:", STYLES[finding.level]))
            # Commands are printed unwrapped, so that they can be copied.
            for line in finding.fix.splitlines():
                console.print(Text(f"  {line}"), soft_wrap=True)
    return int(any(finding.level == "fail" for finding in found))
