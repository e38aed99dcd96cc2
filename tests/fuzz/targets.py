"""What is fuzzed: one function a target, which takes any bytes and raises only when the product is at fault.

Errors that the product means to raise (the classes of ledger.errors) are answers; anything else, and any
disagreement between two readers of the same bytes, is a finding.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
from google.protobuf.message import DecodeError
from google_crc32c import value as crc32c

from ingest.decode import Decoded, decode, same_span
from ingest.decode.fast import read_fast
from ingest.decode.lenient import Slice, read_lenient, span_slices
from ingest.decode.rows import sheet_of
from ingest.decode.walk import read_walk
from ingest.decompress import DECODERS, decompress
from ingest.door import Checked, check
from ingest.json_otlp import REQUESTS, to_protobuf
from ingest.sheet import Attributes, Sheet
from ledger.books.book import PriceBook, seed_body
from ledger.books.charge import price
from ledger.books.cost_sources import read_choice
from ledger.books.format import encode
from ledger.books.order import read_order
from ledger.books.override import NONE
from ledger.books.periods import read_closing
from ledger.books.reconciled import body_of, read_reconciliation
from ledger.books.rule_events import read_removal, read_set, set_body
from ledger.books.statements import sources
from ledger.books.statements.statement import covered
from ledger.errors import LedgerError
from ledger.journal.control import decode_append, decode_reply, message_bytes
from ledger.journal.file import HEADER_BYTES, decode_file_header
from ledger.journal.frame import MAGIC, PREFIX, BadFrame, to_event
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS
from ledger.journal.mark import decode_slots
from ledger.journal.recover import survey
from ledger.journal.sealed import FOOTER_BYTES, SealedFile, is_sealed
from ledger.journal.walk import walk
from ledger.post.intake import int64
from ledger.post.pricing import PRICED_FROM, with_times
from tests.conformance.good import resource, span, trace_of
from tests.fuzz.attributes import span_of
from tests.ingest.decode.made import JSON, event
from tests.ingest.otlp import field, ids

LIMITS = MappingProxyType({"records_max": 10_000, "elements_max": 100_000})
SIGNALS = ("traces", "logs", "metrics")
BODY_BYTES_MAX = 1 << 20
IDS = ids(bytes(range(1, 17)), bytes(range(1, 9)))
GOOD = field(1, field(1, resource("good")) + field(2, field(2, span(trace_of("good")))))

GOOD_LOG = field(1, field(2, field(2, field(12, b"e"))))
GOOD_METRIC = field(1, field(2, field(2, field(1, b"m") + field(5, field(1, b"")))))


def door(data: bytes) -> None:
    """The door counts what a full parser counts, and refuses nothing that one takes."""
    for signal in SIGNALS:
        try:
            request = REQUESTS[signal].FromString(data)  # type: ignore[attr-defined]
        except DecodeError:
            request = None
        try:
            checked = check(signal, data, **LIMITS)
        except LedgerError:
            assert request is None or len(data) > LIMITS["records_max"], "refused what a full parser takes"
            continue
        if request is not None and signal == "traces":
            spans = [one for group in request.resource_spans for scope in group.scope_spans for one in scope.spans]
            bad = sum(not _has_ids(one) for one in spans)
            assert checked == Checked(len(spans), bad), (checked, len(spans), bad)


def _has_ids(one: object) -> bool:
    trace_id, span_id, parent = one.trace_id, one.span_id, one.parent_span_id  # type: ignore[attr-defined]
    sizes = (len(trace_id), len(span_id)) == (16, 8) and len(parent) in (0, 8)
    return sizes and any(trace_id) and any(span_id)


def readers(data: bytes) -> None:
    """The readers of the wire form give one Sheet, whichever takes the request and whichever hands it on."""
    fast, walked = (_sheet(read, data) for read in (read_fast, read_walk))
    if fast is None or walked is None:
        assert fast is walked
        return
    for name in set(Sheet.__dataclass_fields__) - {"resource", "resources", "attributes"}:
        assert list(getattr(fast, name)) == list(getattr(walked, name)), name
    assert _pairs(fast.attributes) == _pairs(walked.attributes)
    # Groups without a span have a row with one reader and none with another.
    one, other = ([_pairs(sheet.resources)[row] for row in sheet.resource] for sheet in (fast, walked))
    assert one == other


def _sheet(read: Callable[[list[bytes]], tuple[Sheet | None, list[int]]], data: bytes) -> Sheet | None:
    sheet, refused = read([data])
    rows, _ = read_lenient(0, data) if refused else ([], [])
    sheet = sheet_of(rows) if rows else sheet
    return sheet if sheet is not None and len(sheet) else None


def _pairs(found: Attributes) -> list[list[tuple[object, ...]]]:
    """By owner: key, text, kind of value and integer of each attribute."""
    pairs: list[list[tuple[object, ...]]] = [[] for _ in range(found.owners)]
    rows = zip(found.owner, found.key.to_pylist(), found.text.to_pylist(), found.member, found.integer, strict=True)
    for owner, *rest in rows:
        pairs[owner].append(tuple(rest))
    return pairs


def decoders(data: bytes) -> None:
    """The fast and the walking decoder give the same rows; what the door rejects is what has no row; a good neighbour
    stays; a span is the same as itself."""
    fast, walked = both([event(data, 2), event(GOOD, 3)])
    assert fast.spans.equals(walked.spans), (fast.spans.to_pylist(), walked.spans.to_pylist())
    assert fast.quarantine.equals(walked.quarantine), (fast.quarantine.to_pylist(), walked.quarantine.to_pylist())
    fast.spans.validate(full=True)
    assert 3 in fast.spans["source_seq"].to_pylist(), "the neighbour is lost"
    read = fast.spans.num_rows - 1
    bad = [row for row in fast.quarantine.to_pylist() if row["span_index"] >= 0]
    with suppress(LedgerError):
        checked = check("traces", data, **LIMITS)
        assert checked.records == read + len(bad), (checked, read, bad)
        assert checked.rejected <= len(bad), (checked, bad)
        assert checked.rejected == len(bad) or any("does not read" in row["reason"] for row in bad)
    assert all(same_span((event(data), n), (event(data), n)) for n in range(min(3, read + len(bad))))


def both(events: list[object]) -> tuple[Decoded, Decoded]:
    """`events` as both decoders read them."""
    found = []
    for name in ("ptars", "walk"):
        os.environ["SPANLEDGER_DECODER"] = name
        found.append(decode(events))  # type: ignore[arg-type]
    del os.environ["SPANLEDGER_DECODER"]
    return found[0], found[1]


def lenient(data: bytes) -> None:
    """The reader for what no parser takes reads anything, and finds as many spans as it can name."""
    rows, unread = read_lenient(0, data)
    slices = [found for found in span_slices(data) if isinstance(found, Slice)]
    assert len(rows) + sum(item.index >= 0 for item in unread) == len(slices)
    one = field(1, field(2, field(2, IDS + data)))
    decode([event(one)])


def logs(data: bytes) -> None:
    """Both decoders read the same log records; what the door rejects has no row; a good neighbour stays."""
    of_logs = [replace(event(body, seq), kind=OTLP_LOGS) for seq, body in ((2, data), (3, GOOD_LOG))]
    fast, walked = both(of_logs)
    assert fast.logs.equals(walked.logs), (fast.logs.to_pylist(), walked.logs.to_pylist())
    assert fast.quarantine.equals(walked.quarantine), (fast.quarantine.to_pylist(), walked.quarantine.to_pylist())
    fast.logs.validate(full=True)
    assert 3 in fast.logs["source_seq"].to_pylist(), "the neighbour is lost"
    bad = [row for row in fast.quarantine.to_pylist() if row["span_index"] >= 0]
    with suppress(LedgerError):
        checked = check("logs", data, **LIMITS)
        assert (checked.records, checked.rejected <= len(bad)) == (fast.logs.num_rows - 1 + len(bad), True)


def metrics(data: bytes) -> None:
    """Any request of metrics becomes data points or is quarantined, and a good neighbour stays."""
    got = decode([replace(event(body, seq), kind=OTLP_METRICS) for seq, body in ((2, data), (3, GOOD_METRIC))])
    got.metrics.validate(full=True)
    assert 3 in got.metrics["source_seq"].to_pylist(), "the neighbour is lost"


def json_otlp(data: bytes) -> None:
    """Any JSON is converted or refused; what is converted reads, and record by record as it was converted."""
    for signal in SIGNALS:
        with suppress(LedgerError):
            got = to_protobuf(signal, data)  # type: ignore[arg-type]
            REQUESTS[signal]().ParseFromString(got.wire)
            checked = check(signal, got.wire, **LIMITS).of_json(got)
            assert checked.rejected >= len(got.misfits)
            checked.message("spans").encode()
            if signal == "traces":
                read = decode([event(data, content_type=JSON)])
                assert (read.spans.num_rows, read.quarantine.num_rows) == (
                    checked.records - checked.rejected,
                    checked.rejected,
                )


def http_body(data: bytes) -> None:
    """A compressed body unfolds within its bound or is refused. The first byte chooses the encoding."""
    encodings = sorted(DECODERS)
    encoding = encodings[data[0] % len(encodings)] if data else ""
    with suppress(LedgerError):
        assert len(decompress(data[1:], encoding, BODY_BYTES_MAX)) <= BODY_BYTES_MAX


def frames(data: bytes) -> None:
    """Frames of a journal file, as they are and with checksums that hold."""
    for file in (data, _with_checksums(data)):
        with suppress(BadFrame, LedgerError):
            for found in walk(_Memory(file), 0, len(file), chunk_bytes=512):
                to_event(found.frame, 1, found.offset)


def _with_checksums(data: bytes) -> bytes:
    """`data` as it would be if each thing that begins like a frame had the right checksum."""
    file, at = bytearray(data), data.find(MAGIC)
    while 0 <= at <= len(file) - PREFIX.size:
        length = int.from_bytes(file[at + 4 : at + 8], "little")
        file[at + 8 : at + 12] = crc32c(bytes(file[at + 12 : at + 12 + length])).to_bytes(4, "little")
        at = data.find(MAGIC, at + 1)
    return bytes(file)


class _Memory:
    """A file's bytes as the readers of the journal take them."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        return


