"""Steps that are kept for the next window: the same as made anew, never of a state that is over, and bounded."""

from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ledger.errors import NotFound
from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from ledger.store.snapshot import Snapshot
from queries.connect import connect, shown
from queries.narrow import of_run, touched
from queries.replay import kept
from queries.replay.kept import Bounds, Kept
from queries.replay.replay import replay
from queries.runs import RunFilter, one_run, runs
from tests.ledger.post import posted
from tests.ledger.post.plain import agent, call, request
from tests.ledger.post.test_conversations import said
from tests.ledger.post.test_settling import settle
from tests.ledger.store import rows

Made = list[str]
"""Runs that were read, in order."""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    found: Made = []

    def noted(connection: duckdb.DuckDBPyConnection, run_id: str):  # type: ignore[no-untyped-def]
        found.append(run_id)
        return of_run(connection, run_id)

    monkeypatch.setattr(kept, "of_run", noted)
    return found


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Callable[..., duckdb.DuckDBPyConnection]]:
    """Posts drafts and shows what the ledger is then."""
    data, shown_so_far = DataDir(tmp_path / "data"), []

    def then(*drafts: Draft) -> duckdb.DuckDBPyConnection:
        posted.journal(data, *drafts)
        posted.post(data)
        shown_so_far.append(connect(data))
        return shown_so_far[-1]

    yield then
    for connection in shown_so_far:
        connection.close()


def anew(connection: duckdb.DuckDBPyConnection, run_id: str, first: int = 1, count: int = 400) -> object:
    with of_run(connection, run_id) as narrow:
        return replay(narrow, run_id, first, count)


def only_run(connection: duckdb.DuckDBPyConnection) -> str:
    [run] = runs(connection, RunFilter()).items
    return str(run["run_id"])


def test_windows_of_kept_steps_are_those_made_anew(connection: duckdb.DuckDBPyConnection) -> None:
    replays = Kept()
    for run in runs(connection, RunFilter(), 8).items:
        run_id = str(run["run_id"])
        for first in (1, 3, 100_000):
            assert replays.replay(connection, run_id, first, 2) == anew(connection, run_id, first, 2)
            assert replays.replay(connection, run_id[:12].upper(), first, 2) == anew(connection, run_id, first, 2)


def test_a_run_is_read_once_for_all_its_windows(connection: duckdb.DuckDBPyConnection, made: Made) -> None:
    replays, run_id = Kept(), str(runs(connection, RunFilter(agent="invoice_clerk")).items[0]["run_id"])
    first: int | None = 1
    while first is not None:
        first = replays.replay(connection, run_id, first, 50).next_step
    assert made == [run_id]


def test_commits_that_touch_other_runs_alone_leave_kept_steps_as_they_are(
    post: Callable[..., duckdb.DuckDBPyConnection], made: Made
) -> None:
    connection, replays = post(request(agent(1, 1), call(1, 2, 1))), Kept()
    run_id = only_run(connection)
    replays.replay(connection, run_id, 1, 1)
    connection = post(request(agent(2, 1), call(2, 2, 1)))
    assert replays.replay(connection, run_id, 2, 1) == anew(connection, run_id, 2, 1)
    assert made == [run_id]


TOUCHING = {
    "a span of its trace": request(call(1, 3, 1)),
    "a span of another trace with a response of it": request(
        call(7, 1, response_id="resp_1", scope_name="litellm", service_name="proxy", cache_read_tokens=0)
    ),
    "an agent around it": request(agent(1, 9)),
}


@pytest.mark.parametrize("what", TOUCHING)
def test_after_a_commit_that_touches_the_run_the_next_window_is_of_what_is_known_then(
    what: str, post: Callable[..., duckdb.DuckDBPyConnection]
) -> None:
    connection = post(request(agent(1, 1, 9), call(1, 2, 1, response_id="resp_1", scope_name="sdk")))
    replays, run_id = Kept(), only_run(connection)
    before = replays.replay(connection, run_id, 1, 400)
    connection = post(TOUCHING[what])
    after = replays.replay(connection, run_id, 1, 400)
    assert after == anew(connection, run_id)
    assert after != before


