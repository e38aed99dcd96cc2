"""Identities that are derived: views, runs and charges. docs/format.md states each formula for other programs."""

from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls.index import mix

ID_BYTES = 16


def field(text: bytes) -> bytes:
    """A part of a hashed identity, with its length before it, so that no two identities share a preimage."""
    return len(text).to_bytes(4, "big") + text


def span_view(tenant: str) -> bytes:
    """What stands before trace_id and span_id in the identity of a span's view."""
    return field(b"span") + field(tenant.encode())


def run(tenant: str, rule: str) -> bytes:
    """What stands before the key in the identity of a run."""
    return field(tenant.encode()) + field(rule.encode())


def hashed(before: bytes, keys: np.ndarray) -> np.ndarray:
    """First 16 bytes of SHA-256(before, field(key)) of each key, as (n, 2) uint64, big-endian halves.

    keys: (n, k) uint64, each row a key of 8 * k bytes, big-endian.
    """
    width = 8 * keys.shape[1]
    before, raw = before + width.to_bytes(4, "big"), keys.astype(">u8").tobytes()
    ids = b"".join(sha256(before + raw[at : at + width]).digest()[:ID_BYTES] for at in range(0, len(raw), width))
    return np.frombuffer(ids, dtype=">u8").reshape(-1, 2).astype(np.uint64)


def hashed_text(before: bytes, key: str) -> np.ndarray:
    """The same of one key that is text: 2 uint64."""
    return np.frombuffer(sha256(before + field(key.encode())).digest()[:ID_BYTES], dtype=">u8").astype(np.uint64)


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