def journal_file(data: bytes) -> None:
    """A whole journal file: surveyed as recovery does, or read as a sealed one; and the durable mark."""
    path = Path("0000000001.journal")
    with suppress(LedgerError):
        decode_slots(data, path)
    for file in (data, _sealed_again(data)):
        with suppress(LedgerError, BadFrame):
            if is_sealed(file):
                sealed = SealedFile(_Memory(file), path)
                for found in walk(sealed, HEADER_BYTES, sealed.end, chunk_bytes=512):
                    to_event(found.frame, 1, found.offset)
            else:
                survey(_Memory(file), decode_file_header(file[:HEADER_BYTES], path), path)


def _sealed_again(data: bytes) -> bytes:
    """A sealed file whose footer's checksum holds; any other gets checksums in its frames."""
    if not is_sealed(data) or len(data) < FOOTER_BYTES:
        return data[:HEADER_BYTES] + _with_checksums(data[HEADER_BYTES:])
    from ledger.journal.sealed import BLOCKS_AT, FOOTER, _checksum

    tail = data[-FOOTER_BYTES:]
    index_offset = int.from_bytes(tail[:8], "little")
    footer = tail[: FOOTER.size]
    checksum = _checksum(data[:BLOCKS_AT], data[index_offset : len(data) - FOOTER_BYTES], footer)
    return data[:-FOOTER_BYTES] + footer[:-4] + checksum.to_bytes(4, "little") + tail[FOOTER.size :]


