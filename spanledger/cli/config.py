"""`spanledger config`: the settings in force, whether a file is sound, and what is set by events (`cost-source`)."""

from pathlib import Path

import click

from spanledger.cli import cost_source, options


@click.group("config")
def command() -> None:
    """Show or check the configuration; choose which stated costs count."""


@command.command("show")
@options.data
@options.config
@options.output
def show(data: Path | None, config_file: Path | None, form: str | None, output: Path | None) -> None:
    """Every key with its value in force, where that came from, unit and reason."""
    import pyarrow as pa

    from spanledger.cli.output import chosen, emit
    from spanledger.config import load
    from spanledger.keys import KEYS

    settings = load(data=data, file=config_file)
    rows = [
        {
            "key": key.name,
            "value": str(settings.values[key.name]),
            "origin": settings.origins[key.name],
            "unit": key.unit,
            "default": str(key.default),
            "variable": key.variable,
            "reason": key.reason,
        }
        for key in KEYS
    ]
    table = pa.Table.from_pylist(rows)
    emit(table.drop_columns(["default", "variable"]) if chosen(form, output) == "table" else table, form, output)


@command.command("check")
@options.data
@options.config
def check(data: Path | None, config_file: Path | None) -> None:
    """Read the configuration, name the first fault (exit code 1), or say that it is sound."""
    from spanledger.cli.output import say
    from spanledger.config import load

    settings = load(data=data, file=config_file)
    say(f"sound: {settings.file or 'no file, environment and defaults only'}; data directory {settings.data.root}")


command.add_command(cost_source.group)
