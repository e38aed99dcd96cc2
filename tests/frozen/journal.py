"""Writes the frozen journal of the format of today: `python -m tests.frozen.journal DIRECTORY`.

Run once for each released format; the directory is then kept for ever and `tests/ledger/journal/test_frozen.py`
opens it. Clock and randomness are fixed, so the same format gives the same unsealed bytes.
"""

import json
import sys
from pathlib import Path

from ledger.journal import kinds
from ledger.journal.append import JournalWriter
from ledger.journal.disk import POSIX
from ledger.journal.frame import Draft, Event
from ledger.journal.options import JournalOptions
from ledger.journal.read import JournalReader
from ledger.journal.seal import seal_file
from ledger.paths import DataDir

OPTIONS = JournalOptions(file_bytes_max=4_000, seal=False, software="spanledger 0.1.0")
SEED = [Draft(kinds.PRICE_BOOK_PUBLISHED, b"PAR1 not a real book PAR1", content_type="application/vnd.apache.parquet")]
DRAFTS = [
    Draft(kinds.OTLP_TRACES, bytes(range(256)) * 8, transport="grpc", content_type="application/x-protobuf"),
    Draft(kinds.OTLP_LOGS, '{"resourceLogs":[]} "ünïcode"'.encode(), tenant="tenant-ä", transport="http"),
    Draft(kinds.OTLP_METRICS, b"", principal="key:1a2b"),
    Draft(kinds.OTLP_TRACES, b"spans " * 300, transport="http", content_type="application/x-protobuf"),
    Draft(kinds.CONFIG_SET, b'{"posting.x":"1.50"}', key="config/posting.x"),
    Draft(kinds.REFUSED, b'{"bytes":12}', key="refused/1"),
]


class FixedClock:
    def __init__(self) -> None:
        self._ns = 1_795_000_000_000_000_000

    def now_ns(self) -> int:
        self._ns += 1_000
        return self._ns

    def monotonic_ns(self) -> int:
        return self._ns


class FixedRng:
    def __init__(self) -> None:
        self._next = 0

    def token_bytes(self, n: int) -> bytes:
        self._next += n
        return bytes((self._next - n + i) * 7 % 256 for i in range(n))


def write(data: DataDir) -> None:
    with JournalWriter.open(data, clock=FixedClock(), rng=FixedRng(), options=OPTIONS, seed=SEED) as writer:
        for draft in DRAFTS:
            writer.append(draft)


def events(data: DataDir) -> list[Event]:
    with JournalReader(data) as reader:
        return reader.read(-1, events_max=1_000, bytes_max=1 << 30)


def describe(event: Event) -> dict[str, object]:
    names = ("event_seq", "kind", "key", "tenant", "principal", "transport", "content_type", "received_ns")
    places = ("file_number", "offset", "frame_bytes")
    hashes = {"raw_sha256": event.raw_sha256.hex(), "salt_secret": event.salt_secret.hex()}
    return {name: getattr(event, name) for name in (*names, *places)} | hashes


def main(target: Path) -> None:
    data = DataDir(target)
    write(data)
    (target / "events.json").write_text(json.dumps([describe(event) for event in events(data)], indent=1) + "\n")
    seal_file(POSIX, data.journal, 1, level=3)
    (data.run / "journal.holder").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
