"""Options that several commands share, each written once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

FORMATS = ("table", "json", "jsonl", "csv", "arrow", "parquet")
LIMIT_MAX = 10_000
"""Most rows a listing gives at once: more is a question for `sql`."""


def data(command: F) -> F:
    """`--data DIR`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Data directory [default: $SPANLEDGER_DATA, else $XDG_DATA_HOME/spanledger].",
    )(command)


def config(command: F) -> F:
    """`--config FILE`."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration file [default: $SPANLEDGER_CONFIG, else DATA/spanledger.yaml].",
    )(command)


def source(command: F) -> F:
    """`--data DIR` or `--url URL`."""
    address = click.option("--url", help="Ask a running server instead of reading files, e.g. http://127.0.0.1:8317.")
    return data(address(command))


def output(command: F) -> F:
    """`--format` and `-o`."""
    formats = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help="How to write the rows [default: table on a terminal, jsonl in a pipe].",
    )
    return formats(target(command))


def target(command: F) -> F:
    """`-o FILE`."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout."
    )(command)


def limit(default: int) -> Callable[[F], F]:
    """`--limit N`."""
    return click.option(
        "--limit", type=click.IntRange(1, LIMIT_MAX), default=default, show_default=True, help="At most this many rows."
    )


def since(command: F) -> F:
    """`--since WHEN`."""
    return click.option("--since", help="Only from then on: 7d, 24h, 30m, a date, or an RFC 3339 time.")(command)


def stretch(command: F) -> F:
    """`--from WHEN`, `--to WHEN` and `--as-of EVENT`."""
    start = click.option(
        "--from", "start", help="Charges that count from then on: 7d, 24h, a date, or an RFC 3339 time [default: all]."
    )
    end = click.option("--to", "end", help="Charges that count before then [default: all].")
    known = click.option(
        "--as-of",
        type=click.IntRange(min=0),
        metavar="EVENT",
        help="As known at this event: an export made then can be made again [default: the last].",
    )
    return start(end(known(command)))
