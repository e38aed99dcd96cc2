"""Spans that no honest sender sends, one a line: what is added to a good span on the wire, or to one as JSON text.

Whatever is added comes last, and of a field sent twice the last one counts. `fate` is what has to become of the span;
its 100 good siblings are stored and cost what they cost, whatever it is.
"""

import struct
from collections.abc import Callable, Mapping
from enum import Enum

from tests.conformance.good import attribute, fixed64, int_field
from tests.ingest.otlp import field, nested_attribute, string_attribute, varint

IN, OUT, COST = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cost"
MODEL, AGENT = "gen_ai.request.model", "gen_ai.agent.name"
BAD = b"\xff\xfe caf\xe9"
MIB = 1 << 20


class Fate(Enum):
    """What becomes of a poisoned span."""

    BILLED = "stored, and costs what it would without the poison"
    STORED = "stored; what it costs is not known, or no longer the same"
    REJECTED = "counted in the answer as rejected, and quarantined"
    FOUND = "acked, then found broken inside and quarantined"


BILLED, STORED, REJECTED, FOUND = Fate


def text(key: str, value: bytes) -> bytes:
    return string_attribute(key.encode(), value)


def double(key: str, value: float) -> bytes:
    return attribute(key, b"\x21" + struct.pack("<d", value))


def integer(key: str, value: int) -> bytes:
    return attribute(key, int_field(3, value))


def nested_map(depth: int) -> bytes:
    value = b""
    for _ in range(depth):
        value = field(6, field(1, field(1, b"k") + field(2, value)))
    return attribute("deep", value)


def groups(depth: int) -> bytes:
    """A field of a kind that protobuf gave up long ago, in itself."""
    return varint(99 << 3 | 3) * depth + varint(99 << 3 | 4) * depth


