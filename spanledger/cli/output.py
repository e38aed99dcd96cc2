"""Rows on their way out: table, json, jsonl, csv, arrow or parquet; data on stdout or in a file, talk on stderr."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import click
import pyarrow as pa

from queries.wire import dollars, harmless, jsonable
from spanledger.cli import table

ROWS_A_BATCH = 10_000
"""Rows turned into text at a time: a bound on memory for a large answer."""


def emit(rows: pa.Table, form: str | None, target: Path | None = None) -> None:
    """Write `rows` in `form` (default: table on a terminal, jsonl in a pipe)."""
    on_terminal = target is None and sys.stdout.isatty()
    form = chosen(form, target)
    if form in BINARY and on_terminal:
        raise click.UsageError(f"--format {form} is binary: give -o FILE or redirect stdout")
    with _sink(target) as sink:
        WRITE[form](rows, sink, on_terminal)


def chosen(form: str | None, target: Path | None = None) -> str:
    """The format in force: what was asked for, else a table on a terminal and jsonl in a pipe."""
    return form or ("table" if target is None and sys.stdout.isatty() else "jsonl")


def say(text: str) -> None:
    """One line to the person at the terminal, on stderr."""
    print(harmless(text), file=sys.stderr)


@contextmanager
def _sink(target: Path | None) -> Iterator[BinaryIO]:
    if target is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with target.open("wb") as file:
            yield file


def _records(rows: pa.Table) -> Iterator[dict[str, object]]:
    for batch in rows.to_batches(max_chunksize=ROWS_A_BATCH):
        for record in batch.to_pylist(maps_as_pydicts="lossy"):
            yield {name: jsonable(value) for name, value in record.items()}


def json_text(value: object, indent: int | None = None) -> str:
    """JSON text in which no character can steer a terminal."""
    return json.dumps(value, ensure_ascii=False, indent=indent).translate(_ESCAPED)


_ESCAPED = {code: f"\\u{code:04x}" for code in [*range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]}


def _json(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:  # noqa: ARG001 - one shape for the table below
    sink.write(b"[")
    for number, record in enumerate(_records(rows)):
        sink.write((",\n " if number else "\n ").encode() + json_text(record).encode())
    sink.write(b"\n]\n" if rows.num_rows else b"]\n")


def _jsonl(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:  # noqa: ARG001
    for record in _records(rows):
        sink.write(json_text(record).encode() + b"\n")


def _csv(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:
    buffer = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows.column_names)
    for record in _records(rows):
        writer.writerow([_csv_cell(value, on_terminal) for value in record.values()])
    buffer.detach()


def _csv_cell(value: object, on_terminal: bool) -> object:
    if isinstance(value, dict | list):
        value = json_text(value)
    if not isinstance(value, str):
        return value
    if on_terminal:
        value = harmless(value)
    return "'" + value if value[:1] in FORMULA and not _is_number(value) else value


FORMULA = frozenset("=+-@\t\r")
"""First characters that a spreadsheet would run as a formula; an apostrophe makes them text."""


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _arrow(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:  # noqa: ARG001
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)


def _parquet(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:  # noqa: ARG001
    import pyarrow.parquet as pq

    pq.write_table(rows, sink, compression="zstd")


def _table(rows: pa.Table, sink: BinaryIO, on_terminal: bool) -> None:  # noqa: ARG001
    if not rows.num_rows:
        say("no rows")
        return
    sink.write(table_text(rows).encode() + b"\n")


def table_text(rows: pa.Table) -> str:
    """`rows` as a text table; money with a dollar sign, the unknown as a dash."""
    names = rows.column_names
    right = [
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        for kind in rows.schema.types
    ]
    cells = [
        [_cell(name, value) for name, value in record.items()] for record in rows.to_pylist(maps_as_pydicts="lossy")
    ]
    return "\n".join(table.lines(names, cells, right))


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_usd") and isinstance(value, Decimal):
        return dollars(value)
    if isinstance(value, int):
        return f"{value:,}" if not name.endswith(("_ns", "_seq")) else str(value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    plain = jsonable(value)
    return plain if isinstance(plain, str) else json_text(plain)


BINARY = frozenset({"arrow", "parquet"})
WRITE: Mapping[str, Callable[[pa.Table, BinaryIO, bool], None]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "arrow": _arrow,
    "parquet": _parquet,
}
