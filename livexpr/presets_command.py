"""``livexpr presets``: the presets there are, and the user's own made, changed and passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livexpr import presets
from livexpr.errors import LivexprError, PresetError
from livexpr.options import ExpressionOption
from livexpr.ordinary_files import expanded
from livexpr.preset_file import MAX_BYTES, check_name, namesake
from livexpr.toml_file import read_text

app = typer.Typer(
    help="List the presets, and make, edit, export and import your own.",
    invoke_without_command=True,
    rich_markup_mode="rich",
    epilog="Examples:\n\nlivexpr presets new mine --like warm\n\nlivexpr presets export mine",
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A preset's name.")]
_OwnName = Annotated[str, typer.Argument(metavar="NAME", help="The name of one of your own.")]


@app.callback()
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_presets()


@app.command("list")
def list_presets() -> None:
    """List the presets and expressions, shipped and your own."""
    from livexpr.tables import print_presets

    print_presets()


@app.command()
def show(name: _Name) -> None:
    """Print a preset's file."""
    path = presets.find(name)
    typer.echo(f"# {path}", err=True)
    for line in read_text(path, MAX_BYTES, "preset", PresetError).splitlines():
        typer.echo("".join(c if c.isprintable() else " " for c in line))


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="For the new one.")],
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="NAME or FILE.toml", help="A preset to begin with."),
    ] = None,
    expression: ExpressionOption = None,
    edit_it: Annotated[bool, typer.Option("--edit", help="Open it in your editor.")] = False,
) -> None:
    """Make a preset of your own, with a comment on each thing to set."""
    from livexpr.preset_template import commented_text
    from livexpr.whole_file import write_whole

    _check_free(name)
    if like is not None and expression:
        raise typer.BadParameter("give either --like or --expression", param_hint="--like")
    if like is not None:
        base = presets.load(like)
    else:
        base = presets.from_expressions(expression or ["happy"])
    path = _own_path(name)
    presets.save(base, path)  # refuses what cannot be read again, and puts the schema there
    try:
        write_whole(path, commented_text(base, presets.known_maps()).encode("utf-8"))
    except OSError as error:
        raise PresetError(f"cannot write {path}: {error.strerror or error}") from None
    typer.echo(path)
    if edit_it:
        edit(name)


@app.command()
def edit(name: _OwnName) -> None:
    """Open one of your own in your editor; a running filter that shows it follows each save."""
    from livexpr.editing import edit as open_in_editor

    open_in_editor(_own(name))
    presets.load(name)


@app.command("export")
def export_preset(
    name: _Name,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="NAME.toml by default, or NAME.zip if it needs maps of your own."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Put a preset into one file for others, with the maps of yours that it needs."""
    from livexpr import preset_bundle
    from livexpr.whole_file import write_whole

    bundle = preset_bundle.packed(name)
    suffix = ".zip" if bundle.maps else presets.SUFFIX
    path = Path(f"{Path(name).stem}{suffix}") if target is None else expanded(target)
    if path.suffix.lower() != suffix:
        needs = f"maps of your own, {', '.join(bundle.maps)}" if bundle.maps else "no map of yours"
        raise typer.BadParameter(
            f"{name} needs {needs}: expected a name that ends in {suffix}", param_hint="FILE"
        )
    if path.exists() and not force:
        raise typer.BadParameter(f"{path} is there already: give --force", param_hint="FILE")
    try:
        write_whole(path, preset_bundle.bundle_bytes(bundle))
    except OSError as error:
        raise PresetError(f"cannot write {path}: {error.strerror or error}") from None
    typer.echo(path)


@app.command("import")
def import_preset(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `livexpr presets export` has written.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Call it so; else as the file.")
    ] = None,
) -> None:
    """Make a preset that somebody sent one of your own, once all in it is checked."""
    from livexpr import preset_bundle

    path = expanded(source)
    bundle = preset_bundle.read_bundle(path)
    typer.echo(preset_bundle.keep(bundle, name or path.stem, str(path)))


@app.command()
def delete(
    name: _OwnName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete one of your own; its maps stay."""
    path = _own(name)
    if not yes and not typer.confirm(f"Delete {path}?"):
        raise typer.Exit(1)
    try:
        path.unlink()
    except OSError as error:
        raise PresetError(f"cannot delete {path}: {error.strerror or error}") from None
    typer.echo(f"{path} is deleted")


def _own(name: str) -> Path:
    path = _own_path(name)
    if path.is_file():
        return path
    presets.find(name)  # says what names there are
    raise LivexprError(
        f"{name} is not one of your own: `livexpr presets new NAME --like {name}` makes one of it"
    )


def _own_path(name: str) -> Path:
    return presets.user_dir() / f"{check_name(name)}{presets.SUFFIX}"


def _check_free(name: str) -> None:
    check_name(name)
    if taken := namesake(name, presets.available()):
        raise PresetError(f"there is a preset {taken!r} already: choose another name")