SPANS: Mapping[str, tuple[bytes, Fate]] = {
    # Text that is no UTF-8
    "utf8-name": (field(5, BAD), BILLED),
    "utf8-key": (string_attribute(BAD, b"v"), BILLED),
    "utf8-value": (string_attribute(b"k", BAD), BILLED),
    "utf8-in-array": (attribute("k", field(5, field(1, field(1, BAD)))), BILLED),
    "utf8-in-map-key": (attribute("k", field(6, field(1, field(1, BAD)))), BILLED),
    "utf8-in-map-value": (attribute("k", field(6, field(1, field(1, b"k") + field(2, field(1, BAD))))), BILLED),
    "utf8-trace-state": (field(3, BAD), BILLED),
    "utf8-status": (field(15, field(2, BAD)), BILLED),
    "utf8-event-name": (field(11, field(2, BAD)), BILLED),
    "utf8-link-state": (field(13, field(3, BAD)), BILLED),
    "utf8-agent": (text(AGENT, BAD), BILLED),
    "utf8-model": (text(MODEL, BAD), STORED),
    "utf8-surrogate": (field(5, b"\xed\xa0\x80"), BILLED),
    "utf8-overlong": (field(5, b"\xc0\xaf"), BILLED),
    "utf8-control": (field(5, b"a\0b\x1b[31m\n\xe2\x80\xae\xef\xbf\xbe"), BILLED),
    # Ids
    "trace-zero": (field(1, bytes(16)), REJECTED),
    "trace-empty": (field(1, b""), REJECTED),
    "trace-short": (field(1, b"\1" * 15), REJECTED),
    "trace-long": (field(1, b"\1" * 17), REJECTED),
    "trace-huge": (field(1, b"\1" * MIB), REJECTED),
    "span-zero": (field(2, bytes(8)), REJECTED),
    "span-empty": (field(2, b""), REJECTED),
    "span-short": (field(2, b"\1" * 7), REJECTED),
    "span-long": (field(2, b"\1" * 9), REJECTED),
    "parent-zero": (field(4, bytes(8)), BILLED),
    "parent-short": (field(4, b"\1" * 7), REJECTED),
    "parent-long": (field(4, b"\1" * 16), REJECTED),
    "parent-itself": (field(4, bytes(7) + b"\1"), BILLED),
    # Depth
    "arrays-48": (nested_attribute(48), BILLED),
    "arrays-100": (nested_attribute(100), BILLED),
    "arrays-10000": (nested_attribute(10_000), BILLED),
    "maps-48": (nested_map(48), BILLED),
    "maps-100": (nested_map(100), BILLED),
    "maps-10000": (nested_map(10_000), BILLED),
    "groups-2": (groups(2), BILLED),
    "groups-10000": (groups(10_000), REJECTED),
    # Money
    "cost-nan": (double(COST, float("nan")), BILLED),
    "cost-inf": (double(COST, float("inf")), BILLED),
    "cost-minus-inf": (double(COST, float("-inf")), BILLED),
    "cost-negative": (double(COST, -1.0), BILLED),
    "cost-minus-zero": (double(COST, -0.0), BILLED),
    "cost-1e308": (double(COST, 1e308), BILLED),
    "cost-tiny": (double(COST, 5e-324), BILLED),
    "cost-text": (text(COST, b"a lot"), BILLED),
    "cost-text-nan": (text(COST, b"NaN"), BILLED),
    "cost-text-long": (text(COST, b"9" * 5_000), BILLED),
    "cost-map": (attribute(COST, field(6, b"")), BILLED),
    # Counts
    "tokens-negative": (integer(IN, -5), STORED),
    "tokens-int64-max": (integer(IN, 2**63 - 1), STORED),
    "tokens-int64-min": (integer(IN, -(2**63)), STORED),
    "tokens-2-to-53": (integer(IN, 2**53), STORED),
    "tokens-double": (double(IN, 36_000.0), BILLED),
    "tokens-double-half": (double(IN, 0.5), STORED),
    "tokens-double-1e300": (double(IN, 1e300), STORED),
    "tokens-double-nan": (double(IN, float("nan")), STORED),
    "tokens-text": (text(IN, b"36000"), BILLED),
    "tokens-text-exponent": (text(IN, b"3.6e4"), STORED),
    "tokens-text-5000-digits": (text(IN, b"9" * 5_000), STORED),
    "tokens-text-arabic": (text(IN, "٣٦٠٠٠".encode()), STORED),
    "tokens-bool": (attribute(IN, b"\x10\x01"), STORED),
    "tokens-array": (attribute(IN, field(5, field(1, int_field(3, 36_000)))), STORED),
    "tokens-unset": (attribute(IN, b""), STORED),
    "tokens-out-negative": (integer(OUT, -1), STORED),
    "cache-beyond-input": (integer("gen_ai.usage.cache_read.input_tokens", 2**52), STORED),
    # Size
    "key-1-mib": (text("k" * MIB, b"v"), BILLED),
    "value-1-mib": (text("k", b"v" * MIB), BILLED),
    "name-1-mib": (field(5, b"n" * MIB), BILLED),
    "agent-1-mib": (text(AGENT, b"a" * MIB), BILLED),
    "model-1-mib": (text(MODEL, b"gpt-4o" * 180_000), STORED),
    "provider-1-mib": (text("gen_ai.provider.name", b"p" * MIB), STORED),
    "conversation-1-mib": (text("gen_ai.conversation.id", b"c" * MIB), BILLED),
    "run-1-mib": (text("spanledger.run.id", b"r" * MIB), BILLED),
    "bytes-1-mib": (attribute("b", field(7, b"\xff" * MIB)), BILLED),
    "status-1-mib": (field(15, field(2, b"m" * MIB)), BILLED),
    "attributes-5000": (b"".join(text(f"k{n}", b"v") for n in range(5_000)), BILLED),
    "attributes-same-key-5000": (text("k", b"v") * 5_000, BILLED),
    "attributes-no-key-5000": (field(9, b"") * 5_000, BILLED),
    "events-5000": (field(11, b"") * 5_000, BILLED),
    "links-5000": (field(13, b"") * 5_000, BILLED),
    "array-100000-empty": (attribute("a", field(5, field(1, b"") * 100_000)), BILLED),
    "map-50000-empty": (attribute("a", field(6, field(1, b"") * 50_000)), BILLED),
    # Wire form
    "name-as-varint": (int_field(5, 7), BILLED),
    "trace-as-varint": (int_field(1, 7), BILLED),
    "trace-as-fixed": (fixed64(1, 7), BILLED),
    "start-as-text": (field(7, b"1"), BILLED),
    "kind-as-text": (field(6, b"SPAN_KIND_CLIENT"), BILLED),
    "attributes-as-varint": (int_field(9, 7), BILLED),
    "value-as-varint": (field(9, field(1, b"k") + int_field(2, 7)), BILLED),
    "int-as-text": (attribute(IN, field(3, b"7")), STORED),
    "value-set-twice": (attribute("k", field(1, b"s") + int_field(3, 7)), BILLED),
    "value-twice": (field(9, field(1, b"k") + field(2, field(1, b"a")) + field(2, int_field(3, 7))), BILLED),
    "key-twice": (field(9, field(1, b"k") + field(1, b"l")), BILLED),
    "status-twice": (field(15, int_field(3, 1)) + field(15, field(2, b"m")), BILLED),
    "name-twice": (field(5, b"a") + field(5, b"b"), BILLED),
    "unknown-field": (field(536_870_911, b"x") + int_field(5_000, 1), BILLED),
    "strindex": (field(9, field(1, b"k") + field(2, int_field(8, 3)) + int_field(3, 4)), BILLED),
    "varint-padded": (varint(6 << 3) + b"\x83" + b"\x80" * 8 + b"\0", BILLED),
    "varint-of-11-bytes": (varint(6 << 3) + b"\x83" + b"\x80" * 9 + b"\0", REJECTED),
    "tag-padded": (b"\xaa\x80\x80\x00\x01n", BILLED),
    "tag-zero": (b"\x00\x00", REJECTED),
    "tag-beyond-32-bits": (b"\x80\x80\x80\x80\x80\x01\x00", REJECTED),
    "wire-type-6": (b"\x06", REJECTED),
    "wire-type-7": (b"\x07", REJECTED),
    "group-never-ends": (varint(99 << 3 | 3), REJECTED),
    "group-never-began": (varint(99 << 3 | 4), REJECTED),
    "group-ends-as-another": (varint(99 << 3 | 3) + varint(98 << 3 | 4), REJECTED),
    "cut-in-a-length": (b"\x2a\x7fshort", REJECTED),
    "cut-in-a-tag": (b"\x80", REJECTED),
    "cut-in-a-fixed": (b"\x39\0\0", REJECTED),
    "length-of-2-to-63": (b"\x2a" + varint(2**63) + b"x", REJECTED),
    "attribute-cut-inside": (field(9, b"\x0a\x7fkey"), FOUND),
    "value-cut-inside": (field(9, field(1, b"k") + field(2, b"\x0a\x7fv")), FOUND),
    "array-cut-inside": (attribute("k", field(5, b"\x0a\x7f")), FOUND),
    "group-ends-in-attribute": (field(9, field(1, b"k") + varint(14 << 3 | 4)), FOUND),
    "status-cut-inside": (field(15, b"\x12\x7f"), FOUND),
    "event-cut-inside": (field(11, b"\x12\x7f"), BILLED),
    "link-cut-inside": (field(13, b"\x0a\x7f"), BILLED),
    # Numbers where there should be others
    "start-absent": (fixed64(7, 0), BILLED),
    "end-absent": (fixed64(8, 0), BILLED),
    "times-absent": (fixed64(7, 0) + fixed64(8, 0), BILLED),
    "end-before-start": (fixed64(8, 1), BILLED),
    "times-uint64-max": (fixed64(7, 2**64 - 1) + fixed64(8, 2**64 - 1), BILLED),
    "times-2262": (fixed64(7, 2**63) + fixed64(8, 2**63), BILLED),
    "kind-99": (int_field(6, 99), BILLED),
    "kind-negative": (int_field(6, -1), BILLED),
    "kind-beyond-32-bits": (int_field(6, 2**40 + 3), BILLED),
    "status-99": (field(15, int_field(3, 99)), BILLED),
    "flags-all": (varint(16 << 3 | 5) + b"\xff" * 4, BILLED),
    "dropped-all": (int_field(10, 2**32 - 1) + int_field(12, 2**32 - 1) + int_field(14, 2**32 - 1), BILLED),
}
"""Name -> (what is added to the wire bytes of a good span, its fate)."""

