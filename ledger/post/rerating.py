"""Posting an order to re-rate: what it covers is priced anew, and calls that then cost something else are corrected.

Rare, so slow is good enough, but bounded: the spans in memory are those of some traces at a time. The traces are opened
aside, priced as before, and compared: nothing is added where no money differs. An order is posted in a batch of its own
and memory starts afresh after it, so what follows is the same whatever was in memory before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ledger.books.order import Order
from ledger.calls.booking import LINES, rerate, take_back
from ledger.calls.columns import Frame, distinct
from ledger.calls.owner import reporters
from ledger.calls.roles import MODEL, TOOL, roles
from ledger.errors import Refused
from ledger.journal.frame import Event
from ledger.post.batch import Batch
from ledger.post.charging import charge_rows
from ledger.post.intake import charged_ns, int64, intake
from ledger.post.lines import spread
from ledger.post.log_views import LOG_COLUMNS, log_views
from ledger.post.open_traces import OpenTraces
from ledger.post.parts import parts_of
from ledger.post.pricing import FLAGS, differs, repriced
from ledger.post.reading_views import READING_COLUMNS, reading_views
from ledger.post.reload import NO_NAMES, reload
from ledger.post.residuals import RESIDUAL_COLUMNS, residual_views
from ledger.post.restated import restated
from ledger.post.run_parts import run_part_rows
from ledger.post.tariffs import Tariff, Tariffs
from ledger.schema import ARROW, TRACE_ID
from ledger.store.catalog import Catalog
from ledger.store.traces import trace_hashes

VIEWS_MAX = 200_000
"""Views that one order may cover: about 300 MB of lines in one transaction. A correction of more is several orders."""
TRACES_A_STEP = 512
_KEY = ("tenant", "trace_id")
_ASKED = (*_KEY, "source_seq", "operation", "end_ns", "received_ns")

ViewsOf = Callable[[int], pa.Table]


def post_order(event: Event, order: Order, catalog: Catalog, tariffs: Tariffs, views_of: ViewsOf, batch: Batch) -> None:
    """Add to `batch` what follows from `order`, and let `tariffs` know it. Raises Refused, having done neither."""
    tariff = tariffs.of_order(event.event_seq, order)
    corrections, done = [], set[tuple[str, bytes]]()
    for step in _steps(_covered(catalog, order)):
        keys = step.filter(pa.array([pair not in done for pair in _pairs(step)], pa.bool_()))
        if not keys.num_rows:
            continue
        opened = OpenTraces()
        views = reload(catalog, opened, keys, NO_NAMES, tariffs, views_of)  # with all that are linked to them
        done.update(_pairs(views))
        views = views.filter(pa.array(_is_covered(views, order)))
        if views.num_rows:
            corrections.append(_corrected(event.event_seq, opened, views, tariff))
    tariffs.add_order(event.event_seq, order)
    for correction in corrections:
        correction.add_to(batch, event.event_seq)
    batch.add("rerates", _row(event, order, tariff, sum(correction.calls for correction in corrections)))


def _covered(catalog: Catalog, order: Order) -> pa.Table:
    """(tenant, trace_id) of the traces with views that `order` covers, those together that came together: each step
    decodes the events of its traces anew. Raises Refused past VIEWS_MAX."""
    found, views = [_first(ARROW["spans"].empty_table().select(_ASKED))], 0
    for part in _asked(catalog):
        part = part.filter(pa.array(_is_covered(part, order)))
        views += part.num_rows
        if views > VIEWS_MAX:
            raise Refused(
                f"re-rating {order.rerate_id}: from {order.since_ns} to {order.until_ns} ns lie more than {VIEWS_MAX} "
                "views: order shorter stretches, as `spanledger prices rerate` does"
            )
        found.append(_first(part))
    return _first(pa.concat_tables(found)).sort_by([(name, "ascending") for name in ("source_seq", *_KEY)]).select(_KEY)


def _asked(catalog: Catalog) -> Iterator[pa.Table]:
    yield from catalog.scan("spans", _ASKED)
    for logs in catalog.scan("logs", LOG_COLUMNS):
        yield log_views(logs).select(_ASKED)
    for readings in catalog.scan("readings", READING_COLUMNS):
        yield reading_views(readings).select(_ASKED)
    for residuals in catalog.scan("residuals", RESIDUAL_COLUMNS):
        yield residual_views(residuals).select(_ASKED)


def _is_covered(views: pa.Table, order: Order) -> np.ndarray:
    role = roles(views["operation"])
    charged = charged_ns(int64(views["end_ns"]), int64(views["received_ns"]))
    covered: np.ndarray = ((role == MODEL) | (role == TOOL)) & (charged >= order.since_ns)
    return covered & (charged < order.until_ns)


def _first(views: pa.Table) -> pa.Table:
    """_KEY of each trace, and the first event of `views` that brought one of it."""
    found = views.group_by(list(_KEY), use_threads=False).aggregate([("source_seq", "min")])
    return found.rename_columns([*_KEY, "source_seq"])


def _steps(keys: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, keys.num_rows, TRACES_A_STEP):
        yield keys.slice(start, TRACES_A_STEP)


def _pairs(views: pa.Table) -> Iterator[tuple[str, bytes]]:
    return zip(views["tenant"].to_pylist(), views["trace_id"].cast(TRACE_ID).to_pylist(), strict=True)


@dataclass(frozen=True)
class _Correction:
    """What follows for the traces of one step."""

    calls: int = 0
    tables: tuple[tuple[str, pa.Table], ...] = ()

    def add_to(self, batch: Batch, event_seq: int) -> None:
        for name, rows in self.tables:
            batch.add(name, rows)
            if name == "charges":
                hashes = np.unique(trace_hashes(rows["tenant"], rows["trace_id"]))
                batch.add_traces(hashes, np.full(len(hashes), event_seq))


def _corrected(event_seq: int, opened: OpenTraces, views: pa.Table, tariff: Tariff) -> _Correction:
    """Price `views` anew and correct the calls that they bill."""
    forest, texts, store = opened.forest, opened.texts, opened.lines
    nodes, at = forest.nodes, forest.rows_of(intake(views, texts))
    anew = repriced(nodes, at, views, store, tariff)
    anew.note(nodes, (*LINES, *FLAGS))
    calls, booked = _changed(opened, nodes["p_call"][anew.at])
    if not len(calls):
        return _Correction()
    back = take_back(forest, calls, event_seq)
    taken_back = charge_rows(forest, texts, store, back)  # before what the views know of themselves changes
    anew.note(nodes, ("unpriced",))
    forward = rerate(forest, back, booked)
    booked_anew = charge_rows(forest, texts, store, forward)
    tables = [pair for rows in (taken_back, booked_anew) for pair in zip(("charges", "rollups"), rows, strict=True)]
    tables.append(("rollups", _at(event_seq, opened.beneath_rows(nodes["trace"][forward["view"]]))))
    return _Correction(len(calls), (*tables, ("run_parts", _run_parts(event_seq, opened, forward))))


def _changed(opened: OpenTraces, calls: np.ndarray) -> tuple[np.ndarray, Frame]:
    """Those of `calls` that stand and whose lines, by what their views say now, are at other money than those booked;
    and what to book them by (calls.booking.rerate)."""
    forest, store = opened.forest, opened.lines
    nodes, calls = forest.nodes, distinct(calls, forest.nodes.rows)
    calls = calls[nodes["b_row"][calls] >= 0]
    reports = reporters(forest, calls)
    first, count = restated(forest, store, nodes["b_row"][calls], reports)
    which, _, number = spread(first, count)
    before = (nodes["b_line_first"][calls], nodes["b_line_count"][calls])
    changed = differs(store, before, store.take(number), which, count)
    found = {"report": reports, "line_first": first, "line_count": count}
    return calls[changed], {name: values[changed] for name, values in found.items()}


def _run_parts(event_seq: int, opened: OpenTraces, corrected: Frame) -> pa.Table:
    """schema.RUN_PARTS of the traces that hold what was corrected, as of this event."""
    rows = corrected["view"]
    placed = {"row": rows, "p_seq": np.full(len(rows), event_seq)}
    touched = parts_of(opened.forest, opened.forest.nodes["trace"][rows])
    parts, _ = run_part_rows(touched, opened.texts, opened.lines, placed)
    return _at(event_seq, parts)


def _at(event_seq: int, rows: pa.Table) -> pa.Table:
    """`rows`, written by this event."""
    column = rows.schema.get_field_index("event_seq")
    return rows.set_column(column, rows.schema.field(column), pa.array(np.full(rows.num_rows, event_seq)))


def _row(event: Event, order: Order, tariff: Tariff, corrected: int) -> pa.Table:
    said = {name: getattr(order, name) for name in ("rerate_id", "since_ns", "until_ns", "reason", "author")}
    found = {"price_book_id": tariff.book.book_id, "calls": corrected}
    recorded = {"recorded_ns": event.received_ns, "event_seq": event.event_seq}
    return pa.Table.from_pylist([said | found | recorded], schema=ARROW["rerates"])
