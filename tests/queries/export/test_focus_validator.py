"""The FinOps Foundation's own validator reads what `export focus` writes, and finds what is wrong in it.

It needs Python 3.12 and libraries older than ours, so it has a virtual environment of its own:

    python3.12 -m venv DIR && DIR/bin/pip install -r tests/queries/export/validator.txt
    FOCUS_VALIDATOR=DIR/bin/focus-validator pytest -m verifiers
"""

import datetime as dt
import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from ledger.paths import DataDir
from queries.connect import connect
from queries.export import focus
from queries.export.window import Window, take
from tests.queries.by_hand import Books, usd
from tests.queries.export.booked import booked

PROGRAM = os.environ.get("FOCUS_VALIDATOR", "")
pytestmark = [
    pytest.mark.verifiers,
    pytest.mark.skipif(not PROGRAM, reason="FOCUS_VALIDATOR names no focus-validator; see the top of this file"),
]

SUPPORTED = (
    *("ACCOUNT_NAMING", "MULTIPLE_BILLING_ACCOUNT_TYPES", "SUB_ACCOUNT", "MULTIPLE_SUB_ACCOUNT_TYPES", "TAGGING"),
    *("PUBLIC_PRICE_LIST", "NEGOTIATED_PRICING", "UNIT_PRICING", "MULTIPLE_PRICING_CATEGORIES", "USAGE_MEASUREMENT"),
    *("PRICING_BILLING_CURRENCY_DIFFERENCES", "RESOURCE_TYPE_ASSIGNMENT", "BILLING_BASED_ON_PROVISIONED_RESOURCES"),
)
"""What the export claims to support, so that the rules about it apply."""
CONTRADICTION = "InvoiceId-C-005-C"
"""Wants each InvoiceId not to be null, where InvoiceId-C-004-C wants each to be: of rules 1.2.0.1 every file fails one.
Ours are null, as there is no invoice."""
CLASSED = {"ChargeClass-C-000-M", "ChargeClass-C-005-C"}
"""What a file fails of which no ChargeClass is null. The validator asks `ChargeClass <> 'Correction'`, which is unknown
for null: the rules for rows that are no corrections, among them that price times quantity is cost, are then checked of
none. So `classed` gives each row a class, and these two are the price of it."""
CHECKED_MIN = 250
"""Rules that apply and are checked, at the least: a validator that checks nothing fails nothing."""
DECEMBER_NS = int(dt.datetime(2023, 12, 4, 9, tzinfo=dt.UTC).timestamp()) * 10**9

Failures = Callable[[Path], set[str]]


@pytest.fixture
def failures(tmp_path: Path) -> Failures:
    """Gives the rules that a file fails. The validator looks for its own files, and writes a log, where it is run."""
    package = next(Path(PROGRAM).resolve().parent.parent.glob("lib/python3*/site-packages/focus_validator"))
    place = tmp_path / "validator"
    place.mkdir()
    (place / "focus_validator").symlink_to(package)

    def run(file: Path) -> set[str]:
        report = place / f"{file.name}.xml"
        subprocess.run(
            [PROGRAM, "--data-file", file, "--block-download", "--validate-version", "1.2",
             "--output-type", "unittest", "--output-destination", report,
             "--applicability-criteria", ",".join(f"{name}_SUPPORTED" for name in SUPPORTED)],
            cwd=place, check=True, capture_output=True, timeout=110,
        )  # fmt: skip
        cases = ElementTree.parse(report).getroot().findall(".//testcase")
        assert sum(case.find("skipped") is None for case in cases) > CHECKED_MIN
        return {
            case.attrib["name"].split(" :: ")[0]
            for case in cases
            if case.find("failure") is not None or case.find("error") is not None
        }

    return run


def exported(data: DataDir, file: Path, per_run: bool = False) -> Path:
    with connect(data) as connection:
        take(connection, Window())
        focus.write(connection, file, file.suffix[1:], per_run)
    return file


