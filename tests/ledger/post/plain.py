"""Events whose bodies say spans in plain JSON, and the decoding of them: posting is tested without any dialect."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ledger.journal.frame import Draft, Event
from ledger.journal.kinds import OTLP_TRACES
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


@dataclass(frozen=True)
class Decoded:
    spans: pa.Table
    quarantine: pa.Table


def decode(events: Sequence[Event]) -> Decoded:
    rows = [_row(event, index, said) for event in events for index, said in enumerate(json.loads(event.body))]
    return Decoded(pa.Table.from_pylist(rows, schema=ARROW["spans"]), ARROW["quarantine"].empty_table())


def same_span(a: tuple[Event, int], b: tuple[Event, int]) -> bool:
    return bool(json.loads(a[0].body)[a[1]] == json.loads(b[0].body)[b[1]])


def _row(event: Event, index: int, said: dict[str, object]) -> dict[str, object]:
    row = dict.fromkeys(ARROW["spans"].names) | DEFAULTS | {k: v for k, v in said.items() if k in ARROW["spans"].names}
    parent = said["parent"]
    row |= {
        "tenant": event.tenant,
        "trace_id": int(said["trace"]).to_bytes(16, "big"),
        "span_id": int(said["span"]).to_bytes(8, "big"),
        "parent_span_id": None if parent is None else int(parent).to_bytes(8, "big"),
        "attributes": [],
        "resource": [],
        "received_ns": event.received_ns,
        "source_seq": event.event_seq,
        "span_index": index,
    }
    return row
