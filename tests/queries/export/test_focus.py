"""FOCUS rows: sums by hand on the samples, and on ledgers written by hand what each kind of line becomes."""

import csv
import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.books.units import UNITS
from ledger.errors import Refused
from ledger.paths import DataDir
from queries.connect import connect
from queries.export import focus
from queries.export.window import LISTING, Taken, Window, take
from tests.ledger.store import rows
from tests.queries.by_hand import Books, usd
from tests.queries.export.booked import booked
from tests.queries.export.focus_rows import focus_rows

HOUR_NS = 3_600 * 10**9
DECEMBER_NS = int(dt.datetime(2023, 12, 4, 9, tzinfo=dt.UTC).timestamp()) * 10**9
MONEY = "decimal128(38, 12)"


@pytest.fixture(scope="module")
def samples(books: DataDir) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of this module's own: exports define views on it."""
    with connect(books) as opened:
        yield opened


def test_the_runaway_loop_is_two_rows_of_25_dollars(samples: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """250 calls of 36,000 tokens in at $2.50 a million and 1,000 out at $10: $22.50 and $2.50."""
    found = [row for row in focus_rows(samples, tmp_path) if row["x_AgentName"] == "invoice_clerk"]
    shown = ("x_Unit", "ConsumedQuantity", "PricingQuantity", "PricingUnit", "ListUnitPrice", "ListCost", "BilledCost")
    assert sorted(tuple(row[name] for name in shown) for row in found) == [
        ("fresh_input_tokens", 9_000_000, 9, "1000000 Tokens", usd("2.5"), usd("22.5"), usd("22.5")),
        ("output_tokens", 250_000, usd("0.25"), "1000000 Tokens", 10, usd("2.5"), usd("2.5")),
    ]
    assert {(row["SkuId"], row["SkuMeter"], row["ServiceName"], row["ResourceId"]) for row in found} == {
        ("openai/gpt-4o/fresh_input_tokens", "Fresh Input Tokens", "openai API", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o/output_tokens", "Output Tokens", "openai API", "gpt-4o-2024-08-06"),
    }
    assert {row["Tags"] for row in found} == {
        '{"agent":"invoice_clerk","service":"back-office","environment":"production"}'
    }
    assert {row["ChargePeriodEnd"] - row["ChargePeriodStart"] for row in found} == {dt.timedelta(hours=1)}


def test_the_samples_sum_to_what_was_charged_to_the_last_digit(
    samples: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for per_run in (False, True):
        found = focus_rows(samples, tmp_path, per_run=per_run)
        assert sum(row["BilledCost"] for row in found) == Decimal("25.11780658")
        assert {row["x_RunId"] is not None for row in found} == {per_run}


def test_price_times_quantity_is_cost_and_all_of_the_usage_has_a_price(
    samples: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    usage = [row for row in focus_rows(samples, tmp_path) if row["ChargeCategory"] == "Usage"]
    assert len(usage) > 70
    for row in usage:
        assert row["ListUnitPrice"] * row["PricingQuantity"] == row["ListCost"]
        assert row["ContractedUnitPrice"] * row["PricingQuantity"] == row["ContractedCost"]
        assert None not in (row["SkuId"], row["SkuPriceId"], row["SkuMeter"], row["PricingUnit"], row["ConsumedUnit"])


@settings(max_examples=12)
@given(data=st.data())
def test_billed_cost_of_any_window_is_what_its_charges_cost(
    books: DataDir, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    as_of, per_run = data.draw(st.integers(0, 41)), data.draw(st.booleans())
    with connect(books) as connection:
        moments = connection.execute("SELECT DISTINCT accounting_ns FROM charges ORDER BY 1").fetchall()
        start = data.draw(st.sampled_from([moment for (moment,) in moments])) + data.draw(st.integers(-1, 1))
        end = start + 1 + data.draw(st.integers(0, moments[-1][0] - moments[0][0]))
        found = focus_rows(connection, tmp_path_factory.mktemp("window"), Window(start, end, as_of), per_run)
        charged, listed = connection.execute(
            "SELECT SUM(cost_usd), SUM(list_cost_usd) FROM charges "
            "WHERE accounting_ns >= ? AND accounting_ns < ? AND event_seq <= ?",
            [start, end, as_of],
        ).fetchall()[0]
    assert sum(row["BilledCost"] for row in found) == (charged or 0)
    assert sum(row["EffectiveCost"] for row in found) == (charged or 0)
    assert sum(row["ListCost"] for row in found) == (listed or 0)


def test_money_and_quantities_are_decimals_in_the_file(samples: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    focus_rows(samples, tmp_path)
    kinds = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "focus.parquet")}
    numbers = {name for name in kinds if name.endswith(("Cost", "UnitPrice", "Quantity"))}
    assert {kinds[name] for name in numbers} == {MONEY}
    assert len(numbers) == 12
    assert not {"double", "float"} & set(kinds.values())


def test_csv_says_the_same_as_parquet_and_runs_no_formula(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.00125", "agent_name": '=cmd|"x",\n', "model": "@cf/llama"})
    with connect(by_hand.data) as connection:
        (row,) = focus_rows(connection, tmp_path)
        focus.write(connection, tmp_path / "focus.csv", "csv")
    with (tmp_path / "focus.csv").open(newline="") as file:
        (told,) = csv.DictReader(file)
    assert (row["x_AgentName"], told["x_AgentName"]) == ('=cmd|"x",\n', '\'=cmd|"x",\n')
    assert (row["ResourceId"], told["ResourceId"]) == ("@cf/llama", "'@cf/llama")
    assert (told["BilledCost"], told["PricingQuantity"]) == ("0.001250000000", "0.001000000000")
    assert (told["ChargePeriodStart"], told["ChargePeriodEnd"]) == ("2023-11-15T12:00:00Z", "2023-11-15T13:00:00Z")
    assert (told["BillingPeriodStart"], told["BillingPeriodEnd"]) == ("2023-11-01T00:00:00Z", "2023-12-01T00:00:00Z")
    assert list(told) == list(row)


def test_an_hour_is_one_row_and_a_run_its_own_only_if_asked(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.5"}, run="a")
    booked(by_hand, 2, {"cost": "0.25"}, run="b")
    booked(by_hand, 3, {"cost": "1", "charged_ns": rows.NOON_NS + HOUR_NS}, run="b")
    with connect(by_hand.data) as connection:
        hours = focus_rows(connection, tmp_path)
        runs = focus_rows(connection, tmp_path, per_run=True)
    assert [(row["ChargePeriodStart"].hour, row["BilledCost"], row["ConsumedQuantity"]) for row in hours] == [
        (12, usd("0.75"), 2000),
        (13, usd("1"), 1000),
    ]
    assert sorted(row["BilledCost"] for row in runs) == [usd("0.25"), usd("0.5"), usd("1")]
    assert len({row["x_RunId"] for row in runs}) == 2


def test_what_counts_in_a_later_month_is_a_correction_only_if_it_corrects(by_hand: Books, tmp_path: Path) -> None:
    late = {"accounting_ns": DECEMBER_NS}
    booked(
        by_hand,
        1,
        {"cost": "1", "unit": "output_tokens"},
        {"cost": "1", "unit": "output_tokens", "entry": "reversal", "reverses_seq": 1, "reverses_line": 0, **late},
        {"cost": "3", "unit": "output_tokens", "entry": "rerate", "unit_price_usd": usd("3"), **late},
        {"cost": "0.5", **late},
        {"cost": "0.25", "entry": "rebooked"},
    )
    with connect(by_hand.data) as connection:
        every = focus_rows(connection, tmp_path)
        december = focus_rows(connection, tmp_path, Window(from_ns=DECEMBER_NS))
    shown = ("ChargeClass", "x_Unit", "BilledCost", "ConsumedQuantity")
    assert sorted(tuple(str(row[name]) for name in shown) for row in every) == [
        ("Correction", "output_tokens", "-1.000000000000", "-1000.000000000000"),
        ("Correction", "output_tokens", "3.000000000000", "1000.000000000000"),
        ("None", "fresh_input_tokens", "0.250000000000", "1000.000000000000"),
        ("None", "fresh_input_tokens", "0.500000000000", "1000.000000000000"),
        ("None", "output_tokens", "1.000000000000", "1000.000000000000"),
    ]
    assert {(row["BillingPeriodStart"].month, row["ChargePeriodStart"].month) for row in december} == {(12, 11)}
    assert sum(row["BilledCost"] for row in december) == usd("2.5")


def test_what_was_taken_back_in_its_hour_is_gone(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.5"}, {"cost": "0.5", "entry": "reversal", "reverses_seq": 1, "reverses_line": 0})
    with connect(by_hand.data) as connection:
        assert focus_rows(connection, tmp_path) == []


def test_a_price_of_ones_own_is_the_contracted_one(by_hand: Books, tmp_path: Path) -> None:
    """1,000 tokens at $1.25 a million cost $0.00125 by the list, 15 % less by the agreement, then half."""
    own = {"booked_list_cost_usd": usd("0.00125"), "override_id": "agreement"}
    booked(
        by_hand,
        1,
        {"cost": "0.0010625", **own},
        {"cost": "0.0010625", **own, "entry": "reversal", "reverses_seq": 1, "reverses_line": 0},
        {"cost": "0.000625", **own, "entry": "rerate"},
    )
    with connect(by_hand.data) as connection:
        found = focus_rows(connection, tmp_path)
    prices = [
        tuple(
            row[name] for name in ("ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "ListCost", "BilledCost")
        )
        for row in found
    ]
    assert prices == [
        (usd("1.25"), usd("0.84375"), usd("0.002"), usd("0.0025"), usd("0.0016875")),
        (usd("1.25"), usd("1.0625"), usd("-0.001"), usd("-0.00125"), usd("-0.0010625")),
    ]
    assert {row["x_OverrideId"] for row in found} == {"agreement"}


def test_tiers_of_one_rule_are_rows_each_at_its_price(by_hand: Books, tmp_path: Path) -> None:
    """Of two calls of 1,000 tokens each the rule has the first 600 at $2 a million and the next 400 at $1."""
    own = {"booked_list_cost_usd": usd("0.00125"), "override_id": "steps"}
    first = own | {"booked_quantity": 600, "cost": "0.0012", "reason": "override steps: 2 USD of the part from 0"}
    second = own | {"booked_quantity": 400, "cost": "0.0004", "reason": "override steps: 1 USD of the part from 600"}
    booked(by_hand, 1, first, second, first, second)
    with connect(by_hand.data) as connection:
        found = focus_rows(connection, tmp_path)
    shown = ("ContractedUnitPrice", "ConsumedQuantity", "BilledCost")
    assert [tuple(row[name] for name in shown) for row in found] == [
        (usd(1), 800, usd("0.0008")),
        (usd(2), 1_200, usd("0.0024")),
    ]


def test_a_reported_cost_is_an_adjustment_of_the_usage_beside_it(by_hand: Books, tmp_path: Path) -> None:
    difference = {"unit": "reported_difference", "booked_quantity": 1, "unit_price_usd": None, "per": None}
    booked(by_hand, 1, {"cost": "0.5"}, {"cost": "-0.125", "booked_list_cost_usd": Decimal(0), **difference})
    with connect(by_hand.data) as connection:
        usage, adjustment = focus_rows(connection, tmp_path)
    assert (usage["ChargeCategory"], adjustment["ChargeCategory"]) == ("Usage", "Adjustment")
    assert (adjustment["BilledCost"], adjustment["ListCost"]) == (usd("-0.125"), 0)
    assert [adjustment[name] for name in ("ConsumedQuantity", "ListUnitPrice", "SkuId", "SkuPriceId")] == [None] * 4


def test_what_has_no_known_cost_is_left_out_and_counted(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.5"}, {"cost": None, "unit": "output_tokens"})
    booked(
        by_hand,
        2,
        {"cost": None, "unit": "unknown", "booked_quantity": None},
        {"cost": None, "unit": "unknown", "entry": "reversal", "reverses_seq": 2, "reverses_line": 0},
        run="taken back",
    )
    booked(by_hand, 3, {"cost": None}, {"cost": None, "unit": "web_searches"}, run="other")
    with connect(by_hand.data) as connection:
        assert take(connection, Window()) == Taken(as_of=3, charges=1, unpriced=3, unpriced_calls=2)
        assert len(connection.execute(LISTING).fetchall()) == 3
        (row,) = focus_rows(connection, tmp_path)
    assert (row["BilledCost"], row["ConsumedQuantity"]) == (usd("0.5"), 1000)


def test_what_was_told_at_an_event_can_be_told_again(by_hand: Books, tmp_path: Path) -> None:
    booked(by_hand, 1, {"cost": "0.5"})
    booked(by_hand, 2, {"cost": "0.25"}, run="later")
    with connect(by_hand.data) as connection:
        assert [row["BilledCost"] for row in focus_rows(connection, tmp_path, Window(as_of=1))] == [usd("0.5")]
        with pytest.raises(Refused, match="event 3 is not posted yet; the last one is 2"):
            take(connection, Window(as_of=3))


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(Refused, match="--from that is earlier than --to"):
        Window(5, 5)


@pytest.fixture(scope="module")
def words() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(focus.WORDS)
        yield connection


def test_every_unit_of_charge_has_its_words(words: duckdb.DuckDBPyConnection) -> None:
    units = words.execute("SELECT unit FROM focus_units").fetchall()
    assert [unit for (unit,) in units] == [unit.name for unit in UNITS]


def test_quotients_are_exact_to_12_decimals(words: duckdb.DuckDBPyConnection) -> None:
    draw = random.Random(7)
    pairs = [(draw.randint(-(10**20), 10**20), draw.choice((1, -1)) * draw.randint(1, 10**15)) for _ in range(500)]
    pairs += [(1, 2 * 10**12), (-1, 2 * 10**12), (10**20, 1), (0, 5), (5, -3)]
    for n, d in pairs:
        (found,) = words.execute("SELECT of_pico(pico_ratio(CAST(? AS HUGEINT), ?))", [n, d]).fetchall()[0]
        assert abs(Fraction(found) - Fraction(n, d)) * 2 <= Fraction(1, 10**12), (n, d)