def spoilt(whole: Path, how: str) -> Path:
    """A copy of `whole`. `how`: what is selected of it, as SQL."""
    file = whole.with_name(f"spoilt-{whole.name}")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {how} FROM '{whole}') TO '{file}' (FORMAT parquet)")
    return file


def classed(more: str = "") -> str:
    return f"* REPLACE (COALESCE(ChargeClass, 'None') AS ChargeClass{more})"


@pytest.mark.parametrize(("name", "per_run"), [("hours.parquet", False), ("runs.parquet", True), ("hours.csv", False)])
def test_the_samples_fail_only_the_rule_that_contradicts_another(
    books: DataDir, tmp_path: Path, failures: Failures, name: str, per_run: bool
) -> None:
    assert failures(exported(books, tmp_path / name, per_run)) == {CONTRADICTION}


def each_kind_of_line(by_hand: Books) -> DataDir:
    own = {"booked_list_cost_usd": usd("0.00125"), "override_id": "agreement"}
    back = {"entry": "reversal", "reverses_seq": 1}
    booked(
        by_hand,
        1,
        {"cost": "0.00125", "price_id": "openai/gpt-5/fresh_input_tokens@2025-08-07", "team": "red"},
        {"cost": "0.0010625", **own, "environment": ""},
        {"cost": "0.0010625", **own, **back, "reverses_line": 1},
        {"cost": "0.000625", **own, "entry": "rerate"},
        {"cost": "0.00125", **back, "reverses_line": 0, "accounting_ns": DECEMBER_NS, "price_id": "a/b/c"},
        {"cost": "0.0025", "entry": "rerate", "accounting_ns": DECEMBER_NS, "price_id": "a/b/c", "provider": None,
         "unit_price_usd": usd("2.5")},
        {"cost": "-0.125", "booked_list_cost_usd": Decimal(0), "unit": "reported_difference", "booked_quantity": 1,
         "unit_price_usd": None, "per": None},
        {"cost": "0.01", "unit": "web_searches", "tool_name": "web_search", "booked_quantity": 1, "per": 1000,
         "unit_price_usd": usd("10"), "price_id": "openai/gpt-5/web_searches"},
        {"cost": None, "unit": "output_tokens"},
    )  # fmt: skip
    return by_hand.data


def test_each_kind_of_line_fails_only_the_rule_that_contradicts_another(
    by_hand: Books, tmp_path: Path, failures: Failures
) -> None:
    file = exported(each_kind_of_line(by_hand), tmp_path / "kinds.parquet")
    assert failures(file) == {CONTRADICTION}
    assert failures(spoilt(file, classed())) == {CONTRADICTION} | CLASSED


def test_the_samples_keep_the_rules_for_what_is_no_correction(
    books: DataDir, tmp_path: Path, failures: Failures
) -> None:
    file = exported(books, tmp_path / "samples.parquet")
    assert failures(spoilt(file, classed())) == {CONTRADICTION} | CLASSED


DEAR = ", CAST(ListCost * 1.000001 AS DECIMAL(38, 12)) AS ListCost"


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ("* REPLACE ('USDX' AS BillingCurrency)", "BillingCurrency-C-003-M"),
        ("* REPLACE (NULLIF(BilledCost, 2.5) AS BilledCost)", "BilledCost-C-003-M"),
        ("* REPLACE (CASE WHEN x_Unit <> 'output_tokens' THEN ServiceName END AS ServiceName)", "ServiceName-C-003-M"),
        ("* EXCLUDE (ProviderName)", "CostAndUsage-D-038-M"),
        (classed(DEAR), "ListCost-C-009-C"),
        (classed(", NULLIF(SkuId, 'openai/gpt-4o/output_tokens') AS SkuId"), "SkuId-C-005-C"),
    ],
)
def test_the_validator_bites(books: DataDir, tmp_path: Path, failures: Failures, how: str, rule: str) -> None:
    file = exported(books, tmp_path / "samples.parquet")
    assert failures(spoilt(file, how)) >= {CONTRADICTION, rule}