GROUPS: Mapping[str, tuple[bytes, bytes]] = {
    "utf8-resource-key": (field(1, field(1, BAD) + field(2, field(1, b"v"))), b""),
    "utf8-resource-value": (field(1, field(1, b"service.name") + field(2, field(1, BAD))), b""),
    "utf8-scope-name": (b"", field(1, BAD)),
    "utf8-scope-attribute": (b"", field(3, field(1, BAD))),
    "resource-1-mib": (field(1, field(1, b"service.name") + field(2, field(1, b"s" * MIB))), b""),
    "resource-arrays-10000": (nested_attribute(10_000).replace(b"\x4a", b"\x0a", 1), b""),
    "resource-attributes-5000": (field(1, field(1, b"k") + field(2, field(1, b"v"))) * 5_000, b""),
    "scope-1-mib": (b"", field(1, b"s" * MIB)),
    "scope-cut-inside": (b"", b"\x0a\x7f"),
}
"""Name -> (bytes of the resource, bytes of the scope) of a request whose spans are good and stay so."""

LONG_JSON = b'{"k":' * 10_000 + b"1" + b"}" * 10_000


def json_arrays(depth: int) -> bytes:
    return b'{"arrayValue":{"values":[' * depth + b"{}" + b"]}}" * depth


def json_value(value: bytes) -> bytes:
    return b'"attributes":[{"key":"k","value":%s}]' % value


