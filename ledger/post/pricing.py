"""Price every view once, when it arrives, by the book then in force; which view bills may change later."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.book import PriceBook
from ledger.books.charge import price
from ledger.books.reported import PREFERENCES, Preference
from ledger.books.units import INPUT_SIDE, REPORTED, UNKNOWN
from ledger.calls.columns import starts
from ledger.calls.forest import NewSpans
from ledger.calls.roles import MODEL, TOOL
from ledger.money import read_decimals
from ledger.post.intake import charged_ns, int64
from ledger.post.lines import LINES, LineStore

PRICED_FROM = (
    "operation", "provider", "request_model", "response_model", "service_tier", "start_ns",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens",
    "web_searches", "code_executions", "usage_status", "reported_cost_usd", "reported_source",
)  # fmt: skip

UNKNOWN_PICO = -1

BookAt = Callable[[int], PriceBook]
"""The book in force at an event."""


def attach(spans: NewSpans, table: pa.Table, store: LineStore, book_at: BookAt) -> None:
    """Price the views among `spans` (`table`: the same rows as decoded) and note on each where its lines are."""
    own, rows = spans.own, len(spans)
    for name in ("line_first", "line_count"):
        own[name] = np.zeros(rows, dtype=np.int64)
    own["input_pico"] = np.where(own["role"] == MODEL, 0, UNKNOWN_PICO)
    for name in ("unpriced", "metered"):
        own[name] = np.zeros(rows, dtype=np.bool_)
    views = np.flatnonzero((own["role"] == MODEL) | (own["role"] == TOOL))
    for book, which in _by_book(views, own["source_seq"], book_at):
        asked = table.select(PRICED_FROM).take(pa.array(which)).append_column("row", pa.array(which))
        received_ns = int64(table["received_ns"])[which]
        lines = price(_started(asked, own["charged_ns"][which], received_ns), book)
        _note(own, lines, store.append(_as_booked(lines)))
        _note_metered(own, asked, lines)
        _note_prompts(own, lines)


def _started(views: pa.Table, charged: np.ndarray, received_ns: np.ndarray) -> pa.Table:
    """`views` with starts that choose a price: one that was not sent (0) is when the call is charged, for 1970 had
    other prices; one that lies ahead of the receipt, up to the last moment there is, is the receipt."""
    start_ns = int64(views["start_ns"])
    chosen = np.where(start_ns <= 0, charged, charged_ns(start_ns, received_ns))
    if (chosen == start_ns).all():
        return views
    column = views.schema.get_field_index("start_ns")
    return views.set_column(column, views.schema.field(column), pa.array(chosen))


def _by_book(views: np.ndarray, seqs: np.ndarray, book_at: BookAt) -> list[tuple[PriceBook, np.ndarray]]:
    books: dict[str, tuple[PriceBook, list[np.ndarray]]] = {}
    events, inverse = np.unique(seqs[views], return_inverse=True)
    of_event = [book_at(int(event)) for event in events]
    for number, book in enumerate(of_event):
        books.setdefault(book.book_id, (book, []))[1].append(np.full(1, number))
    return [(book, views[np.isin(inverse, np.concatenate(numbers))]) for book, numbers in books.values()]


def _as_booked(priced: pa.Table) -> pa.Table:
    """books.charge.LINES as they are kept: whole quantities, and the list cost only where it is not the cost."""
    listed, cost = priced["list_cost_usd"], priced["cost_usd"]
    same = pc.fill_null(pc.equal(listed, cost), False)
    booked = {
        "booked_quantity": priced["quantity"].cast(pa.int64()),
        "booked_list_cost_usd": pc.if_else(same, pa.scalar(None, listed.type), listed),
        "booked_cost_usd": cost,
    }
    return pa.table([booked[name] if name in booked else priced[name] for name in LINES.names], schema=LINES)


def _note_metered(own: dict[str, np.ndarray], views: pa.Table, lines: pa.Table) -> None:
    """Which views state a cost that is believed over any computed one."""
    reported = lines.filter(pc.equal(lines["unit"], REPORTED))["row"]
    if len(reported):
        stating = views.filter(pc.is_in(views["row"], value_set=reported.combine_chunks()))
        believed = pa.array([name for name, level in PREFERENCES.items() if level == Preference.ALWAYS], pa.string())
        metered = stating.filter(pc.is_in(stating["reported_source"], value_set=believed))
        own["metered"][metered["row"].to_numpy()] = True


def _note_prompts(own: dict[str, np.ndarray], lines: pa.Table) -> None:
    """What each prompt costs at list price, pico-dollars; UNKNOWN_PICO where a part of it has no price."""
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
