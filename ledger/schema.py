"""The tables of the ledger, column by column. A field id is never used again, also where its column is gone.

What can be computed is not stored: ids of views, calls and charges (docs/format.md), and a value that another column of
the same row has already. `queries/views` shows them all. (docs/adr/0016)

Every Parquet column, nested ones too, carries `PARQUET:field_id`, so that a table format which tracks columns by id
(Apache Iceberg) can take the files byte for byte. Ids of nested fields are the parent's id * 1000 + n.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from ledger.column import (
    ATTRIBUTES,
    BOOL,
    I32,
    I64,
    ID,
    LONG_TEXT,
    MONEY,
    QUANTITY,
    SPAN_ID,
    TEXT,
    TEXTS,
    TRACE_ID,
    Column,
    columns,
)  # fmt: skip
from ledger.decided import (
    COST_SOURCES,
    PERIODS,
    PRICE_BOOKS,
    PRICE_OVERRIDES,
    PRICES,
    RECONCILIATIONS,
    RERATES,
    SETTLINGS,
)
from ledger.listed import LOGS, METRICS, READINGS, RESIDUALS

__all__ = [
    "ARROW", "CHARGES", "CONFLICTS", "COST_SOURCES", "EVENTS", "LOGS", "METRICS", "MONEY", "PERIODS",
    "PLACEMENTS", "POSTING_VERSION", "PRICES", "PRICE_BOOKS", "PRICE_OVERRIDES", "QUANTITY", "QUARANTINE",
    "READINGS", "RECONCILIATIONS", "RERATES", "RESIDUALS", "ROLLUPS", "RUN_MERGES", "RUN_PARTS", "SCHEMA_VERSION",
    "SETTLINGS", "SPANS", "SPAN_ID", "TABLES", "TEXT", "TEXTS", "TRACE_ID", "Column", "arrow_schema", "empty",
]  # fmt: skip

SCHEMA_VERSION = 1
POSTING_VERSION = 10
"""Raised whenever posting the same journal would give other rows."""

_columns, _I64, _I32, _BOOL = columns, I64, I32, BOOL

SPANS = _columns(
    (1, "tenant", TEXT, "tenant of the key the span came in under"),
    (2, "trace_id", TRACE_ID, "OTLP trace id"),
    (3, "span_id", SPAN_ID, "OTLP span id"),
    (4, "parent_span_id", SPAN_ID, "OTLP parent span id; NULL for a root"),
    (5, "name", TEXT, "span name; empty if not sent"),
    (6, "span_kind", TEXT, "internal, server, client, producer or consumer"),
    (7, "operation", TEXT, "what the span did: chat, embeddings, tool, agent, workflow, chain, ..., other"),
    (8, "start_ns", _I64, "start by the sender's clock, ns since 1970 UTC; 0 if not sent, at most 2^63 - 1"),
    (9, "end_ns", _I64, "end by the sender's clock, ns since 1970 UTC; 0 if not sent, at most 2^63 - 1"),
    (10, "status", TEXT, "unset, ok or error"),
    (11, "status_message", TEXT, "the sender's words on the status"),
    (12, "error_type", TEXT, "class of the error, where given"),
    (13, "service_name", TEXT, "resource attribute service.name; `unknown_service` where absent"),
    (14, "environment", TEXT, "deployment environment; empty where absent"),
    (15, "agent_name", TEXT, "agent that the span itself names; NULL if none"),
    (16, "provider", TEXT, "model provider, canonical name"),
    (17, "request_model", TEXT, "model asked for"),
    (18, "response_model", TEXT, "model that answered"),
    (19, "response_id", TEXT, "the provider's id of the response"),
    (20, "service_tier", TEXT, "tier or processing mode that changes the price (batch, flex, priority, ...)"),
    (21, "tool_name", TEXT, "tool that ran"),
    (22, "tool_call_id", TEXT, "the model's id of the tool call"),
    (23, "run_key", TEXT, "explicit run id (attribute spanledger.run.id); NULL if none"),
    (24, "conversation_id", TEXT, "conversation or session that the span itself names"),
    (25, "user_id", TEXT, "end user that the span itself names"),
    (26, "team", TEXT, "team that the span or its resource names"),
    (27, "credential", TEXT, "alias or hash of the key used, never a key"),
    (28, "input_tokens", _I64, "tokens in, inclusive of cache reads and writes"),
    (29, "output_tokens", _I64, "tokens out, inclusive of reasoning"),
    (30, "cache_read_tokens", _I64, "tokens read from the prompt cache"),
    (31, "cache_write_tokens", _I64, "tokens written to the prompt cache, all lifetimes"),
    (32, "cache_write_5m_tokens", _I64, "of these, kept 5 minutes"),
    (33, "cache_write_1h_tokens", _I64, "of these, kept 1 hour"),
    (34, "reasoning_tokens", _I64, "of the tokens out, reasoning"),
    (35, "audio_input_tokens", _I64, "of the tokens in, audio"),
    (36, "audio_output_tokens", _I64, "of the tokens out, audio"),
    (37, "image_input_tokens", _I64, "of the tokens in, images"),
    (38, "web_searches", _I64, "searches the provider ran and bills by piece"),
    (39, "code_executions", _I64, "code executions the provider ran and bills by piece"),
    (40, "input_basis", TEXT, "how tokens in were reported: inclusive, exclusive or guessed"),
    (41, "usage_status", TEXT, "reported, missing, failed or not_applicable"),
    (42, "reported_cost_usd", MONEY, "cost that the telemetry itself states, USD"),
    (43, "reported_source", TEXT, "attribute the reported cost came from"),
    (44, "input", LONG_TEXT, "prompt, messages or tool arguments"),
    (45, "output", LONG_TEXT, "completion, messages or tool result"),
    (
        46,
        "attributes",
        ATTRIBUTES,
        "all attributes that no column holds letter for letter, as text; arrays and maps as JSON",
    ),
    (47, "resource", ATTRIBUTES, "resource attributes as text"),
    (48, "scope_name", TEXT, "instrumentation scope"),
    (49, "dialect", TEXT, "semantic convention the span was read in"),
    (50, "mapping_version", _I32, "version of the mapping that read it"),
    (51, "received_ns", _I64, "receipt by this server's clock, ns since 1970 UTC"),
    (52, "source_seq", _I64, "event whose bytes hold the span"),
    (53, "span_index", _I32, "position of the span within that event"),
    (54, "input_digest", _I64, "of a call's input: the first 8 bytes of its SHA-256; NULL without content, or no call"),
    (55, "turn_id", TEXT, "turn or run of an agent that the framework names on the span; NULL if none"),
    (56, "output_bytes", _I64, "length of a tool's output, bytes of UTF-8; NULL without content, or no tool"),
)

PLACEMENTS = _columns(  # gone: 3 span_id, 12 view_id, 13 call_id, 16 duplicate_of
    (1, "tenant", TEXT, "tenant"),
    (
        2,
        "trace_id",
        TRACE_ID,
        "trace of what is placed; of a log record without one its content hash, of metrics that of their reading",
    ),
    (4, "run_id", ID, "run the span belongs to; NULL where it only defines an agent"),
    (5, "run_rule", TEXT, "why: explicit, turn, agent, conversation or trace"),
    (6, "agent_name", TEXT, "nearest agent at or above the span, else the service"),
    (7, "agent_rule", TEXT, "why: ancestor or provisional"),
    (8, "conversation_id", TEXT, "own or inherited conversation"),
    (9, "user_id", TEXT, "own or inherited user"),
    (10, "team", TEXT, "own or inherited team"),
    (11, "kind", TEXT, "model or tool where the span is a view of a call, else NULL"),
    (14, "billed", _BOOL, "whether this view bills; NULL where the span is none"),
    (15, "reason", TEXT, "why it bills or not"),
    (17, "event_seq", _I64, "event whose posting wrote this row"),
    (18, "source_seq", _I64, "event whose bytes hold the span placed"),
    (19, "span_index", _I32, "position of the span within that event"),
    (20, "replaces_seq", _I64, "event_seq of the row about this span that this one supersedes; NULL for the first"),
    (
        21,
        "call_span_id",
        SPAN_ID,
        "span of the call's earliest view, zeros for a log record or reading; NULL where it is this view, or no view",
    ),
    (
        22,
        "duplicate_of_span_id",
        SPAN_ID,
        "span that bills instead, zeros for a log record or reading; NULL where this one bills, or is no view",
    ),
    (
        23,
        "call_trace_id",
        TRACE_ID,
        "trace of call_span_id, or content hash of the log record or reading; NULL where it is trace_id or its own",
    ),
    (24, "duplicate_of_trace_id", TRACE_ID, "as call_trace_id, of duplicate_of_span_id"),
    (
        25,
        "signal",
        TEXT,
        "what is placed: span; log or metric where a log record or a reading is a view of a call",
    ),
    (26, "beneath_tool", TEXT, "of a view of a model's call: the innermost tool whose span it lies beneath"),
)

CHARGES = _columns(  # gone: 2 charge_id, 3 call_id, 15 quantity, 18 list_cost_usd, 19 cost_usd, 22 reverses
    (1, "tenant", TEXT, "tenant"),
    (
        4,
        "trace_id",
        TRACE_ID,
        "trace of the billing view; of a log record without one its content hash, of readings theirs",
    ),
    (5, "run_id", ID, "run that the line is booked on"),
    (6, "agent_name", TEXT, "agent (self cost)"),
    (7, "service_name", TEXT, "service"),
    (8, "environment", TEXT, "environment"),
    (9, "provider", TEXT, "provider"),
    (10, "model", TEXT, "model priced"),
    (11, "tool_name", TEXT, "tool, for a tool's own fee and provider fees"),
    (12, "user_id", TEXT, "user"),
    (13, "team", TEXT, "team"),
    (14, "unit", TEXT, "what is counted"),
    (16, "unit_price_usd", MONEY, "price of `per` units, USD; NULL if unknown"),
    (17, "per", _I64, "units that the price is for"),
    (20, "basis", TEXT, "how found: computed, reported, residual or estimated"),
    (21, "entry", TEXT, "why booked: booked, reversal, rebooked or rerate"),
    (23, "reason", TEXT, "remark on the price or the entry"),
    (24, "status", TEXT, "priced, unpriced or ambiguous"),
    (25, "price_book_id", TEXT, "SHA-256, hex, of the price book used"),
    (26, "price_id", TEXT, "row of that book"),
    (27, "charged_ns", _I64, "when the cost arose, ns since 1970 UTC"),
    (28, "accounting_ns", _I64, "when it counts in the books, ns since 1970 UTC; NULL where it is charged_ns"),
    (29, "recorded_ns", _I64, "receipt of the event that booked it, ns since 1970 UTC"),
    (30, "event_seq", _I64, "event whose posting wrote this line"),
    (31, "line", _I32, "position among the lines of this call and event"),
    (32, "span_id", SPAN_ID, "span of the billing view, zeros for a log record or reading"),
    (
        33,
        "call_span_id",
        SPAN_ID,
        "span of the call's earliest view, zeros for a log record or reading; NULL where it is span_id",
    ),
    (
        39,
        "call_trace_id",
        TRACE_ID,
        "trace of call_span_id, or the content hash of the log record or reading; NULL where it is trace_id",
    ),
    (40, "signal", TEXT, "what bills: span, log or metric"),
    (34, "reverses_seq", _I64, "event_seq of the line that a reversal takes back"),
    (35, "reverses_line", _I32, "its line"),
    (
        36,
        "booked_quantity",
        _I64,
        "how many, whole, seconds as ns; NULL if unknown. A reversal repeats what it takes back: it counts negatively",
    ),
    (
        37,
        "booked_list_cost_usd",
        MONEY,
        "cost at list price, USD, as booked_quantity; NULL where it is booked_cost_usd",
    ),
    (38, "booked_cost_usd", MONEY, "cost, USD, as booked_quantity; NULL if unknown"),
    (41, "override_id", TEXT, "override that changed the cost from that at list price; NULL if none"),
    (42, "beneath_tool", TEXT, "of a model's call: the innermost tool whose span it lies beneath"),
)

ROLLUPS = _columns(
    (1, "hour_ns", _I64, "start of the hour of charged_at, ns since 1970 UTC"),
    (2, "tenant", TEXT, "tenant"),
    (3, "environment", TEXT, "environment"),
    (4, "service_name", TEXT, "service"),
    (5, "agent_name", TEXT, "agent (self)"),
    (6, "provider", TEXT, "provider"),
    (7, "model", TEXT, "model priced"),
    (8, "tool_name", TEXT, "tool"),
    (9, "user_id", TEXT, "user"),
    (10, "team", TEXT, "team"),
    (11, "kind", TEXT, "model or tool"),
    (12, "calls", _I64, "calls"),
    (13, "errors", _I64, "calls that failed"),
    (14, "input_tokens", _I64, "tokens in, inclusive of cache"),
    (15, "output_tokens", _I64, "tokens out, inclusive of reasoning"),
    (16, "cost_usd", MONEY, "known cost, USD"),
    (17, "unpriced_calls", _I64, "calls with at least one line of unknown cost"),
    (18, "event_seq", _I64, "last event folded into this row"),
    (19, "beneath_tool", TEXT, "of calls of models: the innermost tool whose span they lie beneath"),
    (20, "result_usd", MONEY, "estimate of what results of tools cost in the next prompt, USD; in no total"),
    (21, "result_calls", _I64, "calls of tools of which that is known"),
    (22, "credential", TEXT, "alias or hash of the key used, never a key"),
    (23, "agents_usd", MONEY, "known cost of other agents beneath this one, USD; in no total"),
)

RUN_PARTS = _columns(
    (1, "tenant", TEXT, "tenant"),
    (2, "trace_id", TRACE_ID, "trace whose part of a run this is"),
    (3, "event_seq", _I64, "last event folded into this row; of a trace only the rows of the last one count"),
    (4, "first_seq", _I64, "first event with a span of the trace"),
    (5, "run_id", ID, "run"),
    (6, "run_rule", TEXT, "why: explicit, turn, agent, conversation or trace"),
    (7, "agent_name", TEXT, "agent of the part's top span"),
    (8, "service_name", TEXT, "service of the top span"),
    (9, "environment", TEXT, "environment of the top span"),
    (10, "conversation_id", TEXT, "conversation of the first span of the part that has one"),
    (11, "user_id", TEXT, "user of the first span of the part that has one"),
    (
        12,
        "top_rank",
        _I32,
        "what the top is: 0 a span without parent, 1 an agent or workflow, 2 another, 3 a log record",
    ),
    (13, "top_ns", _I64, "start of the top span, ns since 1970 UTC; NULL where it is started_ns"),
    (14, "started_ns", _I64, "first start of the part's spans, ns since 1970 UTC"),
    (15, "ended_ns", _I64, "last end of the part's spans, ns since 1970 UTC"),
    (16, "has_agent", _BOOL, "whether an agent or workflow span is in it"),
    (17, "has_orphan", _BOOL, "whether a span in it, no agent or workflow, names a parent that has not arrived"),
    (18, "spans", _I64, "spans"),
    (19, "errors", _I64, "spans with status error"),
    (20, "model_calls", _I64, "calls of models"),
    (21, "tool_calls", _I64, "executions of tools"),
    (22, "input_tokens", _I64, "tokens in of its model calls; NULL where none is known"),
    (23, "output_tokens", _I64, "tokens out of its model calls; NULL where none is known"),
    (24, "cost_usd", MONEY, "sum of the lines that stand, USD; NULL where none is known"),
    (25, "unpriced_calls", _I64, "calls with at least one line of unknown cost"),
    (26, "agents", TEXTS, "agents of its calls, in order"),
    (27, "models", TEXTS, "models of its calls, in order"),
    (28, "tools", TEXTS, "tools that its calls ran, in order"),
    (29, "elsewhere", _BOOL, "whether the run is another trace's: a view of one of its calls lies here"),
    (30, "repeats", _I64, "how often the call was made that is repeated most, calls; 0 where none can be compared"),
    (
        31,
        "talk_run_id",
        ID,
        "run of the conversation that the trace goes by; NULL where it is run_id or there is none",
    ),
)

RUN_MERGES = _columns(
    (1, "tenant", TEXT, "tenant"),
    (2, "run_id", ID, "run of a conversation that was joined with another"),
    (3, "into_run_id", ID, "run that it is a part of from then on; it may be a part of a further one"),
    (4, "event_seq", _I64, "event that joined them"),
)

CONFLICTS = _columns(
    (1, "tenant", TEXT, "tenant"),
    (2, "trace_id", TRACE_ID, "identity seen twice"),
    (3, "span_id", SPAN_ID, "identity seen twice"),
    (4, "first_source_seq", _I64, "event of the version that counts"),
    (5, "first_span_index", _I32, "its position there"),
    (6, "source_seq", _I64, "event of the version that does not"),
    (7, "span_index", _I32, "its position there"),
)

QUARANTINE = _columns(
    (1, "tenant", TEXT, "tenant"),
    (2, "source_seq", _I64, "event that holds the bytes"),
    (3, "span_index", _I32, "position of the span, log record or metric there; -1 for the whole event"),
    (4, "reason", TEXT, "why it could not be read"),
    (5, "bytes", pa.large_binary(), "the bytes that could not be read"),
)

EVENTS = _columns(
    (1, "event_seq", _I64, "number of the event"),
    (2, "kind", TEXT, "otlp.traces, otlp.logs, otlp.metrics, or a control kind"),
    (3, "key", TEXT, "key of a control event; empty for telemetry"),
    (4, "tenant", TEXT, "tenant"),
    (5, "principal", TEXT, "who sent it"),
    (6, "transport", TEXT, "grpc, http, import or control"),
    (7, "content_type", TEXT, "encoding of the body"),
    (8, "received_ns", _I64, "receipt, ns since 1970 UTC"),
    (9, "body_bytes", _I64, "length of the body, bytes"),
    (10, "raw_sha256", pa.binary(32), "SHA-256 of the body"),
    (11, "spans", _I64, "new spans that it brought"),
    (12, "duplicates", _I64, "spans, log records or data points it repeated"),
    (13, "effective", _BOOL, "false for a control event whose key was posted before"),
    (14, "logs", _I64, "new log records that it brought"),
    (15, "points", _I64, "new data points of metrics that it brought"),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "spans": SPANS,
    "logs": LOGS,
    "metrics": METRICS,
    "readings": READINGS,
    "residuals": RESIDUALS,
    "placements": PLACEMENTS,
    "charges": CHARGES,
    "rollups": ROLLUPS,
    "run_parts": RUN_PARTS,
    "run_merges": RUN_MERGES,
    "conflicts": CONFLICTS,
    "quarantine": QUARANTINE,
    "events": EVENTS,
    "price_books": PRICE_BOOKS,
    "prices": PRICES,
    "price_overrides": PRICE_OVERRIDES,
    "cost_sources": COST_SOURCES,
    "rerates": RERATES,
    "reconciliations": RECONCILIATIONS,
    "periods": PERIODS,
    "settlings": SETTLINGS,
}
"""Every table that the poster writes, by name."""


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow schema of `columns`, each field and nested field with its `PARQUET:field_id`."""
    return pa.schema([_field(column.name, column.type, column.field_id) for column in columns])


def _field(name: str, kind: pa.DataType, field_id: int) -> pa.Field:
    metadata = {b"PARQUET:field_id": str(field_id).encode()}
    if pa.types.is_map(kind):
        key = _field("key", kind.key_type, field_id * 1000 + 1).with_nullable(False)
        kind = pa.map_(key, _field("value", kind.item_type, field_id * 1000 + 2))
    elif pa.types.is_list(kind):
        kind = pa.list_(_field("element", kind.value_type, field_id * 1000 + 1))
    return pa.field(name, kind, metadata=metadata)


ARROW: Mapping[str, pa.Schema] = {name: arrow_schema(columns) for name, columns in TABLES.items()}


def empty(table: str) -> pa.Table:
    """No rows of `table`."""
    return ARROW[table].empty_table()