JSON_SPANS: Mapping[str, tuple[bytes, Fate]] = {
    "kind-by-name": (b'"kind":"SPAN_KIND_CLIENT"', REJECTED),
    "kind-half": (b'"kind":1.5', REJECTED),
    "kind-5000-digits": (b'"kind":' + b"9" * 5_000, REJECTED),
    "start-5000-digits": (b'"startTimeUnixNano":"%s"' % (b"9" * 5_000), REJECTED),
    "start-nan": (b'"startTimeUnixNano":NaN', REJECTED),
    "start-negative": (b'"startTimeUnixNano":-1', REJECTED),
    "name-a-number": (b'"name":7', REJECTED),
    "name-nan": (b'"name":NaN', REJECTED),
    "name-null": (b'"name":null', BILLED),
    "name-surrogate": (b'"name":"\\ud800"', BILLED),
    "name-no-utf8": (b'"name":"%s"' % BAD, BILLED),
    "name-nul": (b'"name":"a\\u0000b"', BILLED),
    "name-twice": (b'"name":"a","name":"b"', BILLED),
    "key-no-utf8": (b'"%s":1' % BAD, BILLED),
    "unknown-5000-digits": (b'"newField":' + b"9" * 5_000, BILLED),
    "unknown-1e999": (b'"newField":1e999', BILLED),
    "unknown-nan": (b'"newField":[NaN,Infinity,-Infinity]', BILLED),
    "unknown-deep": (b'"newField":' + LONG_JSON, BILLED),
    "unknown-deep-arrays": (b'"newField":' + b"[" * 100_000 + b"]" * 100_000, BILLED),
    "snake-case": (b'"trace_id":"00","span_id":7', BILLED),
    "trace-odd-hex": (b'"traceId":"abc"', REJECTED),
    "trace-no-hex": (b'"traceId":"%s"' % (b"zz" * 16), REJECTED),
    "trace-base64": (b'"traceId":"W47/95gDgQPSabYzgT/GDA=="', REJECTED),
    "trace-zero": (b'"traceId":"%s"' % (b"00" * 16), REJECTED),
    "trace-empty": (b'"traceId":""', REJECTED),
    "trace-number": (b'"traceId":123', REJECTED),
    "span-long": (b'"spanId":"%s"' % (b"11" * 9), REJECTED),
    "parent-odd-hex": (b'"parentSpanId":"abc"', REJECTED),
    "parent-empty": (b'"parentSpanId":""', BILLED),
    "attributes-a-map": (b'"attributes":{"k":"v"}', REJECTED),
    "attribute-a-number": (b'"attributes":[7]', REJECTED),
    "value-plain": (json_value(b'"plain"'), REJECTED),
    "value-bool-as-text": (json_value(b'{"boolValue":"true"}'), REJECTED),
    "value-int-as-word": (json_value(b'{"intValue":"many"}'), REJECTED),
    "value-int-2-to-63": (json_value(b'{"intValue":"9223372036854775808"}'), REJECTED),
    "value-bytes-no-base64": (json_value(b'{"bytesValue":"*"}'), REJECTED),
    "value-double-as-word": (json_value(b'{"doubleValue":"much"}'), REJECTED),
    "value-double-inf": (json_value(b'{"doubleValue":"-Infinity"}'), STORED),
    "value-null": (json_value(b"null"), STORED),
    "value-unknown-kind": (json_value(b'{"dateValue":"today"}'), STORED),
    "arrays-30": (json_value(json_arrays(30)), STORED),
    "arrays-48": (json_value(json_arrays(48)), REJECTED),
    "arrays-10000": (json_value(json_arrays(10_000)), REJECTED),
    "events-null": (b'"events":null', BILLED),
    "events-a-number": (b'"events":3', REJECTED),
    "status-text": (b'"status":"OK"', REJECTED),
    "name-1-mib": (b'"name":"%s"' % (b"n" * MIB), BILLED),
    "key-1-mib": (b'"%s":1' % (b"k" * MIB), BILLED),
}
"""Name -> (members that are added to the JSON of a good span, its fate). `attributes` replaces those that it had."""

