"""What must hold after any history: nothing acked is lost, nothing counts twice or is invented, money balances."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from ingest.decode import decode, same_span
from ledger.journal import kinds
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Event
from ledger.journal.read import JournalReader
from ledger.post.poster import Poster
from ledger.post.rebuild import rebuild
from ledger.store.digest import digests
from queries.connect import connect
from tests.ledger.journal.history import SimRng, read_all
from tests.sim.clients import PUBLISHED, Request, Truth

if TYPE_CHECKING:
    from tests.sim.history import History

OWN_KINDS = (kinds.GENESIS, kinds.RESTART)
Rows = list[tuple[Any, ...]]


def check_journal(history: History) -> list[Event]:
    """Open the journal once more: one row of events without a gap, all that was acked, nothing that was not sent."""
    from tests.sim.history import JOURNAL

    where, disk = f"seed {history.seed}", history.disk
    with JournalReader(history.data, disk) as reader:
        marked = reader.durable_seq()
    rng = SimRng(history.seed + history.lives + 1 << 32)
    JournalWriter.open(history.data, clock=history.clock, rng=rng, disk=disk, options=JOURNAL, seed=[PUBLISHED]).close()
    events = read_all(disk, history.data)
    assert [event.event_seq for event in events] == list(range(len(events))), f"{where}: numbers have a gap"
    assert marked < len(events), f"{where}: the mark named event {marked}, there are {len(events)}"
    bodies = [event.body for event in events]
    lost = [seq for seq, sent in history.acked.items() if seq >= len(events) or bodies[seq] != sent.draft.body]
    assert lost == [], f"{where}: acked events {lost} are lost"
    sent = history.clients.requests.keys() | {PUBLISHED.body}
    strange = [e.event_seq for e in events if e.kind not in OWN_KINDS and e.body not in sent]
    assert strange == [], f"{where}: events {strange} hold what nobody sent"
    told = [json.loads(e.body)["durable_events_lost"] for e in events if e.kind == kinds.RESTART]
    assert not any(told), f"{where}: restart events tell of lost durable events: {told}"
    times = [event.received_ns for event in events]
    assert times == sorted(times), f"{where}: received_ns goes back"
    return events


def check(history: History) -> None:
    """The whole proof: the ledger after all is posted, and the one that a rebuild makes."""
    events = check_journal(history)
    requests = [history.clients.requests[e.body] for e in events if e.body in history.clients.requests]
    _post_all(history, len(events))
    live = digests(history.data)
    with connect(history.data) as connection:
        check_views(connection, events, requests, f"seed {history.seed}")
    rebuild(history.data, decode, same_span, **history.seams())
    again = digests(history.data)
    differing = sorted(table for table, digest in again.items() if live[table] != digest)
    assert differing == [], f"seed {history.seed}: a rebuild differs from the live ledger in {differing}"


def _post_all(history: History, events: int) -> None:
    poster = Poster(history.data, decode, same_span, **history.seams())
    assert poster.cursor < events, f"seed {history.seed}: the cursor is at {poster.cursor} of {events} events"
    while poster.step():
        pass
    assert poster.cursor == events - 1, f"seed {history.seed}: posted up to {poster.cursor} of {events} events"
    poster.close()


def check_views(
    db: duckdb.DuckDBPyConnection, events: Sequence[Event], requests: Sequence[Request], where: str
) -> None:
    truth = Truth.of(requests)
    assert ask(db, "SELECT event_seq FROM events ORDER BY 1") == [(n,) for n in range(len(events))], where
    _check_spans(db, truth, where)
    _check_money(db, truth, where)
    check_balance(db, where)
    _check_keys(db, events, where)


def _check_spans(db: duckdb.DuckDBPyConnection, truth: Truth, where: str) -> None:
    stored = sorted(ask(db, "SELECT trace_id, span_id FROM spans"))
    expected = sorted((trace.hex(), span.hex()) for trace, span in truth.spans)
    assert stored == expected, f"{where}: {len(stored)} spans are stored, {len(expected)} are true"
    counted = ask(db, "SELECT sum(spans)::INT, sum(duplicates)::INT FROM events")
    assert counted == [(len(expected), truth.repeated)], f"{where}: {counted}"
    odd = ask(db, "SELECT (SELECT count(*) FROM conflicts), (SELECT count(*) FROM quarantine)")
    assert odd == [(truth.conflicts, truth.unreadable)], f"{where}: conflicts and quarantine are {odd}"


def _check_money(db: duckdb.DuckDBPyConnection, truth: Truth, where: str) -> None:
    costs = dict(ask(db, "SELECT span_id, cost_usd FROM calls WHERE kind = 'model'"))
    expected = {span_id.hex(): span.usd for span_id, span in truth.billed().items()}
    assert costs == expected, f"{where}: calls cost {_difference(costs, expected)}"
    query = "SELECT agent_name, sum(cost_usd) FROM charges GROUP BY ALL HAVING sum(cost_usd) <> 0"
    by_agent = dict(ask(db, query))
    assert by_agent == truth.usd_by_agent(), f"{where}: agents cost {_difference(by_agent, truth.usd_by_agent())}"


def _difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    names = sorted(name for name in found.keys() | expected.keys() if found.get(name, "-") != expected.get(name, "-"))
    return ", ".join(f"{name}: {found.get(name, '-')}, true is {expected.get(name, '-')}" for name in names[:5])


DIMENSIONS = {
    "agent": ("agent_name, service_name", "cost_by_agent", "TRUE"),
    "model": ("provider, model", "cost_by_model", "model <> ''"),
    "tool": ("tool_name", "cost_by_tool", "tool_name <> ''"),
    "hour": ("hour_ns", "cost_by_agent", "TRUE"),
}
"""What the books are summed by -> columns, the view of the rollups, and which charges are in it."""


def check_balance(db: duckdb.DuckDBPyConnection, where: str) -> None:
    """However it is summed, from the charges or from the rollups, it is the same money."""
    charges = "(SELECT *, epoch_ns(charged_at) // 3600000000000 * 3600000000000 AS hour_ns FROM charges)"
    for name, (columns, view, among) in DIMENSIONS.items():
        query = "SELECT {}, sum(cost_usd) FROM {} WHERE {} GROUP BY ALL HAVING sum(cost_usd) <> 0 ORDER BY ALL"
        booked = ask(db, query.format(columns, charges, among))
        rolled = ask(db, query.format(columns, view, "TRUE"))
        assert booked == rolled, f"{where}: by {name}, charges give {booked}, rollups {rolled}"
    back = ask(db, "SELECT count(*), count(DISTINCT charge_id) FROM charges")
    assert back[0][0] == back[0][1], f"{where}: charge ids repeat: {back}"
    total = ask(db, "SELECT coalesce(sum(cost_usd), 0) FROM calls") + ask(
        db, "SELECT coalesce(sum(cost_usd), 0) FROM charges"
    )
    assert total[0] == total[1], f"{where}: calls sum to {total[0]}, charges to {total[1]}"


def _check_keys(db: duckdb.DuckDBPyConnection, events: Sequence[Event], where: str) -> None:
    """A control event is effective the first time that its key comes."""
    seen: set[str] = set()
    expected = []
    for event in events:
        expected.append((event.event_seq, not event.key or event.key not in seen))
        seen.add(event.key)
    assert ask(db, "SELECT event_seq, effective FROM events ORDER BY 1") == expected, where


def ask(db: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return db.execute(query).fetchall()
