"""The bounds of the collector, each with its unit and its reason."""

from dataclasses import dataclass

from ledger.errors import Refused

MIB = 1 << 20

BESIDE_BYTES = 16 << 10
"""What a request takes beside its body: call, task, buffers."""

RECEIVE_COPIES = 3
"""A body while it arrives: as the transport holds it, as it is put together or decompressed, and as our bytes."""


@dataclass(frozen=True)
class CollectorOptions:
    """Where the collector listens and how much it takes. The defaults fit 1 GiB for collector and poster together."""

    otlp_grpc: str = "127.0.0.1:4317"  # HOST:PORT of OTLP/gRPC; port 0 picks a free one
    otlp_http: str = "127.0.0.1:4318"  # HOST:PORT of OTLP/HTTP; port 0 picks a free one
    insecure: bool = False  # allow addresses other than loopback although nobody has to prove who they are
    hosts: tuple[str, ...] = ()  # names beside loopback that a Host header may carry (DNS rebinding)
    cors_origins: tuple[str, ...] = ()  # web origins that may post; none by default, a browser is no exporter

    request_bytes_max: int = 64 * MIB  # also after decompression; the default that OTLP 1.11 recommends
    records_max: int = 65_536  # spans, log records or metrics in a request, with the lists around them: 64 MiB at 1 KiB
    elements_max: int = 1_048_576  # attributes, events, links, values in a request: 16 for each of the records above
    memory_bytes_max: int = 512 * MIB  # requests received, checked or written: two of the largest at a time
    hold_s: float = 5.0  # under pressure a call waits this long before it is refused: half of an exporter's 10 s
    backlog_s: float = 0.5  # a disk that has more work than this refuses at once: with it and its own, an ack takes 1 s
    calls_waiting_max: int = 1024  # held calls; each costs a few KiB, and a queue beyond it would not move in hold_s
    receive_s: float = 20.0  # a request must have arrived by then: twice an exporter's whole patience
    receive_turn_s: float = 1.0  # and by then where others wait for the memory that it may take: a fifth of their hold
    header_s: float = 10.0  # an HTTP connection must have sent its request's head by then (slow loris)
    keep_alive_s: float = 75.0  # an idle HTTP connection is kept: several of an exporter's 5 s to 60 s intervals
    connections_max: int = 1024  # HTTP connections; the usual limit of open files
    streams_max: int = 1024  # concurrent calls on one gRPC connection
    door_threads: int = 2  # decompression and JSON; they run beside the event loop, never in it
    refused_events_per_s: float = 1.0  # journal entries about unreadable requests, so that garbage cannot fill the disk
    refused_events_burst: int = 10  # that many at once
    refused_head_bytes: int = 4096  # of an unreadable request's body kept for the person who looks into it

    def validated(self) -> "CollectorOptions":
        """These options, or Refused naming the key and the range it accepts."""
        for name, low, high in RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise Refused(f"collector option {name} is {value}; it must be between {low} and {high}")
        if self.memory_bytes_max < self.receive_bytes:
            raise Refused(
                f"collector option memory_bytes_max is {self.memory_bytes_max}; it must be at least "
                f"{self.receive_bytes}, a little over three times request_bytes_max, or large requests never fit"
            )
        return self

    @property
    def receive_bytes(self) -> int:
        """What one request of unknown size may take while it arrives."""
        return RECEIVE_COPIES * self.request_bytes_max + BESIDE_BYTES


RANGES: tuple[tuple[str, float, float], ...] = (
    ("request_bytes_max", 1024, 1 << 30),
    ("records_max", 1, 1 << 24),
    ("elements_max", 1, 1 << 28),
    ("memory_bytes_max", 4096, 1 << 40),
    ("hold_s", 0.0, 60.0),
    ("backlog_s", 0.01, 60.0),
    ("calls_waiting_max", 0, 1 << 20),
    ("receive_s", 0.01, 3600.0),
    ("receive_turn_s", 0.01, 3600.0),
    ("header_s", 0.01, 3600.0),
    ("keep_alive_s", 0.01, 3600.0),
    ("connections_max", 1, 1 << 20),
    ("streams_max", 1, 1 << 20),
    ("door_threads", 1, 64),
    ("refused_events_per_s", 0.0, 1000.0),
    ("refused_events_burst", 0, 10_000),
    ("refused_head_bytes", 0, 1 << 20),
)
