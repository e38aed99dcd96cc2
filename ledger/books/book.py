"""A price book as published: read once, checked whole, never changed. Its id is the SHA-256 of its bytes.

What a call costs depends on nothing but the call and this file: not on an installed price list, a clock or a setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from json import JSONDecodeError, loads
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.books.format import (
    BOOK_BYTES_MAX,
    FORMAT_VERSION,
    META_FORMAT,
    META_SOURCE,
    META_VERSION,
    RECORDS_MAX,
    SCHEMA,
)
from ledger.books.match import Matcher, Provider
from ledger.books.rates import Rates, rates_of
from ledger.errors import Incompatible, Refused

PARSED_MAX = 4
"""Books held parsed, about 10 MiB each; others are parsed again when an old trace is brought back."""


def seed_body() -> bytes:
    """The book that a new journal starts with: compiled from genai-prices, shipped with the program."""
    return files("ledger.books").joinpath("seed.parquet").read_bytes()


@dataclass(frozen=True)
class PriceBook:
    """Prices, and the clauses that match models to them."""

    book_id: str
    source: str
    source_version: str
    rows: pa.Table = field(repr=False)
    """The `price` records (format.COLUMNS)."""
    clauses: Mapping[tuple[str, str], str] = field(repr=False)
    """(provider, model) -> the clause of the model, JSON."""
    rates: Rates = field(repr=False)
    matcher: Matcher = field(repr=False)

    @classmethod
    @lru_cache(maxsize=PARSED_MAX)
    def parse(cls, body: bytes) -> "PriceBook":
        """Reads a published book. Raises Refused for what is none, Incompatible for a newer format.

        It takes a quarter of a second, and the same bytes give the same book, so the last ones are kept.
        """
        table = _read(body)
        metadata = table.schema.metadata
        records = {kind: table.filter(pc.equal(table["record"], kind)) for kind in ("provider", "model", "price")}
        rows = records["price"].combine_chunks()
        if not len(rows):
            raise Refused("price book: it has no price record: publish at least one")
        _refuse_gaps(rows)
        _refuse_repeats(rows["price_id"])
        rates, models = rates_of(rows), records["model"].to_pylist()
        providers = _providers(records["provider"].to_pylist(), models)
        return cls(
            book_id=sha256(body).hexdigest(),
            source=metadata.get(META_SOURCE, b"").decode(),
            source_version=metadata.get(META_VERSION, b"").decode(),
            rows=rows,
            clauses={(model["provider"], model["model"]): model["clause"] for model in models},
            rates=rates,
            matcher=Matcher(providers, rates.alike),
        )

    def column(self, name: str) -> pa.Array:
        """A column of `rows`, by position of the price."""
        return self.rows[name].combine_chunks()


def _read(body: bytes) -> pa.Table:
    if len(body) > BOOK_BYTES_MAX:
        raise Refused(f"price book: {len(body)} bytes, at most {BOOK_BYTES_MAX} are read")
    try:
        file = pq.ParquetFile(BytesIO(body))
        found = (file.schema_arrow.metadata or {}).get(META_FORMAT, b"").decode()
        if found != FORMAT_VERSION:
            raise _unknown_format(found)
        if file.metadata.num_rows > RECORDS_MAX:
            raise Refused(f"price book: {file.metadata.num_rows} records, at most {RECORDS_MAX} are read")
        return file.read(columns=SCHEMA.names).cast(SCHEMA.with_metadata(file.schema_arrow.metadata))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Refused(f"price book: not a Parquet file with columns {', '.join(SCHEMA.names)}: {error}") from error


def _unknown_format(found: str) -> Exception:
    if found.isdigit():
        return Incompatible(f"price book: format {found}, this program reads {FORMAT_VERSION}: use a newer program")
    return Refused(f"price book: the Parquet file has no {META_FORMAT.decode()} metadata: compile one")


_OPTIONAL = ("clause", "valid_from_ns", "valid_to_ns", "tier_to", "note")


def _refuse_gaps(rows: pa.Table) -> None:
    """A missing price must not be read as 0, nor a missing limit as none."""
    for name in rows.column_names:
        if name not in _OPTIONAL and rows[name].null_count:
            which = rows["price_id"][pc.index(rows[name].is_null(), True).as_py()]
            raise Refused(f"price book: price {which.as_py()!r} has no {name}: give one")


def _refuse_repeats(price_ids: pa.ChunkedArray) -> None:
    counts = price_ids.value_counts().to_pylist()
    twice = next((each for each in counts if each["counts"] > 1 or not each["values"]), None)
    if twice:
        raise Refused(f"price book: price id {twice['values']!r} stands {twice['counts']} times: give each its own")


def _providers(providers: Sequence[Mapping[str, Any]], models: Sequence[Mapping[str, Any]]) -> dict[str, Provider]:
    clauses: dict[str, list[tuple[str, Any]]] = {row["provider"]: [] for row in providers}
    for row in models:
        if row["provider"] not in clauses:
            raise Refused(f"price book: model {row['model']} is of provider {row['provider']}, which has no record")
        clauses[row["provider"]].append((row["model"], _clause(row)))
    return {row["provider"]: Provider.of(row["provider"], _clause(row), clauses[row["provider"]]) for row in providers}


def _clause(row: Mapping[str, Any]) -> Any:
    try:
        return loads(row["clause"])
    except (JSONDecodeError, TypeError, RecursionError) as error:
        name = f"{row['provider']}/{row['model'] or ''}"
        raise Refused(f"price book: the clause of {name} is no JSON: {str(row['clause'])[:100]!r}") from error
