"""Identities of runs. docs/format.md states the formula, and those of views, calls and charges, which views compute."""

from hashlib import sha256

import numpy as np
import pyarrow as pa

ID_BYTES = 16


def field(text: bytes) -> bytes:
    """A part of a hashed identity, with its length before it, so that no two identities share a preimage."""
    return len(text).to_bytes(4, "big") + text


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


def conversation_run(tenant: str, conversation: str, start_ns: int) -> bytes:
    """The id of the run that began at `start_ns` (in 8 bytes, big-endian, before the conversation)."""
    key = start_ns.to_bytes(8, "big", signed=True) + conversation.encode()
    return sha256(run(tenant, "conversation") + field(key)).digest()[:ID_BYTES]


def fixed_binary(data: bytes, width: int, nulls: np.ndarray | None = None) -> pa.Array:
    """`data` as a fixed-size binary column, NULL where `nulls` says so."""
    rows = len(data) // width
    valid = None if nulls is None else pa.array(~nulls).buffers()[1]
    return pa.Array.from_buffers(pa.binary(width), rows, [valid, pa.py_buffer(data)])
