"""The views are registered, documented column by column, and as the reference page says."""

from pathlib import Path

import pytest

from ledger.books.rollup import ROLLUPS
from queries.connect import connect
from queries.views import ORDER, VIEWS, documentation
from queries.views.reference import empty_ledger, reference

ROOT = Path(__file__).parents[2]


def test_every_sql_file_is_registered_once_and_every_registered_name_has_a_file():
    files = {path.stem for path in (ROOT / "queries/views").glob("*.sql")}
    assert files == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_is_documented_in_its_order(view, tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        live = [row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()]
    text, columns = documentation(view)
    assert text
    assert list(columns) == live
    assert live[0] == "tenant"


def test_the_reference_page_is_what_the_live_views_give(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        assert (ROOT / "docs/reference/sql.md").read_text(encoding="utf-8") == reference(connection)


def test_no_public_column_is_a_float_or_needs_a_time_zone_but_durations_and_what_metrics_measure(tmp_path):
    with connect(empty_ledger(tmp_path / "data")) as connection:
        types = {(view, row[0]): row[1] for view in VIEWS for row in connection.execute(f"DESCRIBE {view}").fetchall()}
    floats = {(view, name) for (view, name), kind in types.items() if kind == "DOUBLE"}
    assert {name for view, name in floats if view != "metrics"} == {"duration_ms"}
    assert {name for view, name in floats if view == "metrics"} == {"value", "sum", "min", "max"}
    assert not [kind for kind in types.values() if kind in ("FLOAT", "HUGEINT", "TIMESTAMP WITH TIME ZONE")]
    assert {kind for (_, name), kind in types.items() if name.endswith("_usd")} == {"DECIMAL(38,12)"}


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.name)
def test_a_cost_view_has_the_keys_and_measures_of_its_rollup(rollup, tmp_path):
    _, columns = documentation(rollup.name)
    assert set(rollup.keys) | set(rollup.measures) <= set(columns)
