"""Events whose bodies say spans, log records or data points in plain JSON, and the decoding of them: posting is tested
without any dialect."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256

import pyarrow as pa

from ledger.journal.frame import Draft, Event
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS, OTLP_TRACES
from ledger.schema import ARROW

SECOND = 1_000_000_000
EPOCH_NS = 1_790_000_000 * SECOND

DEFAULTS = {
    "name": "span",
    "span_kind": "internal",
    "operation": "other",
    "start_ns": EPOCH_NS,
    "end_ns": EPOCH_NS + SECOND,
    "status": "unset",
    "service_name": "svc",
    "environment": "",
    "usage_status": "not_applicable",
    "scope_name": "test",
    "dialect": "test",
    "mapping_version": 1,
}
GPT = {
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o-mini",
    "usage_status": "reported",
    "input_basis": "inclusive",
}


def span(trace: int, number: int, parent: int | None = None, **fields: object) -> dict[str, object]:
    return {"trace": trace, "span": number, "parent": parent, **fields}


def call(trace: int, number: int, parent: int | None = None, **fields: object) -> dict[str, object]:
    """A gpt-4o-mini call of 1,000 tokens in and 100 out: 1000 * 0.15e-6 + 100 * 0.6e-6 = 0.00021 USD."""
    return span(trace, number, parent, **{**GPT, "input_tokens": 1_000, "output_tokens": 100, **fields})


def agent(trace: int, number: int, parent: int | None = None, name: str = "planner") -> dict[str, object]:
    return span(trace, number, parent, operation="agent", agent_name=name)


def request(*spans: dict[str, object], tenant: str = "default") -> Draft:
    return Draft(kind=OTLP_TRACES, body=json.dumps(spans).encode(), tenant=tenant, transport="grpc")


def log(trace: int | None, span: int | None = None, **fields: object) -> dict[str, object]:
    """A log record that reports a gpt-4o-mini call as `call` does, of the span `span`. Equal ones are the same."""
    told = {**GPT, "input_tokens": 1_000, "output_tokens": 100, "event_name": "api_request", "scope_name": "cli.events"}
    return {"trace": trace, "span": span, **told, **fields}


def records(*logs: dict[str, object], tenant: str = "default") -> Draft:
    return Draft(kind=OTLP_LOGS, body=json.dumps(logs).encode(), tenant=tenant, transport="grpc")


def point(meter: str, value: int | str, at_s: int = 1, **fields: object) -> dict[str, object]:
    """A data point that counts `meter` (calls.meters) of gpt-4o-mini, told as a difference, `at_s` after EPOCH_NS.
    Equal ones are the same."""
    return {"meter": meter, "value": value, "time_ns": EPOCH_NS + at_s * SECOND, **fields}


def points(*said: dict[str, object], tenant: str = "default") -> Draft:
    return Draft(kind=OTLP_METRICS, body=json.dumps(said).encode(), tenant=tenant, transport="grpc")


@dataclass(frozen=True)
class Decoded:
    spans: pa.Table = field(default_factory=ARROW["spans"].empty_table)
    logs: pa.Table = field(default_factory=ARROW["logs"].empty_table)
    metrics: pa.Table = field(default_factory=ARROW["metrics"].empty_table)
    quarantine: pa.Table = field(default_factory=ARROW["quarantine"].empty_table)


def decode(events: Sequence[Event]) -> Decoded:
    assert len({event.kind for event in events}) == 1
    table, row = TABLES[events[0].kind]
    rows = [row(event, index, said) for event in events for index, said in enumerate(json.loads(event.body))]
    return Decoded(**{table: pa.Table.from_pylist(rows, schema=ARROW[table])})


def same_span(a: tuple[Event, int], b: tuple[Event, int]) -> bool:
    return bool(json.loads(a[0].body)[a[1]] == json.loads(b[0].body)[b[1]])


def _row(event: Event, index: int, said: dict[str, object]) -> dict[str, object]:
    row = dict.fromkeys(ARROW["spans"].names) | DEFAULTS | {k: v for k, v in said.items() if k in ARROW["spans"].names}
    row |= {
        "tenant": event.tenant,
        "trace_id": _id(said["trace"], 16),
        "span_id": _id(said["span"], 8),
        "parent_span_id": _id(said["parent"], 8),
        "reported_cost_usd": _usd(row["reported_cost_usd"]),
        "attributes": [],
        "resource": _resource(said),
        "received_ns": event.received_ns,
        "source_seq": event.event_seq,
        "span_index": index,
    }
    return row


def _log_row(event: Event, index: int, said: dict[str, object]) -> dict[str, object]:
    names = ARROW["logs"].names
    row = dict.fromkeys(names) | DEFAULTS | {"time_ns": EPOCH_NS + SECOND, "observed_ns": 0} | said
    row |= {
        "tenant": event.tenant,
        "trace_id": _id(said["trace"], 16),
        "span_id": _id(said["span"], 8),
        "reported_cost_usd": _usd(row["reported_cost_usd"]),
        "attributes": [],
        "resource": _resource(said),
        "content_hash": sha256(json.dumps([event.tenant, said]).encode()).digest()[:16],
        "received_ns": event.received_ns,
        "source_seq": event.event_seq,
        "log_index": index,
    }
    return {name: row[name] for name in names}


POINT: dict[str, object] = {
    "name": "tokens",
    "unit": "",
    "kind": "sum",
    "temporality": "delta",
    "is_monotonic": True,
    "start_ns": EPOCH_NS,
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o-mini",
    "service_name": "svc",
    "environment": "",
    "scope_name": "meters",
}


def _point_row(event: Event, index: int, said: dict[str, object]) -> dict[str, object]:
    names = ARROW["metrics"].names
    row = dict.fromkeys(names) | POINT | {name: value for name, value in said.items() if name in names}
    row |= {
        "tenant": event.tenant,
        "value": float(str(said["value"])),
        "value_int": said["value"] if isinstance(said["value"], int) else None,
        "attributes": list(dict(said.get("attributes", {})).items()),  # type: ignore[call-overload]
        "resource": _resource(said),
        "content_hash": sha256(json.dumps([event.tenant, said]).encode()).digest()[:16],
        "received_ns": event.received_ns,
        "source_seq": event.event_seq,
        "point_index": index,
    }
    return row


def _resource(said: dict[str, object]) -> list[tuple[str, object]]:
    return [("host.name", "here"), ("service.instance.id", said["instance"])] if "instance" in said else []


TABLES = {OTLP_TRACES: ("spans", _row), OTLP_LOGS: ("logs", _log_row), OTLP_METRICS: ("metrics", _point_row)}


def _id(number: object, width: int) -> bytes | None:
    return None if number is None else int(str(number)).to_bytes(width, "big")


def _usd(cost: object) -> Decimal | None:
    return None if cost is None else Decimal(str(cost))