def test_an_open_run_that_is_settled_is_incomplete_though_no_event_touched_it(
    post: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    replays, first = Kept(), post(request(call(1, 2, 1)))
    run_id = only_run(first)
    assert replays.replay(first, run_id, 1, 10).run["state"] == "open"
    assert replays.replay(post(settle(2)), run_id, 1, 10).run["state"] == "incomplete"


def test_a_connection_that_still_shows_what_was_before_gets_what_was_before(
    post: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    replays, old = Kept(), post(request(agent(1, 1), call(1, 2, 1)))
    run_id = only_run(old)
    new = post(request(call(1, 3, 1)))
    for connection, steps in ((new, 3), (old, 2), (new, 3)):
        found = replays.replay(connection, run_id, 1, 400)
        assert (found.total, found.run["cost_usd"]) == (steps, (steps - 1) * posted.CALL_USD)
        assert found == anew(connection, run_id)


def test_an_id_from_before_more_was_known_leads_to_the_whole_run_as_it_grows(
    post: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    connection, replays = post(request(call(1, 2, 1))), Kept()
    early = only_run(connection)
    assert replays.replay(connection, early, 1, 400).total == 1
    for number in (1, 3, 4):
        connection = post(request(agent(1, 1) if number == 1 else call(1, number, 1)))
        found = replays.replay(connection, early, 1, 400)
        assert found == anew(connection, only_run(connection))
    assert found.run["run_id"] != early
    assert found.run["cost_usd"] == 3 * posted.CALL_USD


def test_a_run_that_begins_with_the_same_digits_is_found_out(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    with closing(Catalog.open(data, clock=SystemClock())) as catalog:
        rows.post_event(0, 5).apply(catalog)
        run_id = "abcdef" + "0" * 26
        with connect(data) as connection, of_run(connection, "abcdef") as narrow:
            seen = touched(narrow, shown(connection), "abcdef", run_id)
        assert seen.still(Snapshot.take(data))
        for run_hash, still in ((0xABCDE0 << 40, True), (0xABCDEF1 << 36, False)):
            seq = catalog.cursor + 1
            events = rows.table("events", [rows.event(seq)])
            pairs = (np.array([run_hash], np.uint64), np.array([seq]))
            catalog.commit(cursor=seq, rows={"events": events}, traces=pairs, keys={}, state={})
            assert seen.still(Snapshot.take(data)) == still


def test_another_ledger_in_the_place_of_this_one_is_read_anew(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    posted.journal(data, request(agent(1, 1), call(1, 2, 1)))
    posted.post(data)
    replays = Kept()
    with connect(data) as connection:
        run_id = only_run(connection)
        found = replays.replay(connection, run_id, 1, 400)
    posted.journal(data, request(call(1, 3, 1)))
    data.ledger.rename(tmp_path / "gone")
    posted.post(data)
    with connect(data) as connection:
        assert replays.replay(connection, run_id, 1, 400).total == found.total + 1


def test_a_run_with_more_steps_than_are_kept_is_read_for_each_window(
    connection: duckdb.DuckDBPyConnection, made: Made
) -> None:
    run_id = str(runs(connection, RunFilter(agent="invoice_clerk")).items[0]["run_id"])
    spans = one_run(connection, run_id)["spans"]
    assert isinstance(spans, int)
    for steps_max, read in ((spans - 1, 2), (spans, 1)):
        made.clear()
        replays = Kept(Bounds(steps_max=steps_max))
        for first in (1, 401):
            assert replays.replay(connection, run_id, first, 400) == anew(connection, run_id, first)
        assert len(made) == read
        assert len(replays) == (read == 1)


@pytest.mark.parametrize("bounds", [Bounds(runs_max=3), Bounds(bytes_max=12_000)], ids=["runs", "bytes"])
def test_what_was_not_asked_for_longest_goes_first(
    bounds: Bounds, connection: duckdb.DuckDBPyConnection, made: Made
) -> None:
    replays, some = Kept(bounds), [str(run["run_id"]) for run in runs(connection, RunFilter(), 12).items]
    for run_id in some:
        replays.replay(connection, some[0], 1, 1)
        replays.replay(connection, run_id, 1, 1)
        assert len(replays) <= bounds.runs_max
        assert replays.bytes <= bounds.bytes_max
    assert 1 < len(replays) < 12, "the bound is reached"
    assert made.count(some[0]) == 1, "asked for again and again"
    made.clear()
    replays.replay(connection, some[1], 1, 1)
    assert made == [some[1]]


def test_a_run_larger_than_all_that_may_be_kept_is_answered_and_not_kept(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    replays, run_id = Kept(Bounds(bytes_max=1)), str(runs(connection, RunFilter()).items[0]["run_id"])
    assert replays.replay(connection, run_id, 1, 400) == anew(connection, run_id)
    assert (len(replays), replays.bytes) == (0, 0)


def test_a_run_that_is_not_there_is_not_kept(connection: duckdb.DuckDBPyConnection) -> None:
    replays = Kept()
    with pytest.raises(NotFound, match="no run"):
        replays.replay(connection, "f" * 32, 1, 400)
    assert len(replays) == 0


def test_money_so_far_of_kept_steps_is_decimal(connection: duckdb.DuckDBPyConnection) -> None:
    run_id = str(runs(connection, RunFilter(agent="invoice_clerk")).items[0]["run_id"])
    assert Kept().replay(connection, run_id, 501, 1).steps[0]["cost_so_far_usd"] == Decimal(25)


def test_steps_of_a_run_that_was_joined_with_another_are_made_anew_for_both_of_their_ids(
    post: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    replays, before = Kept(), post(said(1, 0), said(2, 30))
    ids = [str(run["run_id"]) for run in runs(before, RunFilter()).items]
    assert [replays.replay(before, run_id, 1, 9).total for run_id in ids] == [1, 1]
    after = post(said(3, 15))
    found = [replays.replay(after, run_id, 1, 9) for run_id in ids]
    assert [one.total for one in found] == [3, 3]
    assert len({one.run["run_id"] for one in found}) == 1
    later = post(said(4, 31))
    assert [replays.replay(later, run_id, 1, 9).total for run_id in ids] == [4, 4]
