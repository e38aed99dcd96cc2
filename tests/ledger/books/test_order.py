"""Orders to re-rate: whatever an event says is read as it was meant, or refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.order import Order, order_body, read_order
from ledger.errors import Refused

SOUND = Order("r1", 1, -5, 7, "a wrong list", "jane")
names = st.text(min_size=1, max_size=500).filter(lambda text: text.isprintable())
moments = st.integers(-(2**63), 2**63 - 2)


@given(rerate_id=names, book_seq=st.integers(0, 2**62), since=moments, length=st.integers(1, 10**18), reason=names)
def test_what_is_written_is_read(rerate_id: str, book_seq: int, since: int, length: int, reason: str) -> None:
    order = Order(rerate_id, book_seq, since, min(since + length, 2**63 - 1), reason, "jane")
    assert read_order(order_body(order)) == order


def test_a_body_has_one_spelling() -> None:
    assert order_body(SOUND) == (
        b'{"author":"jane","book_seq":1,"reason":"a wrong list","rerate_id":"r1","since_ns":-5,"until_ns":7}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"since_ns": 7},
        {"since_ns": 8},
        {"until_ns": 2**63},
        {"since_ns": -(2**63) - 1},
        {"until_ns": 7.0},
        {"book_seq": True},
        {"book_seq": "1"},
        {"reason": ""},
        {"author": "x" * 501},
        {"rerate_id": None},
        {"more": 1},
    ],
)
def test_what_is_no_order_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="re-rating"):
        read_order(json.dumps(vars(SOUND) | change).encode())


@given(body=st.binary(max_size=50) | st.dictionaries(
    st.sampled_from(sorted(vars(SOUND))), st.none() | st.integers() | st.text(max_size=5) | st.floats(), max_size=6
).map(lambda said: json.dumps(said).encode()))  # fmt: skip
def test_whatever_the_body_it_is_read_or_refused(body: bytes) -> None:
    try:
        order = read_order(body)
    except Refused:
        return
    assert order.since_ns < order.until_ns
