"""What is a price book and what is refused as one."""

from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.books import book as book_module
from ledger.books.book import PriceBook, seed_body
from ledger.books.format import META_FORMAT, SCHEMA, encode
from ledger.errors import Incompatible, Refused
from tests.ledger.books.made import make_book, offer, price_record, provider_record


def nested(levels: int) -> dict[str, Any]:
    clause: dict[str, Any] = {"equals": "m"}
    for level in range(levels - 1):
        clause = {("or", "and")[level % 2]: [clause]}
    return clause


P = provider_record("p")
M = offer("p", "m", {"equals": "m"})


def test_a_books_id_is_the_digest_of_its_bytes(seed: PriceBook) -> None:
    assert seed.book_id == sha256(seed_body()).hexdigest()
    assert (seed.source, seed.source_version) == ("genai-prices", "0.2.3")
    assert seed.rows.num_rows == 8_302


def test_the_same_records_give_the_same_bytes() -> None:
    records = [P, *M, price_record("p", "m", "output_tokens", "1")]
    assert encode(records, "test", "1") == encode(records, "test", "1")


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([P, *M], "no price record"),
        ([P, *M, *[price_record("p", "m", "output_tokens", "1")] * 2], "stands 2 times"),
        ([P, *offer("p", "m", {"like": "m"}, output_tokens="1")], "no clause|unknown word"),
        ([*M, price_record("p", "m", "output_tokens", "1")], "of provider p, which has no record"),
        ([P, {**M[0], "clause": "{"}, price_record("p", "m", "output_tokens", "1")], "no JSON"),
        ([P, {**M[0], "clause": "[" * 5_000}, price_record("p", "m", "output_tokens", "1")], "no JSON"),
        ([{**P, "clause": "{}"}, *M, price_record("p", "m", "output_tokens", "1")], "provider, model .*expected"),
        ([{**P, "clause": "7"}, *M, price_record("p", "m", "output_tokens", "1")], "provider, model .*expected"),
        ([P, *offer("p", "m", nested(33), output_tokens="1")], "nested deeper than 32"),
        ([P, *M, price_record("p", "m", "output_tokens", "-1")], "costs -1"),
        ([P, *M, price_record("p", "m", "requests", "1000001")], "costs 1000001"),
        ([P, *M, price_record("p", "m", "requests", "0", per=0)], "per 0"),
        ([P, *M, price_record("p", "m", "requests", "1", price_usd=None)], "has no price_usd"),
        ([P, *M, price_record("p", "m", "requests", "1", price_id=None)], "has no price_id"),
        ([P, *M, price_record("p", "m", "output_tokens", "1", tier_rule="part")], "tier rule 'part'"),
        ([P, *M, price_record("p", "m", "output_tokens", "1", tier_from=5)], "starts at 5"),
        ([P, *M, price_record("p", "m", "output_tokens", "1", tier_to=5)], "no price from 5"),
        (
            [
                P,
                *M,
                price_record("p", "m", "output_tokens", "1", valid_to_ns=10),
                price_record("p", "m", "output_tokens", "2", valid_from_ns=9),
            ],
            "overlap",
        ),
        (
            [
                P,
                *M,
                price_record("p", "m", "output_tokens", "1", tod_to_s=10),
                price_record("p", "m", "output_tokens", "2", tod_from_s=9),
            ],
            "overlap",
        ),
    ],
)
def test_a_book_that_could_price_wrongly_is_refused(records: Sequence[dict[str, Any]], message: str) -> None:
    with pytest.raises(Refused, match=message):
        make_book(*records)


def parquet(table: pa.Table) -> bytes:
    out = BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_bytes_that_are_no_book_are_refused() -> None:
    for body in (b"", b"PAR1", b"{}", parquet(pa.table({"a": [1]}))):
        with pytest.raises(Refused, match="price book"):
            PriceBook.parse(body)


def test_a_missing_column_is_refused() -> None:
    kept = [name for name in SCHEMA.names if name != "per"]
    table = SCHEMA.with_metadata({META_FORMAT: "1"}).empty_table().select(kept)
    with pytest.raises(Refused, match="per"):
        PriceBook.parse(parquet(table))


def test_a_newer_format_asks_for_a_newer_program() -> None:
    with pytest.raises(Incompatible, match="newer program"):
        PriceBook.parse(parquet(SCHEMA.with_metadata({META_FORMAT: "2"}).empty_table()))


def test_a_book_over_the_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encode([P, *M, price_record("p", "m", "output_tokens", "1")], "test", "1")
    monkeypatch.setattr(book_module, "RECORDS_MAX", 2)
    with pytest.raises(Refused, match="3 records, at most 2"):
        PriceBook.parse(body)
    monkeypatch.setattr(book_module, "BOOK_BYTES_MAX", len(body) - 1)
    with pytest.raises(Refused, match="bytes, at most"):
        PriceBook.parse(body)
