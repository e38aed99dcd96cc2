"""The index of known traces and runs: which events brought spans of a trace, for ever, at a few hundred nanoseconds a
question, and at which event a run was first seen.

Pairs (hash, event) lie in sorted run files that are mapped, not loaded, so memory does not grow with the
ledger; those since the last flush are in memory and in the catalog. A hash may belong to two traces: whoever asks reads
the rows back and compares ids, so a collision costs time and never truth. docs/format.md gives the file byte by byte.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger.errors import Corrupt
from ledger.store.files import Out
from ledger.store.segment import trace_halves

Hashes = npt.NDArray[np.uint64]
Seqs = npt.NDArray[np.int64]
Pairs = tuple[Hashes, Seqs]

MAGIC = b"SLTRACES"
VERSION = 1
HEADER = np.dtype([("magic", "S8"), ("version", "<u4"), ("crc32c", "<u4"), ("pairs", "<u8"), ("zero", "V8")])
PAIR_BYTES = 16
MEND = "run `spanledger rebuild`: it makes the ledger anew from the journal"
LOGS = np.uint64(0x6C6F6773)
"""`logs` in ASCII."""
MERGE_PAIRS = 1 << 20
"""Pairs merged at a time: 16 MiB of memory for each copy of them, whatever the size of the runs."""


def trace_hashes(tenant: pa.ChunkedArray | pa.Array, trace_id: pa.ChunkedArray | pa.Array) -> Hashes:
    """64-bit hash of (tenant, trace_id), the same on every machine and for ever.

    h = mix(low ^ mix(high ^ t)): high and low are the two halves of the trace id, big-endian; t is the first 8 bytes,
    big-endian, of BLAKE2b-64 of the tenant's name in UTF-8; mix is the finaliser of SplitMix64, a bijection.
    """
    halves = trace_halves(trace_id)
    return _mix(halves[:, 1] ^ _mix(halves[:, 0] ^ _tenant_hashes(tenant)))


def name_hashes(tenant: pa.ChunkedArray | pa.Array, names: Hashes) -> Hashes:
    """64-bit hash of (tenant, hash of a response id): mix(name ^ t), mix and t as in `trace_hashes`."""
    return _mix(names ^ _tenant_hashes(tenant))


def log_trace_hashes(tenant: pa.ChunkedArray | pa.Array, trace_id: pa.ChunkedArray | pa.Array) -> Hashes:
    """The same for a trace's logs: mix(h ^ LOGS), so that asking for its spans does not find them."""
    return _mix(trace_hashes(tenant, trace_id) ^ LOGS)


def run_hashes(run_id: pa.ChunkedArray | pa.Array) -> Hashes:
    """The first 8 bytes of run ids, big-endian: they are hashes already, and looked for by their first digits."""
    return trace_halves(run_id)[:, 0]


def _tenant_hashes(tenant: pa.ChunkedArray | pa.Array) -> Hashes:
    coded = (tenant.combine_chunks() if isinstance(tenant, pa.ChunkedArray) else tenant).dictionary_encode()
    of_tenant = np.array([_tenant_hash(name) for name in coded.dictionary.to_pylist()], dtype=np.uint64)
    hashes: Hashes = of_tenant[coded.indices.to_numpy(zero_copy_only=False)]
    return hashes


def content_hashes(content_hash: pa.ChunkedArray | pa.Array) -> Hashes:
    """The first 8 bytes of content hashes, big-endian."""
    return trace_halves(content_hash)[:, 0]


def _tenant_hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _mix(x: Hashes) -> Hashes:
    # SplitMix64's finaliser: https://prng.di.unimi.it/splitmix64.c
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def in_order(hashes: Hashes, seqs: Seqs) -> Pairs:
    """The pairs sorted by hash, then event. Those of one commit come in order, and are asked about several times."""
    rising = (hashes[1:] > hashes[:-1]) | ((hashes[1:] == hashes[:-1]) & (seqs[1:] >= seqs[:-1]))
    if rising.all():
        return hashes, seqs
    order = np.lexsort((seqs, hashes))
    return hashes[order], seqs[order]


def encode(pairs: Pairs) -> bytes:
    return pairs[0].astype("<u8").tobytes() + pairs[1].astype("<i8").tobytes()


def decode(body: bytes) -> Pairs:
    half = len(body) // 2
    return np.frombuffer(body[:half], "<u8").astype(np.uint64), np.frombuffer(body[half:], "<i8").astype(np.int64)


def hot_run(bodies: Iterable[bytes]) -> "Run":
    """The pairs of the blobs `bodies` as one run in memory."""
    pairs = [(np.empty(0, np.uint64), np.empty(0, np.int64)), *map(decode, bodies)]
    return Run(None, *in_order(np.concatenate([one[0] for one in pairs]), np.concatenate([one[1] for one in pairs])))


