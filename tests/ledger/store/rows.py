"""Rows as the poster would commit them, made by hand and by seed, for tests of the store and of the views."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ledger.schema import ARROW
from ledger.store import traces

DAY_NS = 86_400 * 10**9
NOON_NS = 1_700_049_600 * 10**9
"""2023-11-15 12:00 UTC."""


def ident(*parts: object, size: int = 16) -> bytes:
    """An id that looks random and is the same in every run."""
    return hashlib.sha256(repr(parts).encode()).digest()[:size]


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of `name`; columns not given are NULL, but the tenant, which is `default`."""
    filled = [{"tenant": "default"} | dict(row) for row in rows]
    return pa.Table.from_pylist(filled, schema=ARROW[name])


def event(seq: int, received_ns: int = NOON_NS, **more: Any) -> dict[str, Any]:
    row = {
        "event_seq": seq, "kind": "otlp.traces", "key": "", "principal": "anonymous", "transport": "grpc",
        "content_type": "application/x-protobuf", "received_ns": received_ns, "body_bytes": 100,
        "raw_sha256": ident("body", seq, size=32), "spans": 0, "duplicates": 0, "effective": True,
    }  # fmt: skip
    return row | more


def span(seq: int, index: int, trace: object, **more: Any) -> dict[str, Any]:
    start_ns = NOON_NS + seq % 1_000_000 * 10**9 + index * 10**6
    row = {
        "trace_id": ident("trace", trace), "span_id": ident("span", trace, seq, index, size=8), "name": f"chat {index}",
        "span_kind": "client", "operation": "chat", "start_ns": start_ns, "end_ns": start_ns + 250 * 10**6,
        "status": "ok", "service_name": "shop", "environment": "prod", "provider": "openai", "request_model": "gpt-5",
        "input_tokens": 1000 + index, "output_tokens": 50, "input_basis": "inclusive", "usage_status": "reported",
        "reported_cost_usd": None, "attributes": [("server.address", "api.openai.com"), ("n", str(index))],
        "resource": [("service.name", "shop")], "scope_name": "test", "dialect": "otel_gen_ai", "mapping_version": 1,
        "received_ns": NOON_NS, "source_seq": seq, "span_index": index,
    }  # fmt: skip
    return row | more


def placement(seq: int, of: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Of the span `of`, whose id goes with it, though it is no column of placements, so that `charge` finds it."""
    row = {
        "trace_id": of["trace_id"], "span_id": of["span_id"], "run_id": ident("run", of["trace_id"]),
        "run_rule": "trace", "agent_name": "shop", "agent_rule": "provisional", "kind": "model", "billed": True,
        "reason": "only view", "event_seq": seq, "source_seq": of["source_seq"], "span_index": of["span_index"],
        "signal": "span",
    }  # fmt: skip
    return row | more


def view_id(of: Mapping[str, Any], tenant: str = "default") -> str:
    """Of a span or placement, made from the words of docs/format.md; of the earliest view of a call, its call_id."""
    fields = (b"span", tenant.encode(), of["trace_id"] + of["span_id"])
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in fields)).hexdigest()[:32]


def charge_id(of: Mapping[str, Any]) -> str:
    """Of a charge row, made from the words of docs/format.md."""
    call = view_id({**of, "span_id": of.get("call_span_id") or of["span_id"]}, of.get("tenant", "default"))
    return hashlib.sha256(f"charge/{call}/{of['unit']}/{of['event_seq']}/{of['line']}".encode()).hexdigest()[:32]


def charge(seq: int, of: Mapping[str, Any], cost: str | None, **more: Any) -> dict[str, Any]:
    """A line on the call of placement `of`."""
    row = {
        "trace_id": of["trace_id"], "span_id": of["span_id"], "run_id": of["run_id"], "agent_name": of["agent_name"],
        "service_name": "shop", "environment": "prod", "provider": "openai", "model": "gpt-5",
        "unit": "fresh_input_tokens", "booked_quantity": 1000, "unit_price_usd": Decimal("1.250000000000"),
        "per": 1_000_000, "booked_cost_usd": dollars(cost), "basis": "computed", "entry": "booked",
        "status": "unpriced" if cost is None else "priced", "charged_ns": NOON_NS, "recorded_ns": NOON_NS,
        "event_seq": seq, "line": 0, "signal": "span",
    }  # fmt: skip
    return row | more


def rollup(seq: int, cost: str, **more: Any) -> dict[str, Any]:
    row = {
        "hour_ns": NOON_NS, "environment": "prod", "service_name": "shop", "agent_name": "shop", "provider": "openai",
        "model": "gpt-5", "tool_name": "", "user_id": "", "team": "", "kind": "model", "calls": 1, "errors": 0,
        "input_tokens": 1000, "output_tokens": 50, "cost_usd": dollars(cost), "unpriced_calls": 0, "event_seq": seq,
        "beneath_tool": "", "credential": "", "result_usd": Decimal(0), "result_calls": 0,
        "agents_usd": Decimal(0),
    }  # fmt: skip
    return row | more


def dollars(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text).quantize(Decimal("0.000000000001"))


@dataclass(frozen=True)
class Commit:
    """Arguments of `Catalog.commit`."""

    cursor: int
    rows: dict[str, pa.Table]
    traces: traces.Pairs
    keys: dict[str, int]
    state: dict[str, bytes | None]

    def apply(self, catalog: Any) -> None:
        catalog.commit(cursor=self.cursor, rows=self.rows, traces=self.traces, keys=self.keys, state=self.state)


def commit(cursor: int, rows: Mapping[str, Iterable[Mapping[str, Any]]], **more: Any) -> Commit:
    """A commit of `rows` with the traces of its spans."""
    full = {name: table(name, part) for name, part in rows.items()}
    return Commit(cursor, full, new_pairs(full.get("spans")), more.get("keys", {}), more.get("state", {}))


def new_pairs(spans: pa.Table | None) -> traces.Pairs:
    if spans is None:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    hashes = traces.trace_hashes(spans["tenant"], spans["trace_id"])
    pairs = np.unique(np.rec.fromarrays([hashes, spans["source_seq"].to_numpy()]))
    return pairs["f0"].copy(), pairs["f1"].copy()


def post_event(seq: int, spans_count: int = 5, *, days: int = 1) -> Commit:
    """All that posting one synthetic event writes: a pure function of its arguments."""
    received_ns = NOON_NS + (seq % days) * DAY_NS
    spans = [span(seq, i, trace=(seq // 2, i // 3), received_ns=received_ns) for i in range(spans_count)]
    placements = [placement(seq, one) for one in spans]
    charges = [charge(seq, one, "0.001250") for one in placements]
    return commit(
        seq,
        {
            "events": [event(seq, received_ns, spans=spans_count)],
            "spans": spans,
            "placements": placements,
            "charges": charges,
            "rollups": [rollup(seq, "0.001250")],
        },
        keys={f"key-{seq}": seq},
        state={"tail": str(seq).encode()},
    )


def joined(commits: Iterable[Commit]) -> Commit:
    """Several commits as one, as a larger batch of the poster would write them."""
    all_of = list(commits)
    names = dict.fromkeys(name for one in all_of for name in one.rows)
    rows = {name: pa.concat_tables([one.rows[name] for one in all_of if name in one.rows]) for name in names}
    pairs = (np.concatenate([one.traces[0] for one in all_of]), np.concatenate([one.traces[1] for one in all_of]))
    keys = {key: seq for one in all_of for key, seq in one.keys.items()}
    state = {name: body for one in all_of for name, body in one.state.items()}
    return Commit(all_of[-1].cursor, rows, pairs, keys, state)
