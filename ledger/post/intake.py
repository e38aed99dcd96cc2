"""Decoded spans as columns of numbers, ready for the forest."""

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books.units import GENERATING_OPERATIONS
from ledger.calls.apart import moments, stands_apart
from ledger.calls.authority import authorities
from ledger.calls.columns import Interner
from ledger.calls.forest import LOG, METRIC, SPAN, NewSpans
from ledger.calls.residual import sums_up
from ledger.calls.roles import MODEL, TOOL, roles
from ledger.schema import SPANS

CLOCK_AHEAD_NS_MAX = 5 * 60 * 1_000_000_000
"""A span that ends more than this after its receipt has a clock that is ahead: its receipt is taken for its end."""


NAME_CHARACTERS_MAX = 256
"""Of a name that placements and charges repeat. The span itself keeps the whole."""


@dataclass
class Texts:
    """Everything textual that open traces hold, by what it is."""

    tenant: Interner = field(default_factory=Interner)
    agent: Interner = field(default_factory=Interner)
    conversation: Interner = field(default_factory=Interner)
    user: Interner = field(default_factory=Interner)
    team: Interner = field(default_factory=Interner)
    run: Interner = field(default_factory=Interner)
    """Ids of runs and of turns."""
    service: Interner = field(default_factory=Interner)
    environment: Interner = field(default_factory=Interner)
    provider: Interner = field(default_factory=Interner)
    model: Interner = field(default_factory=Interner)
    tool: Interner = field(default_factory=Interner)
    scope: Interner = field(default_factory=Interner)
    credential: Interner = field(default_factory=Interner)

    @property
    def characters(self) -> int:
        """Of all texts together."""
        return sum(interner.characters for interner in vars(self).values())


_TEXT_COLUMNS = {
    "own_agent": ("agent", "agent_name"),
    "own_conversation": ("conversation", "conversation_id"),
    "own_user": ("user", "user_id"),
    "own_team": ("team", "team"),
    "own_run": ("run", "run_key"),
    "own_turn": ("run", "turn_id"),
    "service": ("service", "service_name"),
    "environment": ("environment", "environment"),
    "provider": ("provider", "provider"),
    "tool": ("tool", "tool_name"),
    "scope": ("scope", "scope_name"),
    "credential": ("credential", "credential"),
}
"""Forest column -> (interner, span column)."""


UNITS = tuple(column.name for column in SPANS if column.name.endswith("_tokens"))
"""Columns of usage: the more of them a view fills, the more it knows of its call."""

READ = tuple(
    dict.fromkeys(
        (
            *(column for _, column in _TEXT_COLUMNS.values()),
            *(
                "tenant",
                "trace_id",
                "span_id",
                "parent_span_id",
                "response_model",
                "request_model",
                "operation",
                "status",
            ),
            *("usage_status", "start_ns", "end_ns", "received_ns", "source_seq", "span_index", "response_id", *UNITS),
            *("input_digest", "output_bytes", "tool_call_id"),
        )
    )
)
"""Columns of schema.SPANS that `intake` reads."""


