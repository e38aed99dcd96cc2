"""The two servers of `bench.ack`, each run as `python -m bench.servers KIND FOLDER` until its standard input ends."""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

import grpc

from ingest.collector import Collector, CollectorOptions
from ledger.journal.append import JournalWriter
from ledger.paths import DataDir
from ledger.seams import SystemClock, SystemRng

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
EXPORT = f"/{SERVICE}/Export"
THREADS = 32
GROUP_MAX = 64
"""Requests that one sync of the bare server covers at most."""


def serve_collector(folder: Path) -> None:
    """The collector as it is, alone in its process."""
    clock = SystemClock()
    journal = JournalWriter.open(DataDir(folder), clock=clock, rng=SystemRng(), seed=[])
    options = CollectorOptions(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")
    collector = Collector(DataDir(folder), options, journal, clock=clock)
    until_told(collector.start().otlp_grpc)
    collector.stop()
    journal.close()


def serve_bare(folder: Path) -> None:
    """The least that can be acked honestly: append, fdatasync (one for all that wait), answer."""
    waiting: queue.SimpleQueue[tuple[bytes, threading.Event]] = queue.SimpleQueue()
    threading.Thread(target=append, args=(folder / "bytes", waiting), daemon=True).start()

    def export(body: bytes, _context: grpc.ServicerContext) -> bytes:
        durable = threading.Event()
        waiting.put((body, durable))
        durable.wait()
        return b""

    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS), options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    )
    handler = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    until_told(f"127.0.0.1:{port}")
    server.stop(1).wait()


def append(path: Path, waiting: "queue.SimpleQueue[tuple[bytes, threading.Event]]") -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        group = [waiting.get()]
        while len(group) < GROUP_MAX and not waiting.empty():
            group.append(waiting.get())
        os.writev(file, [body for body, _ in group])
        os.fdatasync(file)
        for _, durable in group:
            durable.set()


def until_told(address: str) -> None:
    print(json.dumps({"address": address}), flush=True)
    sys.stdin.read()


SERVERS: dict[str, Callable[[Path], None]] = {"bare": serve_bare, "collector": serve_collector}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](Path(sys.argv[2]))
