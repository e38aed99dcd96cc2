"""Identities that are derived: views, runs and charges. docs/format.md states each formula for other programs."""

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls.index import mix

ID_BYTES = 16


def field(text: bytes) -> bytes:
    """A part of a hashed identity, with its length before it, so that no two identities share a preimage."""
    return len(text).to_bytes(4, "big") + text


def view_ids(signal: str, tenants: Sequence[str], identities: Sequence[bytes]) -> list[bytes]:
    """First 16 bytes of SHA-256(signal, tenant, identity); the identity of a span is trace_id and span_id."""
    start = field(signal.encode())
    prefixes = {tenant: start + field(tenant.encode()) for tenant in set(tenants)}
    return [
        sha256(prefixes[tenant] + field(identity)).digest()[:ID_BYTES]
        for tenant, identity in zip(tenants, identities, strict=True)
    ]


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


def halves(ids: Sequence[bytes]) -> np.ndarray:
    """(n, 2) uint64 of 16-byte ids."""
    return np.frombuffer(b"".join(ids), dtype=">u8").reshape(-1, 2).astype(np.uint64)


def memo(make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """`make` computed once for each number within one batch."""
    known: dict[int, bytes] = {}

    def get(number: int) -> bytes:
        value = known.get(number)
        if value is None:
            value = known[number] = make(number)
        return value

    return get
