"""Every configuration key: its type, default, range, unit and reason. The one list that the file, the environment,
`spanledger config show` and docs/reference/configuration.md are made from.
"""

from dataclasses import dataclass
from decimal import Decimal

Value = str | int | float | bool | Decimal | tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """One key. `name` is `section.key` in the file; the environment variable is SPANLEDGER_SECTION__KEY."""

    name: str
    kind: str
    default: Value
    unit: str
    reason: str
    low: int | float | None = None
    high: int | float | None = None

    @property
    def variable(self) -> str:
        """Environment variable that sets this key."""
        return "SPANLEDGER_" + self.name.replace(".", "__").upper()

    @property
    def accepted(self) -> str:
        """What the key takes, in words."""
        if self.low is None:
            return KINDS[self.kind]
        return f"{KINDS[self.kind]} from {self.low:,} to {self.high:,}{' ' + self.unit if self.unit else ''}"


KINDS = {
    "address": "HOST:PORT, port 0 to 65535 (0 picks a free one)",
    "whole": "a whole number",
    "number": "a number",
    "switch": "true or false",
    "names": "a list of words (in a variable: separated by commas)",
    "money": 'a decimal in quotes, such as "12.50"',
}

MIB = 1024 * 1024

KEYS = (
    Key("listen.otlp_grpc", "address", "127.0.0.1:4317", "host:port", "the port OTLP exporters try first"),
    Key("listen.otlp_http", "address", "127.0.0.1:4318", "host:port", "the OTLP/HTTP port of the specification"),
    Key("listen.api", "address", "127.0.0.1:8317", "host:port", "page and HTTP API"),
    Key("listen.insecure", "switch", False, "", "true permits addresses that other machines reach, with no key asked"),
    Key(
        "listen.hosts",
        "names",
        (),
        "host names",
        "names that requests may call this machine by, beside addresses and localhost (DNS rebinding)",
    ),
    Key(
        "collector.cors_origins",
        "names",
        (),
        "origins",
        "web origins that may post telemetry; a browser is no exporter",
    ),
    Key(
        "collector.request_bytes_max",
        "whole",
        64 * MIB,
        "bytes",
        "largest request, also after decompression; what OTLP 1.11 recommends",
        1_024,
        1_024 * MIB,
    ),
    Key(
        "collector.records_max",
        "whole",
        65_536,
        "records",
        "spans, log records or metrics in a request: 64 MiB at 1 KiB",
        1,
        16_777_216,
    ),
    Key(
        "collector.elements_max",
        "whole",
        1_048_576,
        "elements",
        "attributes, events and links in a request: 16 for each record",
        1,
        268_435_456,
    ),
    Key(
        "collector.memory_bytes_max",
        "whole",
        512 * MIB,
        "bytes",
        "requests received, checked or written: two of the largest at a time, small ones beside them",
        4_096,
        1_024 * 1_024 * MIB,
    ),
    Key(
        "collector.hold_s",
        "number",
        5.0,
        "s",
        "under pressure a call waits this long before it is refused: half of an exporter's 10 s",
        0,
        60,
    ),
    Key(
        "collector.backlog_s",
        "number",
        0.5,
        "s",
        "a disk that has more work than this refuses calls at once, so that an ack takes no longer than about 1 s",
        0.01,
        60,
    ),
    Key(
        "collector.calls_waiting_max",
        "whole",
        1_024,
        "calls",
        "calls held under pressure; a longer queue would not move in time",
        0,
        1_048_576,
    ),
    Key(
        "collector.receive_s",
        "number",
        20.0,
        "s",
        "a request must have arrived by then: twice an exporter's patience",
        0.01,
        3_600,
    ),
    Key(
        "collector.receive_turn_s",
        "number",
        1.0,
        "s",
        "and by then where others wait for the memory that it may take: a fifth of their hold",
        0.01,
        3_600,
    ),
    Key(
        "collector.header_s",
        "number",
        10.0,
        "s",
        "an HTTP connection must have sent its request's head by then",
        0.01,
        3_600,
    ),
    Key(
        "collector.keep_alive_s",
        "number",
        75.0,
        "s",
        "an idle HTTP connection is kept: several export intervals",
        0.01,
        3_600,
    ),
    Key(
        "collector.connections_max",
        "whole",
        1_024,
        "connections",
        "HTTP connections: the usual limit of open files",
        1,
        1_048_576,
    ),
    Key("collector.streams_max", "whole", 1_024, "calls", "concurrent calls on one gRPC connection", 1, 1_048_576),
    Key("collector.door_threads", "whole", 2, "threads", "decompression and JSON run beside the event loop", 1, 64),
    Key(
        "collector.refused_events_per_s",
        "number",
        1.0,
        "events/s",
        "journal entries about unreadable requests, so that garbage cannot fill the disk",
        0,
        1_000,
    ),
    Key("collector.refused_events_burst", "whole", 10, "events", "that many of them at once", 0, 10_000),
    Key(
        "collector.refused_head_bytes",
        "whole",
        4_096,
        "bytes",
        "kept of an unreadable request for whoever looks into it",
        0,
        MIB,
    ),
    Key(
        "journal.shard", "whole", 0, "", "which of several collectors this is; fixed when the journal begins", 0, 32_767
    ),
    Key(
        "journal.file_bytes_max",
        "whole",
        256 * MIB,
        "bytes",
        "size at which a file is closed and sealed; one is read whole at a start",
        1,
        1_024 * 1_024 * MIB,
    ),
    Key(
        "journal.body_bytes_max",
        "whole",
        64 * MIB,
        "bytes",
        "largest body of an event: the collector's request limit",
        1,
        2_147_483_647,
    ),
    Key(
        "journal.group_bytes_max",
        "whole",
        32 * MIB,
        "bytes",
        "one write and one sync: about 0.1 s of a slow disk",
        1,
        1_024 * 1_024 * MIB,
    ),
    Key(
        "journal.queue_bytes_max",
        "whole",
        128 * MIB,
        "bytes",
        "bodies in memory that are not durable yet",
        1,
        1_024 * 1_024 * MIB,
    ),
    Key("journal.queue_events_max", "whole", 65_536, "events", "the same bound for small bodies", 1, 16_777_216),
    Key(
        "journal.free_bytes_min",
        "whole",
        16 * MIB,
        "bytes",
        "taking in stops at this much free disk, so that the ledger can still close",
        0,
        1_024 * 1_024 * MIB,
    ),
    Key("journal.seal", "switch", True, "", "compress closed files, off the path of acks"),
    Key("journal.seal_level", "whole", 3, "", "zstd level: 3 keeps up with the disk on one core", 1, 19),
    Key("journal.seal_backlog_files_max", "whole", 8, "files", "closed files that wait while senders do", 1, 1_024),
    Key(
        "poster.batch_events_max",
        "whole",
        1_024,
        "events",
        "events a commit: small requests share one transaction",
        1,
        1_048_576,
    ),
    Key(
        "poster.batch_bytes_max",
        "whole",
        32 * MIB,
        "bytes",
        "bodies a commit: decoded columns take several times this",
        1,
        1_024 * MIB,
    ),
    Key(
        "poster.batch_spans_max",
        "whole",
        32_768,
        "spans",
        "spans a commit, past its first event: tiny ones unfold to many times their bytes",
        1,
        16_777_216,
    ),
    Key(
        "poster.open_spans_max",
        "whole",
        150_000,
        "spans",
        "spans of open traces in memory, about 500 bytes each; older ones are read back",
        1,
        100_000_000,
    ),
    Key(
        "poster.open_text_max",
        "whole",
        32 * MIB,
        "characters",
        "names that open spans hold in memory",
        1,
        1_024 * MIB,
    ),
    Key(
        "poster.remembered_bytes_max",
        "whole",
        32 * MIB,
        "bytes",
        "bodies at hand for comparing spans that came twice",
        1,
        1_024 * MIB,
    ),
    Key(
        "poster.settle_after_s",
        "number",
        600.0,
        "s",
        "rest after which a run is taken for over; what comes later opens it again",
        1,
        86_400,
    ),
    Key(
        "store.flush_rows",
        "whole",
        50_000,
        "rows",
        "rows kept beside the files: a reader decodes all of them",
        1,
        10_000_000,
    ),
    Key(
        "store.flush_bytes",
        "whole",
        32 * MIB,
        "bytes",
        "the same bound for rows with long content",
        1,
        1_024 * 1_024 * MIB,
    ),
    Key(
        "store.flush_age_s",
        "number",
        30.0,
        "s",
        "a quiet ledger is written to files too, where other programs find it",
        0,
        86_400,
    ),
    Key(
        "store.replaced_keep_s",
        "number",
        600.0,
        "s",
        "how long a replaced file stays: longer than a query may run",
        0,
        604_800,
    ),
    Key(
        "store.segment_bytes_max",
        "whole",
        256 * MIB,
        "bytes",
        "uncompressed size past which a file is not merged again",
        1,
        1_024 * 1_024 * MIB,
    ),
    Key(
        "store.merge_free_bytes_min",
        "whole",
        64 * MIB,
        "bytes",
        "free disk that a merge of files must leave: it can wait, acks cannot",
        0,
        1_024 * 1_024 * MIB,
    ),
    Key("api.connections_max", "whole", 4, "answers", "questions answered at once: one already uses all cores", 1, 256),
    Key("api.wait_s", "number", 5.0, "s", "longest wait for one of them to be free", 0, 600),
    Key("api.query_s", "number", 20.0, "s", "longest time for one answer; it is interrupted then", 0.01, 3_600),
    Key(
        "api.stale_s",
        "number",
        0.3,
        "s",
        "age up to which a state of the ledger serves although there is a newer one",
        0,
        60,
    ),
)
"""Sections: where to listen, then the bounds of each part; the part checks again what hangs together."""
