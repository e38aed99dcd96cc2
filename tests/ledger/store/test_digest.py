from contextlib import closing
from decimal import Decimal

import pytest

from ledger.paths import DataDir
from ledger.store import digest, fold
from ledger.store.catalog import Catalog
from tests.ledger.store import rows

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of no bytes."""


def of(table, *some):
    return digest.digest(iter([rows.table(table, some)]))


def test_digests_do_not_depend_on_how_rows_lie(tmp_path, clock):
    commits = [rows.post_event(seq, 6, days=2) for seq in range(9)]
    found = []
    for batch in (1, 4, 9):
        data = DataDir(tmp_path / str(batch))
        with closing(Catalog.open(data, clock=clock)) as catalog:
            for start in range(0, 9, batch):
                rows.joined(commits[start : start + batch]).apply(catalog)
                if start % 2 == 0:
                    catalog.flush()
                catalog.tidy()
            found.append(digest.digests(data))
    assert found[0] == found[1] == found[2]
    assert found[0]["spans"] != NOTHING
    assert found[0]["conflicts"] == NOTHING


def test_a_line_is_readable_and_exact():
    charge = rows.charge(7, rows.placement(7, rows.span(7, 0, "t")), "0.5", reason="a\tb\\c\nd", user_id="")
    [text] = digest.lines(rows.table("charges", [charge]))
    line = dict(zip(rows.ARROW["charges"].names, text.split("\t"), strict=True))
    assert line["tenant"] == "default"
    assert line["span_id"] == charge["span_id"].hex()
    assert line["user_id"] == ""
    assert line["team"] == "\\N"
    assert line["booked_cost_usd"] == "0.500000000000"
    assert line["reason"] == "a\\tb\\\\c\\nd"


@pytest.mark.parametrize("change", [
    {"team": ""},
    {"team": "\\N"},
    {"input_tokens": 1},
    {"reported_cost_usd": Decimal("0.000000000001")},
    {"attributes": []},
    {"attributes": [("a", "b\\;c\\=d")]},
    {"attributes": [("a", "b"), ("c", "d")]},
    {"attributes": [("a", None)]},
    {"attributes": [("a", "")]},
    {"attributes": [("a", "\\N")]},
    {"parent_span_id": b"\x00" * 8},
    {"output": "x"},
    {"error_type": "x"},
])  # fmt: skip
def test_each_change_of_a_row_changes_the_digest(change):
    plain = rows.span(0, 0, "t") | {"attributes": None}
    changed = plain | change
    assert of("spans", plain) != of("spans", changed)
    assert of("spans", changed, plain) == of("spans", plain, changed)
    assert of("spans", plain, plain) != of("spans", plain)


def test_rollups_are_summed_by_key_before_they_are_compared():
    parts = [rows.rollup(1, "0.25"), rows.rollup(2, "0.5", calls=2), rows.rollup(3, "1", model="gpt-5-mini")]
    whole = [rows.rollup(2, "0.75", calls=3, input_tokens=2000, output_tokens=100), parts[2]]
    assert digest.digest(iter([digest.told(fold.summed(rows.table("rollups", parts)))])) == digest.digest(
        iter([digest.told(fold.summed(rows.table("rollups", whole)))])
    )


def test_rollups_that_come_to_nothing_are_not_there():
    nothing = {"calls": 0, "input_tokens": 0, "output_tokens": 0}
    back = {"calls": -1, "input_tokens": -1000, "output_tokens": -50}
    some = [rows.rollup(1, "0", **nothing), rows.rollup(1, "0.1", team="a"), rows.rollup(2, "-0.1", team="a", **back)]
    assert digest.told(fold.summed(rows.table("rollups", some))).num_rows == 0