ENVELOPES: Mapping[str, bytes] = {
    "one-byte": b"\xff",
    "text": b"not a protobuf",
    "json": b'{"resourceSpans":[]}',
    "resource-cut": b"\x0a\x7f\x12\x02",
    "scope-cut": field(1, b"\x12\x7f"),
    "span-cut": field(1, field(2, b"\x12\x7f\x0a")),
    "group-open": varint(1 << 3 | 3),
    "wire-type-7": b"\x0f",
}
"""Name -> a body that is no request at all: nothing in it is a span, so it is refused whole."""

JSON_ENVELOPES: Mapping[str, bytes] = {
    "nothing": b"",
    "open": b"{",
    "array": b"[]",
    "word": b"nul",
    "number": b"7",
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "digits": b'{"a":' + b"9" * 5_000,
    "bom-twice": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "utf16": '{"resourceSpans":[]}'.encode("utf-16"),
    "no-utf8": b"\xff{}",
    "spans-a-map": b'{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
    "resource-spans-a-number": b'{"resourceSpans":3}',
    "open-string": b'{"resourceSpans":"' + b'\\"' * 100_000,
}

BOMBS: Mapping[str, Callable[[int], bytes]] = {
    "spans": lambda n: field(1, field(2, field(2, b"") * n)),
    "resources": lambda n: field(1, b"") * n,
    "scopes": lambda n: field(1, field(2, b"") * n),
    "attributes": lambda n: field(1, field(2, field(2, field(9, b"") * n))),
    "events": lambda n: field(1, field(2, field(2, field(11, b"") * n))),
    "values": lambda n: field(1, field(2, field(2, attribute("a", field(5, field(1, b"") * n))))),
    "resource-attributes": lambda n: field(1, field(1, field(1, b"") * n)),
}
"""Name -> `n` empty messages in two bytes each, which objects would unfold a hundredfold."""
