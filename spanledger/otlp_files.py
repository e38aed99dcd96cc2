"""OTLP files on the way into the journal: which signal, which encoding, and cut into events of a bearable size.

A request message is a sequence of its Resource entries (field 1), so it can be cut between any two of them without
decoding a span: each piece is a valid request with the very bytes of the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ledger.errors import Refused

EVENT_BYTES_MAX = 4 * 1024 * 1024
"""Size a piece is cut to. A single Resource entry over it stays whole: there is nothing to cut at."""
FILE_BYTES_MAX = 2 * 1024**3
"""A larger file is refused: it is read into memory."""

Signal = Literal["traces", "logs", "metrics"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")
SUFFIXES = {".binpb": "protobuf", ".pb": "protobuf", ".json": "json", ".jsonl": "jsonl"}
RESOURCE_TAG = 0x0A
"""Field 1, length-delimited: resource_spans, resource_logs, resource_metrics of the three Export requests."""


@dataclass(frozen=True)
class OtlpFile:
    """A file to bring in: what it holds and how it is written."""

    path: Path
    signal: Signal
    encoding: str


def recognise(path: Path, signal: Signal | None = None) -> OtlpFile:
    """Signal and encoding by the name: `*.traces.binpb`, `*.logs.json`, ... `signal` overrides the name."""
    encoding = SUFFIXES.get(path.suffix.lower())
    if encoding is None:
        raise Refused(f"{path}: the name ends in {path.suffix!r}, expected one of {', '.join(SUFFIXES)}")
    words = path.name.lower().split(".")[:-1]
    named = signal or next((word for word in reversed(words) if word in SIGNALS), None)
    if named is None:
        raise Refused(f"{path}: the name does not say which signal; name it *.traces{path.suffix}, or give --signal")
    return OtlpFile(path, named, encoding)


def pieces(file: OtlpFile, bytes_max: int = EVENT_BYTES_MAX) -> Iterator[bytes]:
    """The file as OTLP requests in protobuf of at most `bytes_max`, in order."""
    size = file.path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise Refused(f"{file.path}: {size:,} bytes, at most {FILE_BYTES_MAX:,}; split it")
    for body in _bodies(file):
        yield from cut(body, bytes_max, str(file.path))


def _bodies(file: OtlpFile) -> Iterator[bytes]:
    raw = file.path.read_bytes()
    if file.encoding == "protobuf":
        yield raw
        return
    from ingest.json_otlp import to_protobuf

    documents = [line for line in raw.splitlines() if line.strip()] if file.encoding == "jsonl" else [raw]
    for number, document in enumerate(documents, 1):
        try:
            converted = to_protobuf(file.signal, document)
        except Refused as error:
            raise Refused(f"{file.path}, document {number}: {error}") from error
        # A sender must not lose a batch for one record; whoever holds the file can mend it, and nothing is half done.
        if converted.misfits:
            raise Refused(f"{file.path}, document {number}: {converted.misfits[0].reason}")
        yield converted.wire


def cut(body: bytes, bytes_max: int, place: str) -> Iterator[bytes]:
    """`body` between its Resource entries, as few pieces as the limit permits. Unknown fields stay where they are."""
    start = end = 0
    for after in _entries(body, place):
        if after - start > bytes_max and end > start:
            yield body[start:end]
            start = end
        end = after
    if end > start:
        yield body[start:end]


def _entries(body: bytes, place: str) -> Iterator[int]:
    """End of each top-level field of a protobuf message."""
    at = 0
    while at < len(body):
        tag, after = _varint(body, at, place)
        wire_type = tag & 7
        if tag == RESOURCE_TAG or wire_type == 2:
            length, after = _varint(body, after, place)
            at = after + length
        elif wire_type == 0:
            _, at = _varint(body, after, place)
        elif wire_type in {1, 5}:
            at = after + (8 if wire_type == 1 else 4)
        else:
            raise Refused(f"{place}: byte {at} is no protobuf field (wire type {wire_type}); is this an OTLP request?")
        if at > len(body):
            raise Refused(f"{place}: a field runs to byte {at:,}, the file ends at {len(body):,}; is it cut short?")
        yield at


def _varint(body: bytes, at: int, place: str) -> tuple[int, int]:
    value = shift = 0
    while at < len(body) and shift < 64:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise Refused(f"{place}: byte {at:,} is no protobuf number; is this an OTLP request?")
