"""When lines count, once months are closed."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.periods import BODY_BYTES_MAX, Closing, Periods, closing_body, read_closing
from ledger.errors import Refused


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def closed(*months: str) -> Periods:
    """Each at event 10, 20, ..."""
    periods = Periods()
    for number, month in enumerate(months, 1):
        periods.close(10 * number, Closing(month, "done", "ann"))
    return periods


def counts(periods: Periods, charged: str, recorded: str, event_seq: int) -> int | None:
    (found,) = periods.accounting_ns(*(np.array([each]) for each in (ns(charged), ns(recorded), event_seq))).to_pylist()
    return None if found is None else int(found)


def test_nothing_moves_while_no_month_is_closed() -> None:
    assert counts(Periods(), "2026-09-30", "2026-11-02", 5) is None


@pytest.mark.parametrize(
    ("charged", "event_seq", "expected"),
    [
        ("2026-09-30T23:59:59", 9, None),  # written before it was closed
        ("2026-09-30T23:59:59", 11, "2026-11-02T12:00:00"),
        ("2026-08-01", 11, "2026-11-02T12:00:00"),  # with all months before
        ("2026-10-01", 11, None),
        ("2026-10-01", 21, "2026-11-02T12:00:00"),
        ("2026-11-01", 21, None),
    ],
)
def test_what_is_booked_on_a_closed_month_counts_when_it_is_recorded(
    charged: str, event_seq: int, expected: str | None
) -> None:
    periods = closed("2026-09", "2026-10")
    assert counts(periods, charged, "2026-11-02T12:00:00", event_seq) == (None if expected is None else ns(expected))


def test_a_record_of_a_clock_that_went_back_counts_at_the_start_of_the_first_open_month() -> None:
    assert counts(closed("2026-09"), "2026-09-10", "2026-09-12", 11) == ns("2026-10-01")


def test_a_closed_month_is_not_closed_again() -> None:
    with pytest.raises(Refused, match="2026-08 is closed already, as all months up to 2026-09 are"):
        closed("2026-09", "2026-08")


def test_state_says_it_all() -> None:
    periods = closed("2026-09", "2026-10")
    assert Periods(periods.state()).state() == periods.state()
    assert counts(Periods(periods.state()), "2026-10-09", "2026-11-02", 21) == ns("2026-11-02")


def test_a_closing_is_read_as_it_was_written() -> None:
    closing = Closing("2026-12", "year's end", "ann")
    assert read_closing(closing_body(closing)) == closing
    assert closing.ends_ns == ns("2027-01-01")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON"),
        (b"[" * 60_000, "no JSON"),
        (b"[]", "an object with author, month, reason"),
        (b'{"month":"2026-13","reason":"x","author":"x"}', "'2026-13' is no month: give one such as 2026-11"),
        (b'{"month":"2026-1","reason":"x","author":"x"}', "is no month"),
        (b'{"month":"2026-11\\n","reason":"x","author":"x"}', "is no month"),
        (b'{"month":202611,"reason":"x","author":"x"}', "month '202611' is none"),
        (b'{"month":"2026-11","reason":"","author":"x"}', "reason '' is none"),
        (b" " * (BODY_BYTES_MAX + 1), "at most"),
    ],
)
def test_what_is_no_closing_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        read_closing(body)


MOMENTS = st.integers(0, ns("2199-01-01"))


@given(st.lists(st.tuples(MOMENTS, MOMENTS, st.integers(0, 40)), max_size=20))
def test_a_line_never_counts_in_a_month_that_was_closed_when_it_was_written(lines: list[tuple[int, int, int]]) -> None:
    charged, recorded, seqs = (np.array(column, np.int64) for column in zip(*lines, strict=True)) if lines else [
        np.empty(0, np.int64)
    ] * 3  # fmt: skip
    found = closed("2026-09", "2027-01", "2030-06").accounting_ns(charged, recorded, seqs).to_pylist()
    for (at, told, seq), counts_ns in zip(lines, found, strict=True):
        open_ns = [0, ns("2026-10-01"), ns("2027-02-01"), ns("2030-07-01")][sum(seq >= each for each in (10, 20, 30))]
        assert counts_ns == (None if at >= open_ns else max(told, open_ns))
