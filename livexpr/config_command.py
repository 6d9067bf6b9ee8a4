"""``livexpr config``: the user's config, where it is and what is in force."""

from __future__ import annotations

import typer

from livexpr import config

app = typer.Typer(
    help="Your own defaults for `livexpr run`, and your own keys.",
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
def _start(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def path() -> None:
    """Say where the config is, or would be."""
    typer.echo(config.path())


@app.command()
def show() -> None:
    """Say what is in force: defaults that were set, and every key."""
    found = config.load()
    exists = config.path().exists()
    typer.echo(f"{config.path()}{'' if exists else ' (not there: all is as usual)'}")
    for name, value in found.run.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        typer.echo(f"  {name} = {str(shown).lower() if isinstance(shown, bool) else shown}")
    for line in found.keys.help_lines(preview=True):
        typer.echo(f"  {line}")


@app.command()
def edit() -> None:
    """Open the config in your editor; made from a template where there is none."""
    from livexpr.editing import edit as open_in_editor
    from livexpr.whole_file import write_whole

    file = config.path()
    if not file.exists():
        write_whole(file, config.TEMPLATE.encode())
    open_in_editor(file)
    config.load()
