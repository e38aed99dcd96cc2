"""Identity and reversal of charge lines."""

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import Refused
from ledger.money import Int64s
from ledger.schema import ID

_VERSION = b"ch1"
_UNIT_BYTES = 24
_CANONICAL = np.dtype(
    [("version", "S3"), ("call_id", "V16"), ("event_seq", ">i8"), ("line", ">u4"), ("unit", f"S{_UNIT_BYTES}")]
)
assert _CANONICAL.itemsize == 55, "one byte more and SHA-256 takes two blocks"


def charge_ids(call_ids: pa.Array, units: pa.Array, event_seq: Int64s, line: Int64s) -> pa.Array:
    """The id of each line: the first 16 bytes of SHA-256 over 55 bytes.

    They are `ch1`, the call id (16 bytes), event_seq (8 bytes, big-endian, signed), the line's position among those of
    its call and event (4 bytes, big-endian, unsigned) and the unit in ASCII, padded with zero bytes to 24.
    """
    records = np.zeros(len(call_ids), _CANONICAL)
    records["version"] = _VERSION
    records["call_id"] = _fixed(call_ids)
    records["event_seq"], records["line"] = event_seq, line
    records["unit"] = _unit_names(units)
    step, size = _CANONICAL.itemsize, records.nbytes
    canonical = records.tobytes()
    digests = [sha256(canonical[at : at + step], usedforsecurity=False).digest()[:16] for at in range(0, size, step)]
    return pa.Array.from_buffers(ID, len(digests), [None, pa.py_buffer(b"".join(digests))])


def _fixed(ids: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    if ids.null_count or not ids.type.equals(ID):
        raise Refused(f"charge ids need a call id of 16 bytes for every line, got {ids.null_count} nulls in {ids.type}")
    start = 16 * ids.offset
    return np.frombuffer(ids.buffers()[1], np.uint8)[start : start + 16 * len(ids)].view("V16")


def _unit_names(units: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    encoded = units.dictionary_encode()
    names = [name.encode("ascii") for name in encoded.dictionary.to_pylist()]
    too_long = [name for name in names if len(name) > _UNIT_BYTES]
    if too_long:
        raise Refused(f"unit {too_long[0]!r} is longer than the {_UNIT_BYTES} bytes that a charge id has room for")
    return np.asarray(np.array(names or [b""], f"S{_UNIT_BYTES}")[encoded.indices.to_numpy()])


def reverse(lines: pa.Table) -> pa.Table:
    """Lines that take `lines` (schema.CHARGES) back: quantity and costs negative, basis and price as they were.

    What the new event decides stays to be set by the caller: charge_id, line, event_seq, reason, recorded_ns,
    accounting_ns.
    """
    reversed_lines = lines
    for name in ("quantity", "list_cost_usd", "cost_usd"):
        reversed_lines = _replaced(reversed_lines, name, pc.negate(lines[name]))
    reversed_lines = _replaced(reversed_lines, "entry", pa.repeat(pa.scalar("reversal", pa.string()), len(lines)))
    return _replaced(reversed_lines, "reverses", lines["charge_id"])


def _replaced(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(position), values.cast(table.schema.field(position).type))
