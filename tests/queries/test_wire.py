"""Values on their way out: exact, and harmless."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Refused
from queries.since import since_ns
from queries.wire import decimal_text, dollars, dollars_short, harmless, jsonable


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20))
def test_decimal_text_is_exact_and_never_in_exponent_form(value: Decimal) -> None:
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()
    assert "." not in text or not text.endswith("0")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "$0.000000"),
        ("0.0000005", "<$0.000001"),
        ("0.0000015", "$0.000002"),
        ("0.0000025", "$0.000002"),
        ("1234.5", "$1,234.500000"),
        ("-0.1", "-$0.100000"),
        ("-0.0000001", ">-$0.000001"),
    ],
)
def test_money_for_people_is_rounded_half_even_and_never_nothing(value: str, shown: str) -> None:
    assert dollars(Decimal(value)) == shown


@pytest.mark.parametrize(("value", "shown"), [("25", "$25.00"), ("0.1", "$0.10"), ("0.001348", "$0.001348")])
def test_money_that_stands_alone_drops_zeros_but_keeps_cents(value: str, shown: str) -> None:
    assert dollars_short(Decimal(value)) == shown


@given(st.text())
def test_no_text_can_steer_a_terminal(text: str) -> None:
    shown = harmless(text)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2066" for char in shown)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_json_has_integers_as_numbers_and_the_rest_as_text() -> None:
    value = {
        "n": 2**60,
        "d": Decimal("0.10"),
        "t": dt.datetime(2026, 1, 2, 3, 4, 5),
        "b": b"\x00\xff",
        "f": float("nan"),
    }
    expected = {"n": 2**60, "d": "0.1", "t": "2026-01-02T03:04:05Z", "b": "00ff", "f": None}
    assert json.loads(json.dumps(jsonable(value))) == expected


NOW_NS = 1_800_000_000 * 10**9


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("30m", NOW_NS - 1_800 * 10**9),
        ("7d", NOW_NS - 604_800 * 10**9),
        ("1970-01-02", 86_400 * 10**9),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01Z", 10**9),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, expected_ns: int) -> None:
    assert since_ns(text, NOW_NS) == expected_ns


@pytest.mark.parametrize("text", ["", "yesterday", "7x", "-1d", "9999999d"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Refused, match="7d, 24h or 30m"):
        since_ns(text, NOW_NS)
