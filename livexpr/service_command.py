"""``livexpr install-service``: has the filter start with the desktop, and puts it into the menu."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from livexpr.errors import LivexprError

EPILOG = """Examples:

livexpr install-service --enable

livexpr install-service -- --preset warm --source "HD Pro"

livexpr install-service --remove"""

_ELSEWHERE: Mapping[str, str] = {
    "Windows": "there is no systemd on Windows: have Task Scheduler start it when you log on, by "
    '`schtasks /Create /TN livexpr /SC ONLOGON /TR "livexpr run --no-preview"`',
    "Darwin": "there is no systemd on macOS: have launchd start it when you log in, by adding a "
    "command file with `livexpr run --no-preview` under System Settings > General > Login Items",
}
# Started anew where it runs: with the options of now.
_ENABLE = (("daemon-reload",), ("enable", "livexpr"), ("restart", "livexpr"))
_DISABLE = ("disable", "--now", "livexpr")


def install_service(
    context: typer.Context,
    run_options: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- OPTIONS]",
            help="After two dashes: further options of livexpr run, for both.",
            show_default=False,
        ),
    ] = None,
    enable: Annotated[
        bool, typer.Option("--enable", help="Start it now and at each login, too.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Stop it and take both files away.")
    ] = False,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print what would be written, and write nothing.")
    ] = False,
) -> None:
    """Have the filter start at login, webcam off until a call reads it; put it into the menu."""
    if enable + remove + only_print > 1:
        raise typer.BadParameter("--enable, --remove and --print exclude each other")
    if platform.system() != "Linux":
        otherwise = f"there is no systemd on {platform.system()}; start `livexpr run` at login"
        raise LivexprError(_ELSEWHERE.get(platform.system(), otherwise))
    if remove:
        _remove()
        return
    files = _files(_checked(context, run_options or []))
    if only_print:
        typer.echo("\n".join(f"# {path}\n{text}" for path, text in files.items()).rstrip())
        return
    _write(files)
    _start(now=enable)


def program() -> list[str]:
    """Return what starts ``livexpr run`` as it was installed, by absolute paths."""
    installed = Path(sys.executable).with_name("livexpr")
    if os.access(installed, os.X_OK):
        return [str(installed), "run"]
    checkout = Path(__file__).resolve().parents[1] / "run_cam.py"
    if checkout.is_file():
        return [sys.executable, str(checkout)]
    return [sys.executable, "-m", "livexpr", "run"]


def _checked(context: typer.Context, run_options: list[str]) -> list[str]:
    """Return options of ``livexpr run``; raises as that does where they are none."""
    if not all(word.isprintable() for word in run_options):
        raise typer.BadParameter("an option has characters that cannot be printed")
    root = context.find_root()
    run = getattr(root.command, "commands", {}).get("run")
    if run is not None:
        with run.make_context("run", list(run_options), parent=root):
            pass
    return run_options


def _files(run_options: Sequence[str]) -> dict[Path, str]:
    """Return what is to be written, and where."""
    from livexpr import service

    silent = ["--on-demand", "--no-preview"]
    if not any(word.partition("=")[0] == "--output" for word in run_options):
        # A service has no use for a window, nor for a film in place of the virtual camera.
        silent = ["--output", "camera", *silent]
    folder = Path.cwd() if run_options else None
    unit, entry = _places()
    return {
        unit: service.unit([*program(), *silent, *run_options], folder),
        entry: service.entry([*program(), "--preview", *run_options], folder),
    }


def _places() -> tuple[Path, Path]:
    import platformdirs

    from livexpr import service

    return (
        platformdirs.user_config_path() / "systemd" / "user" / service.UNIT_NAME,
        platformdirs.user_data_path() / "applications" / service.ENTRY_NAME,
    )


def _write(files: Mapping[Path, str]) -> None:
    from livexpr.whole_file import write_whole

    for path in files:
        _refuse_foreign(path)
    for path, text in files.items():
        try:
            write_whole(path, text.encode("utf-8"))
        except OSError as error:
            raise LivexprError(f"cannot write {path}: {error.strerror or error}") from None
        typer.echo(f"written: {path}")


def _refuse_foreign(path: Path) -> None:
    """Refuse to touch a file of that name that is somebody else's."""
    from livexpr import service

    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise LivexprError(f"cannot read {path}: {error.strerror or error}") from None
    if not text.startswith(service.MARK):
        raise LivexprError(
            f"{path} is not livexpr's, so it stays as it is: rename it, then try again"
        )


def _start(*, now: bool) -> None:
    if not now:
        commands = " && ".join(f"systemctl --user {' '.join(words)}" for words in _ENABLE)
        typer.echo(f"to start it now and at each login: {commands}")
        return
    for words in _ENABLE:
        if (code := _systemctl(*words)) != 0:
            why = "there is no systemctl" if code == -1 else f"it failed with exit code {code}"
            raise LivexprError(f"`systemctl --user {' '.join(words)}`: {why}; the files are there")
    typer.echo("it runs; `systemctl --user status livexpr` tells how, `stop` ends it")


def _remove() -> None:
    paths = [path for path in _places() if path.is_file() or path.is_symlink()]
    for path in paths:
        _refuse_foreign(path)
    if not paths:
        typer.echo("there is nothing to remove")
        return
    unit = _places()[0]
    if unit in paths:
        _systemctl(*_DISABLE)
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise LivexprError(f"cannot remove {path}: {error.strerror or error}") from None
        typer.echo(f"removed: {path}")
    if unit in paths:
        _systemctl("daemon-reload")


def _systemctl(*words: str) -> int:
    """Run systemd's own command for this user; return its exit code, -1 where there is none."""
    from livexpr.doctor_fix import run_program

    return run_program(["systemctl", "--user", *words], None)
