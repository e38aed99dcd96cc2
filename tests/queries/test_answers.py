"""Connections that are kept show what is there now."""

from contextlib import closing
from pathlib import Path

from ledger.paths import DataDir
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions
from queries.api.answers import Answers, Bounds
from tests.ledger.store import rows

AT_ONCE = StoreOptions(segment_fan_in=2, replaced_keep_s=0.0)
"""Merges two files, and removes what a merge replaced at the next turn."""
ALWAYS_NEW = Bounds(stale_s=0.0)


def spans(answers: Answers) -> int:
    with answers.connection() as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM spans").fetchall()
    return int(count)


def test_a_commit_is_in_the_next_answer(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with closing(Catalog.open(data, clock=SystemClock())) as catalog, closing(Answers(data, ALWAYS_NEW)) as answers:
        for seq in range(3):
            rows.post_event(seq, 5).apply(catalog)
            assert spans(answers) == 5 * (seq + 1)
        catalog.flush()
        assert spans(answers) == 15


def test_files_that_were_merged_and_removed_while_nothing_was_posted_are_not_asked_for(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with (
        closing(Catalog.open(data, clock=SystemClock(), options=AT_ONCE)) as catalog,
        closing(Answers(data, ALWAYS_NEW)) as answers,
    ):
        for seq in range(2):
            rows.post_event(seq, 5).apply(catalog)
            catalog.flush()
        assert spans(answers) == 10
        before = set(data.ledger.rglob("*.parquet"))
        for _ in range(20):
            catalog.tidy()
        assert before - set(data.ledger.rglob("*.parquet"))
        assert spans(answers) == 10


def test_a_ledger_that_took_the_place_of_another_is_shown(tmp_path: Path) -> None:
    data, aside = DataDir(tmp_path / "data"), DataDir(tmp_path / "data", ledger_name="aside")
    with closing(Answers(data, ALWAYS_NEW)) as answers:
        for place, count in ((data, 3), (aside, 4)):
            with closing(Catalog.open(place, clock=SystemClock())) as catalog:
                rows.post_event(0, count).apply(catalog)
            if place is data:
                assert spans(answers) == 3
        data.ledger.rename(tmp_path / "data" / "gone")
        aside.ledger.rename(data.ledger)
        assert spans(answers) == 4
