"""Every byte of a segment and of a run of traces flipped, and each cut at every length: found, and never served."""

from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.store import digest, traces, whole
from ledger.store.catalog import Catalog
from ledger.store.snapshot import Snapshot
from queries.connect import connect
from tests.ledger.damages import damages
from tests.ledger.store import failing, rows


@pytest.fixture
def posted(data, clock):
    """A ledger of six events, all of it in files."""
    with closing(Catalog.open(data, clock=clock)) as catalog:
        for seq in range(6):
            rows.post_event(seq).apply(catalog)
    return data


@pytest.fixture(autouse=True)
def nothing_remembered():
    """As in a process that has just started."""
    whole._check.cache_clear()


def segment_of(data, table):
    (path,) = Snapshot.take(data).segments(table)
    return path


@pytest.mark.durability
@pytest.mark.timeout(240)
def test_every_damage_of_a_segment_is_found(posted):
    snapshot = Snapshot.take(posted)
    for what in damages(segment_of(posted, "charges")):
        whole._check.cache_clear()
        with pytest.raises(Corrupt, match=r"parquet: .*spanledger rebuild"):
            pytest.fail(f"{what}: {snapshot.segments('charges')} is served")


@pytest.mark.durability
@pytest.mark.timeout(240)
def test_every_damage_of_a_run_of_traces_is_found_or_changes_nothing(posted):
    path = next((posted.ledger / "traces").glob("*.run"))
    good = traces.Run.open(path)
    pairs = (good.hashes.tolist(), good.seqs.tolist())
    other = path.with_name("damaged.run")
    other.write_bytes(path.read_bytes())  # the good one is mapped
    harmless = []
    for what in damages(other):
        try:
            run = traces.Run.open(other)
        except Corrupt:
            continue
        assert (run.hashes.tolist(), run.seqs.tolist()) == pairs, what
        harmless.append(what)
    assert harmless == [f"byte {at} flipped" for at in range(24, 32)], "only the header's unused field"


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def test_a_damaged_segment_is_not_answered_from(posted):
    """DuckDB itself would give other charges: this byte lies in a page of data, whose checksum it does not look at."""
    path = segment_of(posted, "charges")
    whole._check.cache_clear()
    flip(path, 201)
    with pytest.raises(Corrupt, match=rf"{path}: checksum is [0-9a-f]{{8}}, written was [0-9a-f]{{8}}; its rows"):
        connect(posted)
    with pytest.raises(Corrupt, match=str(path)):
        digest.digests(posted)


def test_a_missing_segment_is_named(posted):
    path = segment_of(posted, "charges")
    whole._check.cache_clear()
    path.unlink()
    with pytest.raises(Corrupt, match=rf"{path}: No such file or directory; its rows are not served"):
        connect(posted)


def test_a_damaged_segment_is_neither_merged_nor_posted_upon(data, clock):
    catalog = Catalog.open(data, clock=clock, options=failing.OPTIONS)
    for seq in range(2):
        rows.post_event(seq).apply(catalog)
        catalog.flush()
    path = Snapshot.take(data).segments("spans")[0]
    ids = rows.post_event(0).rows["spans"]["trace_id"].to_pylist()
    whole._check.cache_clear()
    flip(path, 300)
    with pytest.raises(Corrupt, match=str(path)):
        catalog.read("spans", ids)
    with pytest.raises(Corrupt, match=str(path)):
        catalog.tidy()
    flip(path, 300)  # the good copy put back
    catalog.tidy()
    assert catalog.read("spans", ids).num_rows == 10
    catalog.close()
