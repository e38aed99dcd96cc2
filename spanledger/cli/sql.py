"""`spanledger sql QUERY`: a question in SQL over the documented views, in this process, with the rights of its user."""

import sys
from pathlib import Path

import click

from ledger.errors import Refused
from spanledger.cli import options
from spanledger.cli.output import emit
from spanledger.cli.source import connect


@click.command("sql")
@click.argument("query")
@options.data
@options.output
def command(query: str, data: Path | None, form: str | None, output: Path | None) -> None:
    """Ask QUERY of the views (spans, calls, charges, runs, cost_by_agent, ...); `-` reads it from stdin."""
    import duckdb
    import pyarrow as pa

    text = sys.stdin.read() if query == "-" else query
    with connect(data) as connection:
        try:
            answer = connection.sql(text)
            rows = answer.to_arrow_table() if answer is not None else pa.table({})
        except duckdb.Error as error:
            raise Refused(f"query: {error}") from error
    emit(rows, form, output)
