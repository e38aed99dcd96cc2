"""What a re-rating would change is what it then changes."""

import random
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.book import PriceBook, seed_body
from ledger.paths import DataDir
from ledger.post.intake import charged_ns
from queries.connect import connect, opened
from queries.prices.rerate import CHARGED_NS, cut, difference, slices
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, log, records, request
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_cost_sources import choose
from tests.ledger.post.test_overrides import set_rules
from tests.ledger.post.test_rerating import BOOK, EVER, order
from tests.ledger.post.test_settling import knowing, settle

TOLD = {"reported_cost_usd": "0.5", "reported_source": "cost_usd"}
BY = {"reported_source": "cost_usd"}
MIXED = [
    request(call(1, 1, 9), call(1, 2, 9), agent(1, 9)),
    request(call(2, 1, request_model="our-llama"), call(2, 2, status="error", input_tokens=None, output_tokens=None,
                                                        usage_status="failed")),
    request(call(3, 1)), records(log(3, 1, **TOLD)),
    request(call(4, 1, response_id="m"), call(4, 2, response_id="m", scope_name="other")),
    request(call(5, 1, operation="tool", tool_name="search", **TOLD)),
    records(log(None, None, response_id="alone")),
    request(call(6, 1, operation="tool", tool_name="fetch")),
    request(knowing(7, 1, calls=1)), settle(10, 10),
    set_rules({"id": "llama", "model": "our-llama", "unit": "output_tokens", "price_usd": "1", "per": 1_000_000},
              {"id": "fee", "tool": "*", "unit": "tool_calls", "price_usd": "0.25", "per": 1}),
    BOOK,
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_the_difference_that_is_shown_is_the_one_that_is_booked(data: DataDir, tmp_path: Path) -> None:
    journal(data, *MIXED)
    post(data)
    with connect(data) as connection:
        shown = difference(connection, EVER, PriceBook.parse(BOOK.body))
        stretches = slices(connection, EVER, 2)
    assert [
        (row["tool"] or row["model"], row["agent_name"], row["calls"], row["difference_usd"])
        for row in shown.rows.to_pylist()
    ] == [
        ("fetch", "svc", 1, Decimal("0.25")),
        ("gpt-4o-mini", "planner", 3, 3 * CALL_USD),
        ("gpt-4o-mini", "svc", 2, 2 * CALL_USD),
        ("our-llama", "svc", 1, Decimal("0.0001")),
    ]
    then = DataDir(tmp_path / "then")
    book_seq = 2 + len(MIXED) - 1
    journal(then, *MIXED, *(order(book_seq, since, until) for since, until in stretches))
    post(then)
    assert ask(then, "SELECT count(*) FROM quarantine") == [(0,)]
    assert ask(then, f"SELECT sum(cost_usd) FROM charges WHERE event_seq > {book_seq}") == [(shown.usd,)]
    with connect(then) as connection:
        again = difference(connection, EVER, PriceBook.parse(BOOK.body))
    assert (again.changed, again.rows.num_rows) == (0, 0)


STATED = [
    request(call(1, 1, reported_cost_usd="0.5", **BY), call(2, 1, reported_cost_usd="0.0001", **BY), call(3, 1)),
    records(log(3, 1, reported_cost_usd="0.0001", **BY)),
    request(call(4, 1)), records(log(4, 1, reported_cost_usd="0.5", **BY)),
    request(call(5, 1, request_model="our-llama", reported_cost_usd="0.5", **BY)),
    request(call(6, 1, response_id="m", reported_cost_usd="0.25", **BY),
            call(7, 1, response_id="m", scope_name="com.anthropic.x", reported_cost_usd="0.0001", **BY)),
    request(call(8, 1, reported_cost_usd="0.5", reported_source="operation.cost")),
]  # fmt: skip


@pytest.mark.parametrize("policy", ["computed", "reported", "max"])
@pytest.mark.parametrize("source", ["cost_usd", "operation.cost"])
def test_the_difference_by_another_policy_is_the_one_that_is_booked(
    data: DataDir, tmp_path: Path, policy: str, source: str
) -> None:
    events = [*STATED, choose(policy, source)]
    journal(data, *events)
    post(data)
    with connect(data) as connection:
        shown = difference(connection, EVER, PriceBook.parse(seed_body()))
    then = DataDir(tmp_path / "then")
    journal(then, *events, order(1))
    post(then)
    (before, after) = (ask(each, "SELECT call_id, cost_usd FROM calls ORDER BY 1") for each in (data, then))
    moved = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert shown.changed == len(moved)
    assert shown.usd == sum((other[1] or 0) - (one[1] or 0) for one, other in moved)  # type: ignore[operator, misc]
    assert (policy, source) == ("reported", "cost_usd") or moved or (policy, source) == ("computed", "operation.cost")
    with connect(then) as connection:
        assert difference(connection, EVER, PriceBook.parse(seed_body())).changed == 0


def test_only_calls_charged_since_are_looked_at(data: DataDir) -> None:
    journal(data, request(call(1, 1), call(2, 1, end_ns=EPOCH_NS + 2 * SECOND)), BOOK)
    post(data)
    with connect(data) as connection:
        for since, calls in ((EVER, 2), (EPOCH_NS + SECOND, 2), (EPOCH_NS + SECOND + 1, 1), (EPOCH_NS * 2, 0)):
            assert difference(connection, since, PriceBook.parse(BOOK.body)).calls == calls


def test_the_moment_of_a_charge_is_the_same_in_sql_as_in_posting() -> None:
    rng, edge = random.Random(5), 10**18 - 300 * SECOND
    received = [edge - 1, edge, edge + 1, 10**18, 0, *(rng.randrange(2**62) for _ in range(200))]
    end = [10**18, 10**18, 10**18, 0, -1, *(rng.randrange(2**62) for _ in range(200))]
    moments = pa.table({"end_ns": end, "received_ns": received})
    with opened({}) as connection:
        connection.register("s", moments)
        found = connection.sql(f"SELECT {CHARGED_NS} AS ns FROM s").to_arrow_table()["ns"].to_pylist()
    assert found == charged_ns(np.array(end), np.array(received)).tolist()


@given(moments=st.lists(st.integers(0, 12), max_size=40), size=st.integers(1, 6), since=st.integers(0, 5))
def test_stretches_part_all_views_into_small_shares_and_never_those_of_one_moment(
    moments: list[int], size: int, since: int
) -> None:
    covered = sorted(each for each in moments if each >= since)
    found = cut(np.array(covered, dtype=np.int64), since, size)
    assert (found[0][0], found[-1][1]) == (since, 2**63 - 1)
    assert all(one[1] == other[0] for one, other in pairwise(found))
    shares = [[each for each in covered if low <= each < high] for low, high in found]
    assert [each for share in shares for each in share] == covered
    for share in shares:
        assert len(share) <= size or share[size - 1 :] == [share[-1]] * (len(share) - size + 1)
