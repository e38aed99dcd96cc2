"""Whatever is reported: no quantity is negative, and the units of a side sum to its count."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.books import units
from ledger.books.book import PriceBook
from ledger.books.charge import price
from tests.ledger.books.made import make_book, offer, provider_record, quantities, view, views

COUNT = st.one_of(st.none(), st.integers(0, 20), st.integers(-5, 2**63 - 1))
USAGE = st.fixed_dictionaries(dict.fromkeys(units.COUNT_COLUMNS, COUNT))
INPUT_UNITS = [unit.name for unit in units.UNITS[: units.POSITION[units.OUTPUT]]]
OUTPUT_UNITS = (units.OUTPUT, units.REASONING, units.AUDIO_OUT)


def every_unit_priced() -> PriceBook:
    prices = dict.fromkeys((*INPUT_UNITS, *OUTPUT_UNITS), "1")
    return make_book(provider_record("p"), *offer("p", "m", {"equals": "m"}, **prices))


BOOK = every_unit_priced()


@given(st.lists(USAGE, min_size=1, max_size=20), st.sampled_from(units.MODEL_OPERATIONS))
def test_parts_never_exceed_their_whole_and_nothing_is_lost(usages: list[dict[str, Any]], operation: str) -> None:
    table = views(*(view(provider="p", request_model="m", operation=operation, **usage) for usage in usages))
    found = price(table, BOOK).to_pylist()
    for row, usage in enumerate(usages):
        booked = quantities([line for line in found if line["row"] == row])
        reported = [count for count in usage.values() if count is not None]
        assert all(quantity is None or quantity >= 0 for quantity in booked.values())
        if any(not 0 <= count <= units.QUANTITY_MAX for count in reported) or not reported:
            assert list(booked) == [units.UNKNOWN]
            continue
        for name, side in (("input_tokens", INPUT_UNITS), ("output_tokens", OUTPUT_UNITS)):
            if usage[name] is not None:
                assert sum(booked.get(unit) or 0 for unit in side) == usage[name]


def test_a_units_number_is_part_of_identities_and_stays() -> None:
    assert [unit.name for unit in units.UNITS] == [
        "fresh_input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "audio_input_tokens",
        "image_input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "audio_output_tokens",
        "requests",
        "web_searches",
        "code_executions",
        "tool_calls",
        "tool_seconds",
        "reported_difference",
        "unknown",
    ]
