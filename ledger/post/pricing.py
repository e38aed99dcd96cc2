"""Price every view once, when it arrives, by the book then in force; which view bills may change later."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.charge import price
from ledger.books.reported import METERING, Preference
from ledger.books.units import INPUT_SIDE, REPORTED, UNKNOWN
from ledger.calls.columns import Columns, starts
from ledger.calls.forest import SETTLEMENT, NewSpans
from ledger.calls.roles import MODEL, TOOL
from ledger.money import read_decimals
from ledger.post.intake import charged_ns, int64
from ledger.post.lines import LINES, LineStore, spread
from ledger.post.tariffs import Tariff, Tariffs

PRICED_FROM = (
    "operation", "provider", "request_model", "response_model", "service_tier", "tool_name", "start_ns", "end_ns",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens",
    "web_searches", "code_executions", "usage_status", "reported_cost_usd", "reported_source",
)  # fmt: skip

UNKNOWN_PICO = -1
RESIDUAL = "residual"
"""Basis of what a settlement found."""


def attach(spans: NewSpans, table: pa.Table, store: LineStore, tariffs: Tariffs) -> None:
    """Price the views among `spans` (`table`: the same rows as decoded) and note on each where its lines are."""
    own, rows = spans.own, len(spans)
    for name in ("line_first", "line_count"):
        own[name] = np.zeros(rows, dtype=np.int64)
    own["input_pico"] = np.where(own["role"] == MODEL, 0, UNKNOWN_PICO)
    for name in ("unpriced", *FLAGS):
        own[name] = np.zeros(rows, dtype=np.bool_)
    views = np.flatnonzero((own["role"] == MODEL) | (own["role"] == TOOL))
    for tariff, which in _by_tariff(views, own["source_seq"], tariffs):
        asked = table.select(PRICED_FROM).take(pa.array(which)).append_column("row", pa.array(which))
        received_ns = int64(table["received_ns"])[which]
        started = with_times(asked, own["charged_ns"][which], received_ns)
        lines = _settled(price(started, tariff.book, tariff.preferences, tariff.overrides), own["signal"])
        _note(own, lines, store.append(_as_booked(lines)))
        for name, marked in _flags(asked, lines, tariff).items():
            own[name][which] = marked
        _note_prompts(own, lines)
    if len(views):
        _apply_orders(own, views, table, store, tariffs)


def _apply_orders(
    own: dict[str, np.ndarray], views: np.ndarray, table: pa.Table, store: LineStore, tariffs: Tariffs
) -> None:
    """Bring `views`, which came before some orders to re-rate, to the lines that these gave them, in order."""
    for event_seq, order in tariffs.orders(int(own["source_seq"][views].min())):
        charged_ns = own["charged_ns"][views]
        covered = (own["source_seq"][views] < event_seq) & (charged_ns >= order.since_ns)
        which = views[covered & (charged_ns < order.until_ns)]
        if len(which):
            anew = repriced(own, which, table.take(pa.array(which)), store, tariffs.of_order(event_seq, order))
            anew.note(own, ("line_first", "line_count", "unpriced", *FLAGS))


@dataclass(frozen=True)
class Repriced:
    """Views whose money a re-rating changes, or what their stated cost is good for: their places in the columns they
    were asked about with, and what is to be noted there."""

    at: np.ndarray
    line_first: np.ndarray
    line_count: np.ndarray
    unpriced: np.ndarray
    metered: np.ndarray
    greater: np.ndarray

    def note(self, columns: Columns | dict[str, np.ndarray], names: Sequence[str]) -> None:
        for name in names:
            columns[name][self.at] = getattr(self, name)


def repriced(
    columns: Columns | dict[str, np.ndarray], at: np.ndarray, views: pa.Table, store: LineStore, tariff: Tariff
) -> Repriced:
    """Those of `views` (rows in the order of `at`, their places in `columns`) that cost something else by `tariff`, or
    whose stated cost counts otherwise, with their new lines in `store`. A line at the same money by another book is no
    other line."""
    asked = views.select(PRICED_FROM).append_column("row", pa.array(np.arange(len(at))))
    started = with_times(asked, columns["charged_ns"][at], int64(views["received_ns"]))
    priced = _settled(price(started, tariff.book, tariff.preferences, tariff.overrides), columns["signal"][at])
    lines, row = _as_booked(priced), priced["row"].to_numpy()
    count = np.bincount(row, minlength=len(at))
    changed = differs(store, (columns["line_first"][at], columns["line_count"][at]), lines, row, count)
    flags = _flags(asked, priced, tariff)
    for name, marked in flags.items():
        changed |= columns[name][at] != marked
    kept = changed[row]
    first = store.append(lines.filter(pa.array(kept))) + np.cumsum(count[changed]) - count[changed]
    unknown = np.bincount(row[pc.is_null(priced["cost_usd"]).to_numpy()], minlength=len(at)) > 0
    marked_now = {name: marked[changed] for name, marked in flags.items()}
    return Repriced(at[changed], first, count[changed], unknown[changed], **marked_now)


MONEY_COLUMNS = ("unit", "unit_price_usd", "per", "basis", "status", "booked_quantity", "booked_cost_usd")


def differs(
    store: LineStore, booked: tuple[np.ndarray, np.ndarray], lines: pa.Table, row: np.ndarray, now: np.ndarray
) -> np.ndarray:
    """Which of some views or calls have other money in `lines` (`row`: whose each is; `now`: how many each has) than
    in those of `store` that are `booked`: first and count."""
    first, count = booked
    changed: np.ndarray = count != now
    alike = np.flatnonzero(~changed)
    which, _, number = spread(first[alike], count[alike])
    before, after = store.take(number), lines.filter(pa.array(~changed[row]))
    for name in (*MONEY_COLUMNS, "booked_list_cost_usd"):
        one, other = before[name], after[name]
        same = pc.fill_null(pc.equal(one, other), False)
        both = pc.and_(pc.is_null(one), pc.is_null(other))
        changed[alike[which[~pc.or_(same, both).to_numpy()]]] = True
    return changed


def with_times(views: pa.Table, charged: np.ndarray, received_ns: np.ndarray) -> pa.Table:
    """`views` with how long they took, and with starts that choose a price: one that was not sent (0) is when the call
    is charged, for 1970 had other prices; one that lies ahead of the receipt, up to the last moment there is, is the
    receipt."""
    start_ns, end_ns = int64(views["start_ns"]), int64(views["end_ns"])
    views = views.append_column("duration_ns", pa.array(end_ns - start_ns, mask=(start_ns <= 0) | (end_ns < start_ns)))
    chosen = np.where(start_ns <= 0, charged, charged_ns(start_ns, received_ns))
    if (chosen == start_ns).all():
        return views
    column = views.schema.get_field_index("start_ns")
    return views.set_column(column, views.schema.field(column), pa.array(chosen))


def _by_tariff(views: np.ndarray, seqs: np.ndarray, in_force: Tariffs) -> list[tuple[Tariff, np.ndarray]]:
    tariffs: dict[tuple[str, int, int], tuple[Tariff, list[int]]] = {}
    events, inverse = np.unique(seqs[views], return_inverse=True)
    for number, event in enumerate(events.tolist()):
        tariff = in_force.at(event)
        tariffs.setdefault(tariff.key, (tariff, []))[1].append(number)
    return [(tariff, views[np.isin(inverse, numbers)]) for tariff, numbers in tariffs.values()]


def _settled(priced: pa.Table, signal: np.ndarray) -> pa.Table:
    """books.charge.LINES of views, those of settlements being residual. `signal`: by the number of the view."""
    of_settlements = signal[priced["row"].to_numpy()] == SETTLEMENT
    if not of_settlements.any():
        return priced
    column = priced.schema.get_field_index("basis")
    basis = pc.if_else(pa.array(of_settlements), pa.scalar(RESIDUAL), priced["basis"])
    return priced.set_column(column, priced.schema.field(column), basis)


def _as_booked(priced: pa.Table) -> pa.Table:
    """books.charge.LINES as they are kept: whole quantities, and the list cost only where it is not the cost."""
    listed, cost = priced["list_cost_usd"], priced["cost_usd"]
    same = pc.fill_null(pc.equal(listed, cost), False)
    booked = {
        "booked_quantity": priced["parts"],
        "booked_list_cost_usd": pc.if_else(same, pa.scalar(None, listed.type), listed),
        "booked_cost_usd": cost,
    }
    return pa.table([booked[name] if name in booked else priced[name] for name in LINES.names], schema=LINES)


FLAGS = ("metered", "greater")
"""Of a view, whether it states a cost that counts whichever view of the call states it, and whether that is the greater
of it and the computed one."""


def _flags(views: pa.Table, lines: pa.Table, tariff: Tariff) -> dict[str, np.ndarray]:
    """FLAGS of `views` (by position), whose `lines` are by `tariff`."""
    reported = lines.filter(pc.equal(lines["unit"], REPORTED))["row"]
    if not len(reported):
        return {name: np.zeros(len(views), np.bool_) for name in FLAGS}
    states = pc.is_in(views["row"], value_set=reported.combine_chunks()).to_numpy()
    return {
        name: states & _is_by(views["reported_source"], tariff, among)
        for name, among in zip(FLAGS, (METERING, (Preference.GREATER,)), strict=True)
    }


def _is_by(sources: pa.ChunkedArray, tariff: Tariff, among: Sequence[Preference]) -> np.ndarray:
    wanted = [name for name, preference in tariff.preferences.items() if preference in among]
    found: np.ndarray = pc.is_in(sources, value_set=pa.array(wanted, pa.string())).to_numpy()
    return found


def _note_prompts(own: dict[str, np.ndarray], lines: pa.Table) -> None:
    """What each prompt costs, pico-dollars; UNKNOWN_PICO where a part of it has no price.

    Re-rating leaves it: it is for an estimate, which stands in no total."""
    of_input = pc.is_in(lines["unit"], value_set=pa.array((*INPUT_SIDE, UNKNOWN))).to_numpy()
    row = lines["row"].to_numpy()[of_input]
    cost, known = read_decimals(lines["cost_usd"].filter(pa.array(of_input)))
    known[list(cost.wide)] = False
    np.add.at(own["input_pico"], row, cost.small)
    own["input_pico"][row[~known]] = UNKNOWN_PICO


def _note(own: dict[str, np.ndarray], lines: pa.Table, first: int) -> None:
    row = lines["row"].to_numpy()
    if len(row):
        start = np.flatnonzero(starts(row))
        own["line_first"][row[start]] = first + start
        own["line_count"][row[start]] = np.diff(np.append(start, len(row)))
        own["unpriced"][row[pc.is_null(lines["cost_usd"]).to_numpy()]] = True
