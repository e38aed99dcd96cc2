"""Identities that are derived: views, runs and charges. docs/format.md states each formula for other programs."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls.index import mix

ID_BYTES = 16
SPAN_IDENTITY_BYTES = 24


def field(text: bytes) -> bytes:
    """A part of a hashed identity, with its length before it, so that no two identities share a preimage."""
    return len(text).to_bytes(4, "big") + text


def span_view_ids(tenants: Sequence[str], identities: bytes) -> bytes:
    """First 16 bytes of SHA-256("span", tenant, trace_id + span_id) of each span, one after the other.

    identities: the 24 bytes of every span, one after the other.
    """
    width = SPAN_IDENTITY_BYTES
    tail = width.to_bytes(4, "big")
    prefixes = {tenant: field(b"span") + field(tenant.encode()) + tail for tenant in set(tenants)}
    return b"".join(
        sha256(prefixes[tenant] + identities[at : at + width]).digest()[:ID_BYTES]
        for tenant, at in zip(tenants, range(0, len(identities), width), strict=True)
    )


def run_id(tenant: str, rule: str, key: bytes) -> bytes:
    """First 16 bytes of SHA-256(tenant, rule, key)."""
    return sha256(field(tenant.encode()) + field(rule.encode()) + field(key)).digest()[:ID_BYTES]


def charge_ids(call_ids: np.ndarray, units: np.ndarray, event_seqs: np.ndarray, lines: np.ndarray) -> pa.Array:
    """Charge ids of n lines: two 64-bit mixes of (call_id, unit number, event_seq, line), big-endian.

    call_ids: (n, 2) uint64, big-endian halves of the call's SHA-256 id, which carries the collision resistance: two
    lines of one call differ in (event_seq, line). units: number of the unit in `books.units`.
    """
    halves = [
        mix(np.full(len(units), salt), call_ids[:, 0], call_ids[:, 1], units, event_seqs, lines) for salt in (1, 2)
    ]
    return fixed_binary(np.stack(halves, axis=1).astype(">u8").tobytes(), ID_BYTES)


def fixed_binary(data: bytes, width: int, nulls: np.ndarray | None = None) -> pa.Array:
    """`data` as a fixed-size binary column, NULL where `nulls` says so."""
    rows = len(data) // width
    valid = None if nulls is None else pa.array(~nulls).buffers()[1]
    return pa.Array.from_buffers(pa.binary(width), rows, [valid, pa.py_buffer(data)])
