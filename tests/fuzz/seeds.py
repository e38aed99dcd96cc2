"""Where each target starts from: small real things and the poison corpus, and whatever was found once (found/)."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.decompress import DECODERS
from ledger.books.cost_sources import Choice, choice_body
from ledger.books.order import Order, order_body
from ledger.books.periods import Closing, closing_body
from ledger.books.reconciled import Compared, Reconciliation, body_of
from ledger.books.rule_events import Removal, removal_body, rule_of, set_body
from ledger.errors import Overloaded
from ledger.journal.append import JournalWriter
from ledger.journal.control import LENGTH, encode_append, encode_appended, encode_error
from ledger.journal.disk import POSIX
from ledger.journal.file import file_path
from ledger.journal.frame import Draft
from ledger.journal.options import JournalOptions
from ledger.journal.seal import seal_file
from ledger.paths import DataDir
from tests.conformance import good, poison
from tests.fuzz.attributes import data_of
from tests.golden.variants import one_span_a_request, otlp_json
from tests.ingest import otlp
from tests.ingest.decode import made_logs
from tests.ingest.decode.made import CAPTURES
from tests.ingest.otlp import JSON_REQUESTS, SIGNALS, request
from tests.ledger.books.made import offer, price_record, provider_record
from tests.ledger.journal.history import SimClock, SimRng

SEED_BYTES_MAX = 4_096
FOUND = Path(__file__).parent / "found"
PER_SAMPLE = 2


def sample_spans() -> Iterator[bytes]:
    """Some requests of one span of each sample."""
    for path in CAPTURES.values():
        small = [one for one in one_span_a_request(path.read_bytes()) if len(one) <= SEED_BYTES_MAX]
        yield from small[:PER_SAMPLE]


def requests() -> Iterator[bytes]:
    """Requests as protobuf, good and bad."""
    yield from (request(signal) for signal in SIGNALS)
    yield from sample_spans()
    yield from poison.ENVELOPES.values()
    for name, (added, _) in poison.SPANS.items():
        yield good.around(name, good.span(good.trace_of(name), 9) + added, 1)
    for of, scope in poison.GROUPS.values():
        yield good.group([good.span(good.trace_of("group"))], of, scope)
    yield from (bomb(50) for bomb in poison.BOMBS.values())


def of_logs() -> Iterator[bytes]:
    """Requests of logs, good ones and those that hold the poison of spans in their attributes."""
    yield from (path.read_bytes()[:SEED_BYTES_MAX] for path in made_logs.CAPTURES.values())
    for added, _ in poison.SPANS.values():
        yield otlp.envelope(b"", otlp.as_log_attribute(added), b"")


def of_metrics() -> Iterator[bytes]:
    yield from (path.read_bytes()[:SEED_BYTES_MAX] for path in made_logs.METRIC_CAPTURES.values())
    yield from (otlp.envelope(added) for added, _ in poison.SPANS.values())


def json_requests() -> Iterator[bytes]:
    yield from JSON_REQUESTS.values()
    yield from (otlp_json(body) for body in sample_spans())
    yield from poison.JSON_ENVELOPES.values()
    for name, (added, _) in poison.JSON_SPANS.items():
        yield good.json_around(name, good.json_with(good.trace_of(name), added), 1)


def compressed() -> Iterator[bytes]:
    """An encoding's number, and a body so encoded."""
    packers: Mapping[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.compress,
    }
    for encoding, pack in packers.items():
        number = bytes([sorted(DECODERS).index(encoding)])
        for body in (b"", b"hello" * 100, bytes(3 << 20), request("traces")):
            yield number + pack(body)
            yield number + pack(body) * 2
            yield number + pack(body)[:-5]


def journal_files() -> Iterator[bytes]:
    """A journal file with a few events, and the same sealed; and the durable mark beside it."""
    with TemporaryDirectory() as root:
        data = DataDir(Path(root) / "data")
        with JournalWriter.open(
            data, clock=SimClock(), rng=SimRng(), options=JournalOptions(file_bytes_max=4_096, seal=False)
        ) as writer:
            for number in range(8):
                writer.append(Draft("otlp.traces", bytes([number]) * 900, key=f"key {number}"))
        yield (data.run / "durable").read_bytes()
        yield file_path(data.journal, 1).read_bytes()
        seal_file(POSIX, data.journal, 1, level=3)
        yield file_path(data.journal, 1).read_bytes()


def frames() -> Iterator[bytes]:
    from ledger.journal.file import HEADER_BYTES
    from ledger.journal.sealed import is_sealed

    yield from (file[HEADER_BYTES:] for file in journal_files() if not is_sealed(file))


