"""The part of OTLP's requests of spans and logs that becomes columns, as a protobuf schema without recursion.

Same field numbers as opentelemetry-proto, with one change that makes it fit Arrow: `AnyValue.array_value` and
`kvlist_value` are declared `repeated bytes`. On the wire both are length-delimited, so their own bytes come out
untouched (nested.py reads them), and one that is set twice over is seen, which protobuf merges: of plain `bytes` only
the last would come out. What is left out (events, links, flags, ...) stays in the journal. See docs/adr/0007.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "spanledger.reduced"

MESSAGES: Mapping[str, tuple[tuple[int, str, str], ...]] = {
    # message -> (field number, name, type); `*` marks a repeated field, a capital another message.
    "AnyValue": (
        (1, "string_value", "string"),
        (2, "bool_value", "bool"),
        (3, "int_value", "int64"),
        (4, "double_value", "double"),
        (5, "array_value", "*bytes"),
        (6, "kvlist_value", "*bytes"),
        (7, "bytes_value", "bytes"),
    ),
    "KeyValue": ((1, "key", "string"), (2, "value", "AnyValue")),
    "Resource": ((1, "attributes", "*KeyValue"),),
    "Scope": ((1, "name", "string"),),
    "Status": ((2, "message", "string"), (3, "code", "int32")),
    "Span": (
        (1, "trace_id", "bytes"),
        (2, "span_id", "bytes"),
        (4, "parent_span_id", "bytes"),
        (5, "name", "string"),
        (6, "kind", "int32"),
        (7, "start_ns", "fixed64"),
        (8, "end_ns", "fixed64"),
        (9, "attributes", "*KeyValue"),
        (15, "status", "Status"),
    ),
    "ScopeSpans": ((1, "scope", "Scope"), (2, "spans", "*Span")),
    "ResourceSpans": ((1, "resource", "Resource"), (2, "scope_spans", "*ScopeSpans")),
    "Request": ((1, "resource_spans", "*ResourceSpans"),),
    "LogRecord": (
        (1, "time_ns", "fixed64"),
        (2, "severity_number", "int32"),
        (3, "severity", "string"),
        (5, "body", "AnyValue"),
        (6, "attributes", "*KeyValue"),
        (9, "trace_id", "bytes"),
        (10, "span_id", "bytes"),
        (11, "observed_ns", "fixed64"),
        (12, "event_name", "string"),
    ),
    "ScopeLogs": ((1, "scope", "Scope"), (2, "log_records", "*LogRecord")),
    "ResourceLogs": ((1, "resource", "Resource"), (2, "scope_logs", "*ScopeLogs")),
    "LogsRequest": ((1, "resource_logs", "*ResourceLogs"),),
}

_Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "fixed64": _Field.TYPE_FIXED64,
    "double": _Field.TYPE_DOUBLE,
}


@cache
def handler(request: str = "Request") -> Any:
    """ptars' converter of wire requests to Arrow. Made once; making it costs about a millisecond."""
    file = _described()
    return ptars.HandlerPool([file]).get_for_message(file.message_types_by_name[request])


@cache
def message(request: str = "Request") -> Any:
    """The same request as a class of protobuf's own parser, which is the judge of its wire form."""
    return message_factory.GetMessageClass(_described().message_types_by_name[request])


@cache
def _described() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    return pool.FindFileByName(f"{PACKAGE}.proto")


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=f"{PACKAGE}.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for number, field_name, kind in fields:
            _add_field(message, number, field_name, kind)
    return file


def _add_field(message: Any, number: int, name: str, kind: str) -> None:
    label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
    field = message.field.add(number=number, name=name, label=label)
    kind = kind.removeprefix("*")
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    if message.name == "AnyValue" and label == _Field.LABEL_OPTIONAL:
        field.oneof_index = 0  # presence: an empty string is not an absent one
