"""Lists from a server: all pages of them, and rows as they were before they were JSON."""

from datetime import datetime
from json import dumps, loads

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from queries.wire import jsonable
from spanledger.cli import lists
from spanledger.cli.lists import items, typed
from tests.spanledger.answering import answering, http


def page(following: str | None, *rows: object) -> bytes:
    return http(dumps({"items": rows, "next": following}).encode())


def test_all_pages_of_a_list_are_read_in_order() -> None:
    with answering(page("1", {"n": 1}), page("2", {"n": 2}), page(None)) as url:
        assert items(url, "/api/v1/periods") == [{"n": 1}, {"n": 2}]


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGES_MAX", 2)
    with answering(page("1"), page("1")) as url, pytest.raises(LedgerError, match="over 2 pages"):
        items(url, "/api/v1/periods")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"items": 1, "next": null}', b"null"])
def test_an_answer_that_is_no_list_is_named(body: bytes) -> None:
    with answering(http(body)) as url, pytest.raises(LedgerError, match="the answer is no list"):
        items(url, "/api/v1/periods")


KINDS = pa.schema(
    [
        ("text", pa.string()),
        ("count", pa.int64()),
        ("price_usd", pa.decimal128(38, 12)),
        ("at", pa.timestamp("us")),
        ("is_chosen", pa.bool_()),
    ]
)
VALUES = {
    "text": st.text('aß\n\u2028"\0', max_size=5),
    "count": st.integers(-(2**63), 2**63 - 1),
    "price_usd": st.decimals(-(10**20), 10**20, places=12),
    "at": st.datetimes(datetime(1970, 1, 1), datetime(2262, 1, 1)),
    "is_chosen": st.booleans(),
}
ROW = st.fixed_dictionaries({name: st.none() | value for name, value in VALUES.items()})


@given(st.lists(ROW, max_size=5))
def test_rows_come_through_json_as_they_were(rows: list[dict[str, object]]) -> None:
    assert typed(loads(dumps(jsonable(rows))), KINDS).equals(pa.Table.from_pylist(rows, schema=KINDS))


def test_a_newer_servers_columns_are_left_out_and_an_older_ones_unknown() -> None:
    table = typed([{"count": 1, "weight_g": 2}], KINDS)
    assert table.to_pylist() == [{"text": None, "count": 1, "price_usd": None, "at": None, "is_chosen": None}]


@pytest.mark.parametrize(
    "row",
    [
        {"count": "one"},
        {"price_usd": "cheap"},
        {"price_usd": "1e40"},
        {"at": "noon"},
        {"at": 7},
        {"is_chosen": "yes"},
        1,
    ],
)
def test_rows_of_other_kinds_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(LedgerError, match="rows of other kinds"):
        typed([row], KINDS)