def control(data: bytes) -> None:
    """Messages on the control socket."""
    for read in (decode_append, decode_reply):
        with suppress(LedgerError):
            read(data)
    with suppress(LedgerError):
        message_bytes(data[:4].ljust(4, b"\0"))


def dialects(data: bytes) -> None:
    """Any values under the keys that dialects know become columns, the same by both decoders, and are priced."""
    scope, attributes = span_of(data)
    body = field(1, field(2, field(1, field(1, scope)) + field(2, IDS + attributes)))
    fast, walked = both([event(body)])
    assert fast.spans.equals(walked.spans)
    rows = fast.spans.select(PRICED_FROM).append_column("row", pa.array(range(len(fast.spans))))
    ends_ns, received_ns = int64(fast.spans["end_ns"]), int64(fast.spans["received_ns"])
    lines = price(with_times(rows, ends_ns, received_ns), _seed_book())
    assert not any(cost is not None and cost.is_nan() for cost in lines["cost_usd"].to_pylist())


@cache
def _seed_book() -> PriceBook:
    return PriceBook.parse(seed_body())


def price_book(data: bytes) -> None:
    """A book is read or refused: one as bytes, and one of records as JSON."""
    with suppress(LedgerError):
        PriceBook.parse(data)
    try:
        body = encode(json.loads(data), "fuzz", "1")
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError, pa.ArrowException):
        return  # no records that a book could be made of
    with suppress(LedgerError):
        book = PriceBook.parse(body)
        book.matcher.find("openai", "gpt-4o", None)


def price_changes(data: bytes) -> None:
    """A body of an event about prices or costs is read or refused, and rules that are read can be folded and tried."""
    for read in (read_removal, read_order, read_closing, read_choice):
        with suppress(LedgerError):
            read(data)
    with suppress(LedgerError):
        found = read_reconciliation(data)
        assert read_reconciliation(body_of(found)) == found
    with suppress(LedgerError):
        rules = read_set(data)
        assert read_set(set_body(rules)) == rules
        for rule in NONE.with_rules(rules).ranked:
            rule.matches_model("gpt-4o-2024-08-06")
            rule.matches_tool("web_search")


def statements(data: bytes) -> None:
    """A file that is to be what a provider bills is read or refused."""
    with suppress(LedgerError):
        covered(sources.read(data).buckets)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "door": door,
    "readers": readers,
    "decoders": decoders,
    "lenient": lenient,
    "logs": logs,
    "metrics": metrics,
    "json": json_otlp,
    "http": http_body,
    "frames": frames,
    "journal": journal_file,
    "control": control,
    "dialects": dialects,
    "prices": price_book,
    "price changes": price_changes,
    "statements": statements,
}
"""Name -> target. A new one is a function here and its seeds in tests/fuzz/seeds.py."""
