"""Attributes as bytes that a fuzzer can change and that always mean some: the input of the target `dialects`.

One attribute is two bytes for the key, one for the kind of value, two for its length, and the value.
"""

import struct
from collections.abc import Callable, Iterator, Mapping

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.conformance.good import attribute, int_field
from tests.ingest.decode.made import KEYS, SCOPES
from tests.ingest.otlp import field

TEXT, INT, DOUBLE, BOOL, BYTES, ARRAY, KIND = range(7)
INT_BYTES = 8
KINDS: Mapping[int, Callable[[bytes], bytes]] = {
    TEXT: lambda value: field(1, value),
    INT: lambda value: int_field(3, int.from_bytes(value[:INT_BYTES], "little")),
    DOUBLE: lambda value: b"\x21" + value[:8].ljust(8, b"\0"),
    BOOL: lambda value: b"\x10" + bytes([len(value) % 2]),
    BYTES: lambda value: field(7, value),
    ARRAY: lambda value: field(5, value),
    KIND: lambda value: value,
}
"""Kind -> AnyValue on the wire. The last takes the bytes as they are."""
HEAD = struct.Struct("<HBH")


def span_of(data: bytes) -> tuple[bytes, bytes]:
    """The name of a scope, and the wire bytes of a span without ids whose attributes `data` means."""
    scope = SCOPES[data[0] % len(SCOPES)] if data else ""
    at, attributes = 1, list[bytes]()
    while at + HEAD.size <= len(data):
        key, kind, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        value = data[at : at + size]
        at += size
        attributes.append(attribute(KEYS[key % len(KEYS)], KINDS[kind % len(KINDS)](value)))
    return scope.encode(), field(5, data[-8:].hex().encode()) + b"".join(attributes)


def data_of(span: Span, scope: str) -> bytes:
    """What `span_of` reads as the attributes of `span` that some dialect knows."""
    known = [pair for pair in span.attributes if pair.key in KEYS]
    first = SCOPES.index(scope) if scope in SCOPES else 0
    return bytes([first]) + b"".join(_pieces(known))


def _pieces(pairs: list[object]) -> Iterator[bytes]:
    for pair in pairs:
        key, value = pair.key, pair.value  # type: ignore[attr-defined]
        member = value.WhichOneof("value")
        kind, data = KIND, value.SerializeToString()[:2_000]
        if member == "string_value":
            kind, data = TEXT, value.string_value.encode()[:2_000]
        elif member == "int_value":
            kind, data = INT, (value.int_value % 2**64).to_bytes(INT_BYTES, "little")
        yield HEAD.pack(KEYS.index(key), kind, len(data)) + data