def messages() -> Iterator[bytes]:
    sent = (
        encode_append(Draft("otlp.traces", b"body", key="k")),
        encode_appended(7),
        encode_error(Overloaded("disk full")),
    )
    for message in sent:
        yield message
        yield message[LENGTH.size :]


def attributes() -> Iterator[bytes]:
    for path in CAPTURES.values():
        for group in ExportTraceServiceRequest.FromString(path.read_bytes()).resource_spans:
            for scope in group.scope_spans:
                yield from (data_of(span, scope.scope.name) for span in scope.spans[:PER_SAMPLE])


def books() -> Iterator[bytes]:
    """Records of a price book as JSON; the prices are whole dollars, which JSON has."""
    clause = {"or": [{"equals": "m"}, {"regex": "^m-[0-9]+$"}, {"and": [{"starts_with": "m"}, {"contains": "x"}]}]}
    model = [{"record": "model", "provider": "p", "model": "m", "clause": json.dumps(clause)}]
    price = price_record("p", "m", "output_tokens", "1") | {"price_usd": 1}
    records = [provider_record("p", {"equals": "p"}, {"starts_with": "m"}, ("q",)), *model, price]
    assert offer("p", "m", clause)[0]["clause"] == model[0]["clause"]
    yield json.dumps(records).encode()
    yield json.dumps([*records, price | {"price_id": "again", "tier_from": 1}]).encode()
    graduated = price | {"tier_rule": "graduated"}
    yield json.dumps(
        [*records[:-1], graduated | {"tier_to": 5}, graduated | {"price_id": "again", "tier_from": 5}]
    ).encode()


def price_changes() -> Iterator[bytes]:
    rule = {"id": "r", "model": "gpt-4o*", "reason": "agreed", "author": "jane", "valid_from_ns": 0}
    fixed = {"unit": "output_tokens", "price_usd": "2.5", "per": 1_000_000}
    yield set_body([rule_of(rule | {"multiply": "0.85"}), rule_of(rule | {"id": "s"} | fixed)])
    yield removal_body(Removal(("r", "s"), "over", "jane"))
    yield order_body(Order("r1", 1, -(2**63), 2**63 - 1, "a wrong list", "jane"))
    yield closing_body(Closing("2026-11", "done", "jane"))
    yield set_body([rule_of({"id": "t", "tool": "web_*", "reason": "r", "author": "a", "unit": "tool_seconds",
                             "price_usd": "0.05", "per": 1})])  # fmt: skip
    tiers = [{"from": 0, "price_usd": "2"}, {"from": 5, "price_usd": "1"}]
    yield set_body([rule_of(rule | {"unit": "output_tokens", "tiers": tiers, "tier_rule": "graduated", "per": 1})])
    yield choice_body(Choice("cost_usd", "max", "audit", "jane"))
    row = Compared("openai", "2026-11-20", None, 1, 2, 3, 4, 5, None, Decimal("0.1"), Decimal(1), False, ("a cause",))
    yield body_of(Reconciliation(7, Decimal("0.01"), {"00" * 32: "costs.json"}, (row,)))


def of_statements() -> Iterator[bytes]:
    day = {"start_time": 1730419200, "end_time": 1730505600}
    costs = {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}, "line_item": "m, in"}
    usage = {"object": "organization.usage.completions.result", "num_model_requests": 5, "input_tokens": 7}
    yield json.dumps({"data": [day | {"results": [costs]}], "has_more": True}).encode()
    yield json.dumps([{"data": [day | {"results": [usage]}]}]).encode()
    day = {"starting_at": "2025-08-01T00:00:00Z", "ending_at": "2025-08-02T00:00:00Z"}
    yield json.dumps({"data": [day | {"results": [{"amount": "123.45", "currency": "USD"}]}]}).encode()
    usage = {"uncached_input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 2}, "output_tokens": 3}
    yield json.dumps({"data": [day | {"results": [usage]}]}).encode()


SEEDS: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "door": requests,
    "readers": requests,
    "decoders": requests,
    "lenient": requests,
    "logs": of_logs,
    "metrics": of_metrics,
    "json": json_requests,
    "http": compressed,
    "frames": frames,
    "journal": journal_files,
    "control": messages,
    "dialects": attributes,
    "prices": books,
    "price changes": price_changes,
    "statements": of_statements,
}


def found(target: str) -> Iterator[Path]:
    """Inputs that were findings once."""
    yield from sorted((FOUND / target).glob("*"))


def seeds(target: str) -> Iterator[bytes]:
    yield from SEEDS[target]()
    yield from (path.read_bytes() for path in found(target))
