"""Money arithmetic against Python's decimal module, at every size."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import money
from ledger.errors import Refused
from ledger.schema import MONEY

AMOUNTS = st.decimals(min_value=Decimal(-(10**25)), max_value=Decimal(10**25), places=12)
COUNTS = st.one_of(st.integers(0, 10**7), st.integers(0, 10**14))
PRICES = st.one_of(st.integers(0, 10**9), st.integers(0, 10**18))
PERS = st.sampled_from([1, 60, 1_000, 3_600, 1_000_000])


@pytest.mark.parametrize(
    ("usd", "pico"),
    [
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.0000000000025", 2),
        ("0.00000000000250000000000000001", 3),
        ("-0.0000000000015", -2),
        ("1", 10**12),
    ],
)
def test_more_than_twelve_decimals_round_half_to_even(usd: str, pico: int) -> None:
    assert money.to_pico(Decimal(usd)) == pico


@pytest.mark.parametrize("usd", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_money(usd: str) -> None:
    with pytest.raises(Refused, match="no amount of money"):
        money.to_pico(Decimal(usd))


@given(AMOUNTS)
def test_dollars_survive_the_way_to_pico_dollars_and_back(usd: Decimal) -> None:
    assert money.from_pico(money.to_pico(usd)) == usd


@pytest.mark.parametrize(
    ("double", "usd"), [(0.1, "0.1"), (0.0003369, "0.0003369"), (1e-7, "0.0000001"), (0.1 + 0.2, "0.3"), (3, "3")]
)
def test_a_double_is_read_by_its_shortest_text(double: float, usd: str) -> None:
    assert money.of_double(double) == Decimal(usd)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**9))
def test_division_rounds_as_decimal_does(numerator: int, denominator: int) -> None:
    with localcontext() as context:
        context.prec = 60
        expected = (Decimal(numerator) / denominator).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert money.round_half_even(numerator, denominator) == expected


@given(st.lists(st.tuples(COUNTS, PRICES, PERS, st.integers(0, 10**6)), min_size=1, max_size=20))
def test_products_are_exact_at_every_size(rows: list[tuple[int, int, int, int]]) -> None:
    rests = [rest % per for _, _, per, rest in rows]
    columns = [np.array(values, np.int64) for values in ([r[0] for r in rows], [r[1] for r in rows], rests)]
    found = money.product(*columns, np.array([row[2] for row in rows], np.int64))
    for position, ((count, price, per, _), rest) in enumerate(zip(rows, rests, strict=True)):
        assert found[position] == money.round_half_even(count * (price * per + rest), per)


def test_a_product_that_int64_cannot_hold_is_computed_apart() -> None:
    count, price = np.array([2, 10**13], np.int64), np.array([3, 10**9], np.int64)
    found = money.product(count, price, np.zeros(2, np.int64), np.ones(2, np.int64))
    assert found.small.tolist() == [6, 0]
    assert dict(found.wide) == {1: 10**22}


def test_a_long_batch_with_one_hostile_count_stays_exact_elsewhere() -> None:
    count = np.arange(1_000, dtype=np.int64)
    count[500] = 10**14
    ones = np.ones(1_000, np.int64)
    found = money.product(count, ones * 10**8, ones, ones * 2)
    assert [found[i] for i in (499, 500)] == [money.round_half_even(n * (2 * 10**8 + 1), 2) for n in (499, 10**14)]
    assert len(found.wide) == 1


@given(st.lists(st.one_of(st.none(), AMOUNTS), max_size=30), st.integers(0, 3))
def test_arrow_decimals_survive_reading_and_writing(values: list[Decimal | None], skip: int) -> None:
    array = pa.array(values, MONEY).slice(min(skip, len(values)))
    amounts, known = money.read_decimals(array)
    assert known.tolist() == [value is not None for value in array.to_pylist()]
    assert money.decimals(amounts, known, MONEY).equals(array)


def test_a_column_of_several_chunks_is_read_whole() -> None:
    chunks = pa.chunked_array([pa.array([Decimal(1)], MONEY), pa.array([None, Decimal(-2)], MONEY)])
    amounts, known = money.read_decimals(chunks)
    assert [amounts[i] for i in range(3)] == [10**12, 0, -2 * 10**12]
    assert known.tolist() == [True, False, True]


def test_the_lines_of_a_call_add_up_without_overflow() -> None:
    assert 32 * money.SMALL_MAX <= 2**63