def halves(column: pa.ChunkedArray) -> np.ndarray:
    """(n, k) uint64 of a fixed-size binary column of k * 8 bytes, big-endian; NULL as whatever bytes lie there."""
    array = column.combine_chunks()
    width = array.type.byte_width
    data = np.frombuffer(array.buffers()[1], dtype=np.uint8)[array.offset * width : (array.offset + len(array)) * width]
    halves: np.ndarray = data.view(">u8").reshape(len(array), width // 8).astype(np.uint64)
    return halves


def clipped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """`texts`, each cut to NAME_CHARACTERS_MAX."""
    longest = (len(texts) and pc.max(pc.binary_length(texts)).as_py()) or 0
    return pc.utf8_slice_codeunits(texts, 0, NAME_CHARACTERS_MAX) if longest > NAME_CHARACTERS_MAX else texts


def int64(column: pa.ChunkedArray, null: int = 0) -> np.ndarray:
    numbers: np.ndarray = pc.fill_null(column, null).to_numpy()
    return numbers


def intake(spans: pa.Table, texts: Texts) -> NewSpans:
    """`spans`: log_views.VIEWS. Pricing columns (line_first, line_count, unpriced, metered) are filled by
    `pricing.attach`."""
    trace, span, parent = halves(spans["trace_id"]), halves(spans["span_id"]), halves(spans["parent_span_id"])
    own = {name: getattr(texts, kind).codes(clipped(spans[column])) for name, (kind, column) in _TEXT_COLUMNS.items()}
    own["model"] = texts.model.codes(clipped(pc.coalesce(spans["response_model"], spans["request_model"])))
    own["asked_model"] = texts.model.codes(clipped(pc.coalesce(spans["request_model"], spans["response_model"])))
    own["role"] = roles(spans["operation"])
    own["response"] = hashes(spans["response_id"], own["role"] == MODEL)
    own["execution"] = hashes(spans["tool_call_id"], own["role"] == TOOL)
    own["units"] = sum(spans[unit].is_valid().to_numpy().astype(np.uint8) for unit in UNITS)
    own["authority"] = authorities(spans["scope_name"])
    own["failed"] = _equals(spans["status"], "error")
    own["has_usage"] = _equals(spans["usage_status"], "reported")
    own["charged_ns"] = charged_ns(int64(spans["end_ns"]), int64(spans["received_ns"]))
    own["began_ns"] = began_ns(int64(spans["start_ns"]), int64(spans["end_ns"]), int64(spans["received_ns"]))
    own["ended_ns"] = np.maximum(own["began_ns"], int64(spans["end_ns"]))
    for name in ("source_seq", "span_index", "input_tokens", "output_tokens", "input_digest"):
        own[name] = int64(spans[name])
    content, own["signal"] = halves(spans["content_hash"]), spans["signal"].to_numpy()
    is_log = own["signal"] == LOG
    own["content_hi"], own["content_lo"] = content[:, 0], content[:, 1]
    own["own_turn"][is_log & (trace != content).any(axis=1)] = -1  # with a trace it belongs where its span does
    has_parent = spans["parent_span_id"].is_valid().to_numpy()
    own["is_root"] = ~has_parent & (own["signal"] == SPAN)
    for name in ("input", "output"):
        own[f"{name}_known"] = spans[f"{name}_tokens"].is_valid().to_numpy()
    own["moment"] = _moments(spans, own, is_log)
    own["sums_up"] = sums_up(own, spans["scope_name"])
    own["output_bytes"] = int64(spans["output_bytes"], null=-1)
    own["generates"] = pc.is_in(spans["operation"], value_set=pa.array(GENERATING_OPERATIONS)).to_numpy()
    own["digest_known"] = spans["input_digest"].is_valid().to_numpy()
    return NewSpans(
        tenant=texts.tenant.codes(spans["tenant"]).astype(np.int64),
        trace_hi=trace[:, 0],
        trace_lo=trace[:, 1],
        span=span[:, 0],
        parent=parent[:, 0],
        has_parent=has_parent,
        own=own,
    )


def hashes(texts: pa.ChunkedArray, among: np.ndarray) -> np.ndarray:
    """64-bit hash of each text, 0 where there is none and of what is not `among` those wanted."""
    found = np.zeros(len(texts), dtype=np.uint64)
    known = np.flatnonzero(among & texts.is_valid().to_numpy())
    digests = b"".join([sha256(text.encode()).digest()[:8] for text in texts.take(pa.array(known)).to_pylist()])
    found[known] = np.frombuffer(digests, dtype=">u8")
    return found


def _moments(spans: pa.Table, own: dict[str, np.ndarray], is_log: np.ndarray) -> np.ndarray:
    """Of the views that stand apart (calls.apart), 0 of the others."""
    reports = (own["role"] == MODEL) & own["input_known"] & (own["signal"] < METRIC)
    at = stands_apart(spans["scope_name"], is_log, own["response"] != 0, reports)
    found = np.zeros(len(reports), dtype=np.uint64)
    found[at] = moments(spans["service_name"].take(pa.array(at)), own["input_tokens"][at], own["ended_ns"][at])
    return found


def select(spans: NewSpans, which: np.ndarray) -> NewSpans:
    return NewSpans(
        tenant=spans.tenant[which],
        trace_hi=spans.trace_hi[which],
        trace_lo=spans.trace_lo[which],
        span=spans.span[which],
        parent=spans.parent[which],
        has_parent=spans.has_parent[which],
        own={name: values[which] for name, values in spans.own.items()},
    )


def charged_ns(end_ns: np.ndarray, received_ns: np.ndarray) -> np.ndarray:
    """When the cost arose: the end, or the receipt where the end is absent or lies too far ahead of it."""
    return np.where((end_ns <= 0) | (received_ns < end_ns - CLOCK_AHEAD_NS_MAX), received_ns, end_ns)


def began_ns(start_ns: np.ndarray, end_ns: np.ndarray, received_ns: np.ndarray) -> np.ndarray:
    """When the span began: one that says no time (0) happened, as far as anybody knows, when it was received."""
    said: np.ndarray = np.where(start_ns != 0, start_ns, end_ns)
    return np.where(said != 0, said, received_ns)


def _equals(column: pa.ChunkedArray, text: str) -> np.ndarray:
    equal: np.ndarray = pc.fill_null(pc.equal(column, pa.scalar(text, column.type)), False).to_numpy()
    return equal