@dataclass(frozen=True)
class Run:
    """A sorted run: mapped from its file, or the hot part in memory."""

    path: Path | None
    hashes: Hashes
    seqs: Seqs

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Map a run file and check it: a trace that is not found here would count twice. Raises Corrupt."""
        if path.stat().st_size == 0:  # which cannot be mapped
            raise Corrupt(f"{path}: empty; {MEND}")
        body = np.memmap(path, dtype=np.uint8, mode="r")
        header = body[: HEADER.itemsize].view(HEADER)[0] if len(body) >= HEADER.itemsize else np.zeros((), HEADER)
        pairs = int(header["pairs"])
        expected = file_bytes(pairs)
        if bytes(header["magic"]) != MAGIC or int(header["version"]) != VERSION or len(body) != expected:
            raise Corrupt(f"{path}: not a trace run of version {VERSION} with {expected} bytes, but {len(body)}; "
                          f"{MEND}")  # fmt: skip
        middle = HEADER.itemsize + 8 * pairs
        run = cls(path, body[HEADER.itemsize : middle].view("<u8"), body[middle:].view("<i8"))
        run.check()
        return run

    def check(self) -> None:
        """Compare the checksum. Raises Corrupt."""
        header = np.fromfile(str(self.path), HEADER, count=1)[0]
        found = _checksum((self.hashes, self.seqs))
        if found != int(header["crc32c"]):
            raise Corrupt(f"{self.path}: checksum {found:08x}, its header says {int(header['crc32c']):08x}; "
                          f"{MEND}")  # fmt: skip


def file_bytes(pairs: int) -> int:
    """Size of the file of a run."""
    return HEADER.itemsize + PAIR_BYTES * pairs


def _checksum(columns: Iterable[npt.NDArray[np.generic]]) -> int:
    crc = 0
    for column in columns:
        for start in range(0, len(column), MERGE_PAIRS):
            crc = google_crc32c.extend(crc, column[start : start + MERGE_PAIRS].tobytes())
    return crc


def write(out: Out, runs: Sequence[Run], before_each: Callable[[], None] = lambda: None) -> int:
    """Write the merge of `runs` to `out`; returns its pairs. Memory is bounded by MERGE_PAIRS, not by the runs.

    `before_each` of its parts is called, and may raise."""
    pairs = sum(len(run.hashes) for run in runs)
    out.write(bytes(HEADER.itemsize))
    crc = 0
    for column in (0, 1):  # all hashes lie before all events, so the merge is gone through once for each
        for merged in _merged(runs):
            before_each()
            body = encode_column(merged, column)
            crc = google_crc32c.extend(crc, body)
            out.write(body)
    out.write_at(0, np.array([(MAGIC, VERSION, crc, pairs, b"")], HEADER).tobytes())
    return pairs


def encode_column(pairs: Pairs, column: int) -> bytes:
    return pairs[column].astype(("<u8", "<i8")[column]).tobytes()


def _merged(runs: Sequence[Run]) -> Iterator[Pairs]:
    """The pairs of all runs in order, about MERGE_PAIRS at a time: hashes are uniform, so equal ranges hold equally."""
    pairs = sum(len(run.hashes) for run in runs)
    parts = max(1, -(-pairs // MERGE_PAIRS))
    edges = [np.uint64((part << 64) // parts) for part in range(1, parts)]
    cuts = [[0, *np.searchsorted(run.hashes, edges).tolist(), len(run.hashes)] for run in runs]
    for part in range(parts):
        slices = [(run, slice(cut[part], cut[part + 1])) for run, cut in zip(runs, cuts, strict=True)]
        yield in_order(
            np.concatenate([run.hashes[at] for run, at in slices]),
            np.concatenate([run.seqs[at] for run, at in slices]),
        )


def probe(runs: Sequence[Run], hashes: Hashes) -> tuple[npt.NDArray[np.int64], Seqs]:
    """(index into `hashes`, source_seq) of every pair of `runs` whose hash is asked for, ordered by both."""
    order = np.argsort(hashes, kind="stable")
    wanted = hashes[order]
    found = [_probe_run(run, order, wanted) for run in runs if len(run.hashes)]
    index = np.concatenate([np.empty(0, np.int64), *(hit[0] for hit in found)])
    seqs = np.concatenate([np.empty(0, np.int64), *(hit[1] for hit in found)])
    by_index = np.lexsort((seqs, index))
    return index[by_index], seqs[by_index]


def between(runs: Sequence[Run], low: int, high: int) -> Seqs:
    """The events of every pair whose hash is from `low` to `high`, ordered."""
    bounds = np.array([low, high], dtype=np.uint64)
    found = [
        run.seqs[np.searchsorted(run.hashes, bounds[0]) : np.searchsorted(run.hashes, bounds[1], "right")]
        for run in runs
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]).astype(np.int64))


def _probe_run(run: Run, order: npt.NDArray[np.int64], wanted: Hashes) -> tuple[npt.NDArray[np.int64], Seqs]:
    # Probes go through the run in order, so neighbours touch the same pages.
    left = np.searchsorted(run.hashes, wanted, side="left")
    hit = np.flatnonzero(run.hashes[np.minimum(left, len(run.hashes) - 1)] == wanted)
    first = left[hit]
    counts = np.searchsorted(run.hashes, wanted[hit], side="right") - first
    ends = np.cumsum(counts)
    flat = np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(ends - counts, counts) + np.repeat(first, counts)
    return np.repeat(order[hit], counts), np.asarray(run.seqs[flat], dtype=np.int64)
