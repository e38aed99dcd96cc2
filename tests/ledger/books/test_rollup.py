"""The registry of rollups, the wide table they fold and the SQL views that show them say the same."""

import re
from pathlib import Path

import pytest

from ledger import schema
from ledger.books.rollup import ROLLUPS, Rollup

VIEWS = Path(__file__).parents[3] / "queries/views"


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.name)
def test_a_rollup_sums_columns_of_the_wide_table(rollup: Rollup) -> None:
    columns = {column.name for column in schema.ROLLUPS}
    assert {*rollup.keys, *rollup.measures} <= columns


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.name)
def test_the_view_of_a_rollup_shows_its_keys_and_measures(rollup: Rollup) -> None:
    shown = re.findall(r"^-- @(\w+):", (VIEWS / f"{rollup.name}.sql").read_text(), re.MULTILINE)
    keys = shown[: shown.index("calls")]
    assert sorted(keys) == sorted(["tenant", "hour", "hour_ns", *rollup.keys])
    assert set(rollup.measures) <= set(shown)
