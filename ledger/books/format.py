"""The published form of a price book: one Parquet file of prices and of the clauses that match models to them.

Records of three kinds in one table, in matching order: a `provider` (its clauses), a `model` (its clause), a `price` of
that model. The book's id is the SHA-256 of the file, so the same prices in other bytes are another book.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.schema import MONEY, TEXT, Column, arrow_schema

FORMAT_VERSION = "1"
MEDIA_TYPE = "application/vnd.apache.parquet"
"""Of a book, as an event's content type and in answers."""
BOOK_BYTES_MAX = 64 * 2**20
"""Largest book read: 400 times the seed, so any real one fits, and a hostile one cannot exhaust the poster."""
RECORDS_MAX = 1_000_000
"""Most records in a book, for the same reason."""

META_FORMAT, META_SOURCE, META_VERSION = b"spanledger.book", b"spanledger.source", b"spanledger.source_version"

COLUMNS: tuple[Column, ...] = (
    Column(1, "record", TEXT, "provider, model or price"),
    Column(2, "provider", TEXT, "provider id"),
    Column(3, "model", TEXT, "model id; NULL for a provider"),
    Column(4, "clause", TEXT, "JSON: what name matches; of a provider, also which model names are its own"),
    Column(5, "price_id", TEXT, "id of the price, unique in the book"),
    Column(6, "context", TEXT, "circumstance of the request that the price needs, key=value; empty for the ordinary"),
    Column(7, "valid_from_ns", pa.int64(), "first instant, ns since 1970 UTC; NULL: always before valid_to"),
    Column(8, "valid_to_ns", pa.int64(), "first instant after, ns since 1970 UTC; NULL: still valid"),
    Column(9, "tod_from_s", pa.int32(), "first second of the UTC day"),
    Column(10, "tod_to_s", pa.int32(), "first second after; 86400 is the end of the day"),
    Column(11, "unit", TEXT, "what is counted"),
    Column(12, "tier_from", pa.int64(), "where the tier begins: least input_tokens of the request, or first unit"),
    Column(13, "tier_to", pa.int64(), "where it ends, exclusive; NULL: nowhere"),
    Column(
        14, "tier_rule", TEXT, "whole: by the request's input_tokens; graduated: to each part of a quantity its own"
    ),
    Column(15, "price_usd", MONEY, "price of `per` units, USD"),
    Column(16, "per", pa.int64(), "units that the price is for"),
    Column(17, "note", TEXT, "what was changed on import, e.g. the figure before rounding; NULL: nothing"),
)

SCHEMA = arrow_schema(COLUMNS)


def encode(records: Sequence[Mapping[str, Any]], source: str, source_version: str) -> bytes:
    """The book to publish. The same records give the same bytes, as long as pyarrow is the same."""
    metadata = {META_FORMAT: FORMAT_VERSION, META_SOURCE: source, META_VERSION: source_version}
    table = pa.Table.from_pylist(list(records), schema=SCHEMA.with_metadata(metadata))
    out = BytesIO()
    pq.write_table(table, out, compression="zstd", compression_level=19, row_group_size=RECORDS_MAX, version="2.6")
    return out.getvalue()
