"""The lists of ``livexpr cameras`` and ``livexpr presets``."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from livexpr import presets
from livexpr.errors import PresetError
from livexpr.preset_file import Preset


def print_cameras() -> None:
    """Print the cameras that could be read now, without opening them."""
    from livexpr.devices import list_cameras

    console = Console()
    cameras = list_cameras()
    if not cameras:
        console.print(
            "No camera found. `--source demo` needs none; `livexpr doctor` says what is missing."
        )
        return
    table = _table("number", "name", "device", "")
    for camera in cameras:
        kind = "virtual" if camera.virtual else ""
        table.add_row(str(camera.index), Text(camera.name), Text(camera.path), kind)
    console.print(table)


def print_presets() -> None:
    """Print all presets; one that cannot be read is listed with the reason."""
    table = _table("name", "what it shows", "mix", "from")
    shipped = presets.builtin_dir()
    for name in presets.available():
        origin = ""
        try:
            folder = presets.find(name).parent
            origin = "livexpr" if folder == shipped else str(folder)
            preset = presets.load(name)
        except PresetError as error:
            table.add_row(Text(name), Text(str(error), "red"), "", Text(origin))
        else:
            table.add_row(Text(name), Text(preset.description), _mix(preset), Text(origin))
    Console().print(table)


def _mix(preset: Preset) -> Text:
    amounts = [f"{name}={amount:g}" for name, amount in preset.mix.items()]
    return Text(", ".join(amounts) or "nothing")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
