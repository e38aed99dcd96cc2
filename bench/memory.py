"""Peak resident memory of collector and poster under each storm of `bench.storms`, seen from outside.

Each storm has a service of its own, started as users start it. `together` is the highest sum that both had at one
moment, sampled every 10 ms; the other peaks are the kernel's (VmHWM). After all is posted `later` is what both still
hold.

    python -m bench.memory [STORM ...]      (a part of a name will do)
"""

import argparse
import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from bench.facts import header
from bench.servers import EXPORT
from bench.serving import Served, served
from bench.storms import STORMS, Post, Storm

WATCHED = ("collector", "poster")
SAMPLE_S = 0.01
CALL_S = 120.0
POSTED_S = 150.0
MIB = 1 << 20


@dataclass
class Figures:
    """Peaks of resident memory in bytes, seconds, and how many requests got which answer."""

    collector: int = 0
    poster: int = 0
    together: int = 0
    later: int = 0
    sent_s: float = 0.0
    posted_s: float = math.inf
    answers: Counter[str] = field(default_factory=Counter)

    def row(self) -> str:
        sizes = (f"{size // MIB}" for size in (self.collector, self.poster, self.together, self.later))
        answers = ", ".join(f"{count} {code}" for code, count in sorted(self.answers.items()))
        posted = f"{self.posted_s:.1f}" if self.posted_s < math.inf else f"over {POSTED_S:.0f}"
        return " | ".join([*sizes, f"{self.sent_s:.1f}", posted, answers])


def resident(pid: int, name: str) -> int:
    """A line of /proc/PID/status in bytes: VmRSS now, VmHWM at its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/{pid}/status has no {name}")


def both(one: Served, name: str) -> list[int]:
    return [resident(one.processes[process].pid, name) for process in WATCHED]


@contextmanager
def watched(one: Served, figures: Figures) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLE_S):
            figures.together = max(figures.together, sum(both(one, "VmRSS")))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def send_all(one: Served, storm: Storm, figures: Figures) -> None:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(one.grpc, options=options) as channel, ThreadPoolExecutor(storm.senders) as pool:
        call = channel.unary_unary(EXPORT)

        def send(post: Post) -> str:
            return over_http(one.http, post) if post.content_type else over_grpc(call, post)

        running: set[Future[str]] = set()
        for post in storm.posts():
            if len(running) >= storm.senders:
                done, running = wait(running, return_when="FIRST_COMPLETED")
                figures.answers.update(task.result() for task in done)
            running.add(pool.submit(send, post))
        figures.answers.update(task.result() for task in running)


def over_grpc(call: grpc.UnaryUnaryMultiCallable, post: Post) -> str:
    try:
        call(post.body, timeout=CALL_S)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def over_http(address: str, post: Post) -> str:
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=CALL_S)
    headers = {"Content-Type": post.content_type, **({"Content-Encoding": post.encoding} if post.encoding else {})}
    try:
        connection.request("POST", "/v1/traces", post.body, headers)
        return str(connection.getresponse().status)
    finally:
        connection.close()


def measure(storm: Storm) -> Figures:
    figures = Figures()
    with served() as one, watched(one, figures):
        began = time.perf_counter()
        send_all(one, storm, figures)
        figures.sent_s = time.perf_counter() - began
        if one.posts(POSTED_S):
            figures.posted_s = time.perf_counter() - began
        figures.collector, figures.poster = both(one, "VmHWM")
        figures.later = sum(both(one, "VmRSS"))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of collector and poster")
    parser.add_argument("storm", nargs="*", help="parts of names; all storms where none is given")
    wanted = parser.parse_args().storm
    print(header())
    print("| storm | collector, MiB | poster, MiB | together, MiB | later, MiB | sent, s | posted, s | answers |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, storm in STORMS.items():
        if not wanted or any(part in name for part in wanted):
            print(f"| {name} | {measure(storm).row()} |", flush=True)


if __name__ == "__main__":
    main()
