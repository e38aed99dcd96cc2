"""The body of a recorded comparison."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.reconciled import ROWS_MAX, Compared, Reconciliation, body_of, read_reconciliation
from ledger.errors import Refused

ROW = Compared(
    "openai", "2026-11-20", "gpt-4o", 3, 4, 3_000, None, 300, None, Decimal("0.0105"), None, False, ("lost",)
)
SOUND = Reconciliation(7, Decimal("0.01"), {"ab" * 32: "costs.json"}, (ROW,))

counts = st.none() | st.integers(-(2**62), 2**62)
money = st.none() | st.decimals(-(10**20), 10**20, places=12)
texts = st.text(min_size=1, max_size=20)
compared = st.builds(
    Compared, texts, st.dates().map(lambda day: day.isoformat()), st.none() | texts, st.integers(0, 10**9),
    counts, counts, counts, counts, counts, money, money, st.booleans(), st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip


@given(st.lists(compared, max_size=4))
def test_a_comparison_is_read_as_it_was_written(rows: list[Compared]) -> None:
    found = Reconciliation(-1, Decimal(0), {}, tuple(rows))
    assert read_reconciliation(body_of(found)) == found


def test_money_is_text_and_names_are_sorted() -> None:
    body = body_of(SOUND)
    assert b'"ledger_cost_usd":"0.0105"' in body
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()


def test_a_difference_is_known_only_where_both_sides_are() -> None:
    assert ROW.difference_usd is None
    assert Compared(*list(vars(ROW).values())[:10], Decimal(1), False).difference_usd == Decimal("0.9895")


@pytest.mark.parametrize(
    "change",
    [
        {"provider": ""},
        {"day": "2026-13-01"},
        {"day": None},
        {"model": 3},
        {"ledger_calls": None},
        {"provider_requests": 2**63},
        {"ledger_input_tokens": 1.5},
        {"ledger_cost_usd": 0.1},
        {"ledger_cost_usd": "NaN"},
        {"provider_cost_usd": "1e99"},
        {"agrees": 1},
        {"causes": "lost"},
        {"causes": [3]},
        {"more": 1},
    ],
)
def test_a_row_that_is_none_is_refused(change: dict[str, Any]) -> None:
    said = json.loads(body_of(SOUND))
    said["rows"][0] |= change
    with pytest.raises(Refused, match="reconciliation"):
        read_reconciliation(json.dumps(said).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"as_of_seq": "7"},
        {"tolerance_usd": None},
        {"statements": {"a": 1}},
        {"rows": {}},
        {"rows": [None]},
        {"rows": [{}] * (ROWS_MAX + 1)},
        {"more": 1},
    ],
)
def test_what_is_no_comparison_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="reconciliation"):
        read_reconciliation(json.dumps(json.loads(body_of(SOUND)) | change).encode())


def test_more_than_the_bound_is_refused_before_it_is_recorded() -> None:
    with pytest.raises(Refused, match="rows"):
        body_of(Reconciliation(0, Decimal(0), {}, (ROW,) * (ROWS_MAX + 1)))
