"""The checks of `spanledger doctor`. Each yields findings: (level, words), level ok, note or bad."""

import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ingest.addresses import Address
from ledger.errors import LedgerError, Refused
from ledger.paths import DataDir
from ledger.seams import SystemRng
from queries.progress import progress
from spanledger.config import Config
from spanledger.presence import running, wait_until
from spanledger.supervise import FLAGS

Findings = Iterator[tuple[str, str]]

PACKAGES = ("spanledger", "grpcio", "protobuf", "polars", "pyarrow", "duckdb", "ptars", "fastapi", "uvicorn")
PYTHON_TESTED = ((3, 11), (3, 11))
SYNCS = 16
"""Enough for a median; a slow disk takes half a second for them."""
SYNC_SLOW_MS = 30.0
"""Above it, acks take long enough for exporters to queue."""
FREE_BYTES_LOW = 1024**3
ARRIVES_S = 10.0
CLASHES_SHOWN = 5


def versions() -> Findings:
    """Python, the platform, and the packages that matter."""
    here = platform.python_version_tuple()
    tested = PYTHON_TESTED[0] <= (int(here[0]), int(here[1])) <= PYTHON_TESTED[1]
    yield "ok" if tested else "note", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield "bad", f"package {name} is not installed"
    yield "ok", ", ".join(found)


def ports(config: Config) -> Findings:
    """Each port: free, or held by our own server, or by another."""
    facts = running(config.data.serve_json) or {}
    for key, flag in FLAGS.items():
        address = str(config.values[key])
        if facts.get(key.removeprefix("listen.")) == address:
            yield "ok", f"{address} ({flag}): held by the server on {config.data.root}"
            continue
        try:
            for claimed in Address.parse(address, flag).bind():
                claimed.close()
            yield "ok", f"{address} ({flag}): free"
        except Refused as error:
            yield "note", str(error)


def directory(data: DataDir) -> Findings:
    """DATA: there, private, writable, and with room."""
    if not data.root.is_dir():
        yield "note", f"{data.root}: not there yet; `spanledger serve` makes it"
    else:
        others = data.root.stat().st_mode & 0o077
        yield (
            "note" if others else "ok",
            f"{data.root}: mode {data.root.stat().st_mode & 0o777:o}"
            + ("; others may look into prompts: chmod 700" if others else ""),
        )
        if not os.access(data.root, os.W_OK):
            yield "bad", f"{data.root}: not writable by this user"
    free = shutil.disk_usage(_nearest(data.root)).free
    yield "note" if free < FREE_BYTES_LOW else "ok", f"{free / 1024**3:,.1f} GiB free"


def sync_time(data: DataDir) -> Findings:
    """How long the disk takes to make 64 KiB durable: every ack waits for that."""
    with tempfile.NamedTemporaryFile(dir=_nearest(data.root), prefix=".spanledger-doctor-") as file:
        taken_ms = []
        for _ in range(SYNCS):
            file.write(b"\0" * 65_536)
            file.flush()
            start_ns = time.perf_counter_ns()
            os.fsync(file.fileno())
            taken_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
    median_ms = statistics.median(taken_ms)
    slow = median_ms > SYNC_SLOW_MS
    yield "note" if slow else "ok", f"a sync takes {median_ms:.2f} ms (median), {max(taken_ms):.2f} ms (longest)"


def name_clashes(data: DataDir) -> Findings:
    """Agents of one name in several services, and services without a name: their costs are easily mixed up."""
    if not data.catalog.is_file():
        return
    from queries.connect import connect

    with connect(data) as connection:
        rows = connection.execute(CLASHES).fetchall()
    for name, services in rows[:CLASHES_SHOWN]:
        yield "note", f"agent {name!r} is reported by {len(services)} services: {', '.join(services[:5])}"
    if len(rows) > CLASHES_SHOWN:
        yield "note", f"and {len(rows) - CLASHES_SHOWN} more agent names that several services share"


CLASHES = """
SELECT agent_name, list_sort(list(DISTINCT service_name)) AS services
FROM cost_by_agent WHERE agent_name <> ''
GROUP BY agent_name HAVING count(DISTINCT service_name) > 1 ORDER BY agent_name
"""


def span_end_to_end() -> Findings:
    """One span through the real service on free ports and a throw-away ledger, and back by SQL."""
    from spanledger.service import service

    with tempfile.TemporaryDirectory(prefix="spanledger-doctor-") as place, service(Path(place)) as live:
        yield from _span_through(live.otlp_grpc, DataDir(live.data), "throw-away ledger")


def live_span(data: DataDir) -> Findings:
    """One span through the server that runs on `data`."""
    facts = running(data.serve_json)
    if facts is None:
        raise LedgerError(f"no server runs on {data.root}; start one with `spanledger serve --data {data.root}`")
    yield from _span_through(str(facts["otlp_grpc"]), data, str(data.root))


def _span_through(address: str, data: DataDir, where: str) -> Findings:
    from queries.connect import connect
    from spanledger.exporting import Exporter

    trace_id, body = _request()
    start_ns = time.perf_counter_ns()
    with Exporter(address) as exporter:
        exporter.send("traces", body)
    acked_ms = (time.perf_counter_ns() - start_ns) / 1e6
    durable = progress(data).durable_seq
    if not wait_until(lambda: progress(data).posted_seq >= durable, ARRIVES_S):
        raise LedgerError(f"{where}: the span was acknowledged, but not posted after {ARRIVES_S:.0f} s")
    with connect(data) as connection:
        rows = connection.execute("SELECT name FROM spans WHERE trace_id = $id", {"id": trace_id.hex()}).fetchall()
    if [name for (name,) in rows] != [SPAN_NAME]:
        raise LedgerError(f"{where}: the span was acknowledged, but SQL gives {rows}")
    posted_ms = (time.perf_counter_ns() - start_ns) / 1e6
    yield "ok", f"a span went through {where}: acknowledged after {acked_ms:.0f} ms, in SQL after {posted_ms:.0f} ms"


SPAN_NAME = "spanledger doctor"


def _request() -> tuple[bytes, bytes]:
    """A trace id, and an OTLP request with one span in it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    rng = SystemRng()
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "spanledger-doctor"
    ids = {"trace_id": rng.token_bytes(16), "span_id": rng.token_bytes(8)}
    span = resource.scope_spans.add().spans.add(name=SPAN_NAME, **ids)
    span.end_time_unix_nano = time.time_ns()
    span.start_time_unix_nano = span.end_time_unix_nano - 1_000_000
    return span.trace_id, request.SerializeToString()


def _nearest(path: Path) -> Path:
    """`path`, or the nearest directory above it that is there."""
    return next(place for place in (path, *path.parents) if place.is_dir())
