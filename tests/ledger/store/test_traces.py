import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Corrupt
from ledger.journal.disk import POSIX
from ledger.store import traces
from ledger.store.files import published


def run(pairs):
    ordered = sorted(pairs)
    return traces.Run(None, np.array([p[0] for p in ordered], np.uint64), np.array([p[1] for p in ordered], np.int64))


def written(path, *runs):
    with published(POSIX, path) as out:
        traces.write(out, runs)
    return traces.Run.open(path)


def test_hashes_are_the_same_for_ever():
    ids = pa.array([bytes(range(16)), bytes(16), bytes(16)], pa.binary(16))
    found = traces.trace_hashes(pa.array(["default", "default", "acme"]), ids)
    assert [f"{value:016x}" for value in found.tolist()] == HASHES
    assert found.dtype == np.uint64


HASHES = ["e29530a23d590db5", "75d1ee37ec8479c7", "4b2a799071be7477"]


def test_hashes_of_a_slice_are_those_of_its_rows():
    ids = pa.array([bytes([n] * 16) for n in range(5)], pa.binary(16))
    tenants = pa.array(["a", "b", "a", "c", "a"])
    whole = traces.trace_hashes(tenants, ids)
    assert traces.trace_hashes(tenants.slice(2, 2), ids.slice(2, 2)).tolist() == whole[2:4].tolist()
    chunked = pa.chunked_array([ids.slice(0, 1), ids.slice(1)])
    assert traces.trace_hashes(pa.chunked_array([tenants]), chunked).tolist() == whole.tolist()


hashes = st.integers(0, 40)
known = st.lists(st.tuples(hashes, st.integers(-1, 2**62)), max_size=60)


@settings(max_examples=60)
@given(st.lists(known, max_size=4), st.lists(hashes, max_size=30))
def test_a_probe_finds_every_pair_and_no_other(runs, wanted):
    found = traces.probe([run(pairs) for pairs in runs], np.array(wanted, np.uint64))
    expected = sorted(
        (index, seq) for index, want in enumerate(wanted) for pairs in runs for value, seq in pairs if value == want
    )
    assert list(zip(found[0].tolist(), found[1].tolist(), strict=True)) == expected


def test_a_merge_holds_the_pairs_of_all_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "MERGE_PAIRS", 64)  # so that there are many parts
    rng = np.random.default_rng(5)
    parts = [[(int(h), int(s)) for h, s in zip(rng.integers(0, 2**64, n, dtype=np.uint64), range(n), strict=True)]
             for n in (300, 1, 0, 77)]  # fmt: skip
    merged = written(tmp_path / "merged.run", *(run(pairs) for pairs in parts))
    merged.check()
    expected = sorted(pair for pairs in parts for pair in pairs)
    assert list(zip(merged.hashes.tolist(), merged.seqs.tolist(), strict=True)) == expected


def test_a_run_of_nothing_can_be_asked(tmp_path):
    empty = written(tmp_path / "empty.run", run([]))
    assert traces.probe([empty], np.array([1], np.uint64))[0].tolist() == []


@pytest.mark.parametrize("cut", [0, 10, 32, 47])
def test_a_torn_run_is_refused(cut, tmp_path):
    path = tmp_path / "torn.run"
    written(path, run([(1, 2), (3, 4)]))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Corrupt, match=r"torn\.run: .*spanledger rebuild"):
        traces.Run.open(path)


def test_a_flipped_bit_is_found_when_the_run_is_opened(tmp_path):
    path = tmp_path / "flipped.run"
    written(path, run([(1, 2), (3, 4)]))
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    with pytest.raises(Corrupt, match="checksum"):
        traces.Run.open(path)
