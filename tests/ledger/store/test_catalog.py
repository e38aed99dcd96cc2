import errno
import sqlite3
from collections import Counter
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.errors import Incompatible, Locked, NotFound
from ledger.journal.disk import PosixDisk, PosixFile
from ledger.schema import ARROW
from ledger.store import digest, manifest
from ledger.store.catalog import Catalog
from ledger.store.options import StoreOptions
from ledger.store.snapshot import Snapshot
from tests.ledger.store import rows


def stored(data, table):
    snapshot = Snapshot.take(data)
    return sum(pq.read_metadata(path).num_rows for path in snapshot.segments(table)) + snapshot.hot(table).num_rows


def test_a_commit_is_there_for_readers_at_once(data, catalog):
    rows.post_event(0).apply(catalog)
    snapshot = Snapshot.take(data)
    assert (catalog.cursor, snapshot.cursor) == (0, 0)
    assert snapshot.hot("spans").equals(rows.post_event(0).rows["spans"])
    assert catalog.key_seq("key-0") == 0
    assert catalog.key_seq("key-1") is None
    assert catalog.state("tail") == b"0"


def test_a_new_ledger_has_posted_nothing(data, catalog):
    assert catalog.cursor == -1
    assert Snapshot.take(data).cursor == -1


def test_reopening_finds_hot_rows_keys_state_and_traces(data, clock):
    catalog = Catalog.open(data, clock=clock)
    rows.post_event(0).apply(catalog)
    catalog.abandon()
    with closing(Catalog.open(data, clock=clock)) as again:
        trace = rows.ident("trace", (0, 0))
        assert (again.cursor, again.key_seq("key-0"), again.state("tail")) == (0, 0, b"0")
        assert again.read("spans", [trace])["span_index"].to_pylist() == [0, 1, 2]
        hashes = rows.new_pairs(rows.post_event(0).rows["spans"])[0]
        assert again.probe(hashes)[1].tolist() == [0, 0]


def test_state_is_replaced_and_removed(catalog):
    rows.commit(0, {}, state={"a": b"1", "b": b"2"}).apply(catalog)
    rows.commit(1, {}, state={"a": b"3", "b": None}).apply(catalog)
    assert (catalog.state("a"), catalog.state("b")) == (b"3", None)


def test_a_key_posted_twice_undoes_its_whole_commit(data, catalog):
    rows.post_event(0).apply(catalog)
    again = rows.commit(1, {"events": [rows.event(1)]}, keys={"key-0": 1})
    with pytest.raises(sqlite3.IntegrityError):
        again.apply(catalog)
    assert (catalog.cursor, Snapshot.take(data).cursor, stored(data, "events")) == (0, 0, 1)
    rows.post_event(1).apply(catalog)
    assert stored(data, "events") == 2


def test_rows_of_an_event_that_is_not_committed_with_them_are_a_bug(catalog):
    with pytest.raises(AssertionError, match="without a row in `events`"):
        rows.commit(1, {"events": [rows.event(1)], "rollups": [rows.rollup(0, "1")]}).apply(catalog)


def test_rows_with_other_columns_are_a_bug(catalog):
    with pytest.raises(AssertionError, match="rows for spans"):
        catalog.commit(cursor=0, rows={"spans": pa.table({"a": [1]})}, traces=rows.new_pairs(None), keys={}, state={})


def test_the_cursor_never_goes_back(catalog):
    rows.post_event(4).apply(catalog)
    with pytest.raises(AssertionError, match="from 4 to 3"):
        rows.post_event(3).apply(catalog)


def test_a_second_poster_is_refused_and_told_who_has_it(data, catalog, clock):
    with pytest.raises(Locked, match=str(data.ledger)):
        Catalog.open(data, clock=clock)


def test_a_missing_ledger_is_named_with_the_next_command(data):
    with pytest.raises(NotFound, match=f"{data.root}.*spanledger serve"):
        Snapshot.take(data)


@pytest.mark.parametrize(("name", "other"), [("format", 1), ("posting_version", 1), ("posting_version", -1)])
def test_a_ledger_of_another_program_is_refused_by_its_writer_and_its_readers(name, other, data, clock):
    Catalog.open(data, clock=clock).close()
    with closing(sqlite3.connect(data.catalog)) as db, db:
        db.execute("UPDATE meta SET value = value + ? WHERE name = ?", (other, name))
    for opened in (lambda: Catalog.open(data, clock=clock), lambda: Snapshot.take(data)):
        with pytest.raises(Incompatible, match="spanledger rebuild"):
            opened()
    with closing(sqlite3.connect(data.catalog)) as db, db:
        db.execute("UPDATE meta SET value = value - ? WHERE name = ?", (other, name))
    Catalog.open(data, clock=clock).close()


def test_a_flush_moves_rows_and_changes_none(data, catalog):
    for seq in range(4):
        rows.post_event(seq, days=2).apply(catalog)
    before = digest.digests(data)
    catalog.flush()
    snapshot = Snapshot.take(data)
    assert all(snapshot.hot(table).num_rows == 0 for table in ARROW)
    assert digest.digests(data) == before


def test_a_segment_holds_one_day_of_record_time_and_says_so(data, catalog):
    for seq in range(4):
        rows.post_event(seq, days=2).apply(catalog)
    catalog.flush()
    found = {}
    for path in Snapshot.take(data).segments("charges"):
        named = {key.decode(): value.decode() for key, value in pq.read_metadata(path).metadata.items()}
        found[named["spanledger.day"]] = (
            named["spanledger.first_event_seq"], named["spanledger.last_event_seq"], named["spanledger.shard"],
            named["spanledger.schema_id"], named["spanledger.table"],
            sorted(set(pq.read_table(path)["event_seq"].to_pylist())),
        )  # fmt: skip
    assert found == {
        "2023-11-15": ("0", "2", "0", "1", "charges", [0, 2]),
        "2023-11-16": ("1", "3", "0", "1", "charges", [1, 3]),
    }


def test_a_segment_holds_one_shard(data, catalog):
    second = 1 << 48
    parts = [rows.post_event(0), rows.post_event(second)]
    rows.joined(parts).apply(catalog)
    catalog.flush()
    shards = [pq.read_metadata(path).metadata[b"spanledger.shard"] for path in Snapshot.take(data).segments("spans")]
    assert sorted(shards) == [b"0", b"1"]


def test_hot_rows_are_flushed_when_they_are_many(data, open_catalog):
    catalog = open_catalog(flush_rows=10)
    rows.post_event(0, 9).apply(catalog)
    catalog.tidy()
    assert Snapshot.take(data).segments("spans") == []
    rows.post_event(1, 1).apply(catalog)
    catalog.tidy()
    assert len(Snapshot.take(data).segments("spans")) == 1


def test_hot_rows_are_flushed_when_they_are_large(data, open_catalog):
    catalog = open_catalog(flush_bytes=10_000)
    span = rows.span(0, 0, "a", input="x" * 20_000)
    rows.commit(0, {"events": [rows.event(0)], "spans": [span]}).apply(catalog)
    catalog.tidy()
    assert len(Snapshot.take(data).segments("spans")) == 1


def test_hot_rows_are_flushed_when_they_are_old(data, clock, catalog):
    rows.post_event(0).apply(catalog)
    clock.advance(29.9)
    catalog.tidy()
    assert Snapshot.take(data).segments("spans") == []
    clock.advance(0.2)
    catalog.tidy()
    assert len(Snapshot.take(data).segments("spans")) == 1


def test_merging_keeps_few_files_and_every_row(data, open_catalog):
    catalog = open_catalog(segment_fan_in=3, run_fan_in=3, segment_bytes_min=1)
    for seq in range(30):
        rows.post_event(seq).apply(catalog)
        catalog.flush()
        for _ in range(5):
            catalog.tidy()
    reference = rows.joined(rows.post_event(seq) for seq in range(30))
    assert len(Snapshot.take(data).segments("spans")) <= 6
    assert len(list((data.ledger / "traces").glob("*.run"))) > 6, "replaced runs stay for a while"
    wanted = sorted(set(reference.rows["spans"]["trace_id"].to_pylist()))
    found = catalog.read("spans", wanted, columns=["source_seq", "span_index"]).to_pylist()
    expected = reference.rows["spans"].select(["source_seq", "span_index"]).to_pylist()
    assert Counter(map(str, found)) == Counter(map(str, expected))
    index, seqs = catalog.probe(reference.traces[0])
    assert set(zip(index.tolist(), seqs.tolist(), strict=True)) >= set(enumerate(reference.traces[1].tolist()))


def test_a_merge_waits_while_it_would_take_the_room_that_acks_need(data, open_catalog, monkeypatch):
    catalog = open_catalog(segment_fan_in=2, run_fan_in=2, merge_free_bytes_min=1_000_000)
    for seq in range(2):
        rows.post_event(seq).apply(catalog)
        catalog.flush()
    catalog.flush()
    files = sum(part.file_bytes for part in Snapshot.take(data).manifest if part.table_name == "spans")
    for free_bytes, left in ((1_000_000 + files - 1, 2), (10**9, 1)):
        monkeypatch.setattr(PosixDisk, "free_bytes", lambda self, directory, free=free_bytes: free)
        for _ in range(9):
            catalog.tidy()
        assert len(Snapshot.take(data).segments("spans")) == left


def test_a_file_that_does_not_fit_on_the_disk_leaves_nothing_there(data, catalog, monkeypatch):
    def write(self, parts):
        self._write_some([parts[0][: len(parts[0]) // 2]])
        raise OSError(errno.ENOSPC, "No space left on device")

    rows.post_event(0).apply(catalog)
    with monkeypatch.context() as patch:
        patch.setattr(PosixFile, "write", write)
        with pytest.raises(OSError, match="No space left"):
            catalog.flush()
    assert [path for path in data.ledger.rglob("*.*") if not path.name.startswith("catalog.sqlite")] == []
    catalog.flush()
    assert len(Snapshot.take(data).segments("spans")) == 1


def test_a_replaced_file_stays_ten_minutes(data, clock, open_catalog):
    catalog = open_catalog(segment_fan_in=2)
    for seq in range(2):
        rows.post_event(seq).apply(catalog)
        catalog.flush()
    old = Snapshot.take(data).segments("spans")
    for _ in range(9):
        catalog.tidy()
    assert len(Snapshot.take(data).segments("spans")) == 1
    clock.advance(599)
    catalog.tidy()
    assert all(path.exists() for path in old)
    clock.advance(2)
    catalog.tidy()
    assert not any(path.exists() for path in old)
    assert stored(data, "spans") == 10


def test_a_restart_leaves_replaced_files_to_their_readers(data, clock):
    with closing(Catalog.open(data, clock=clock, options=StoreOptions(segment_fan_in=2))) as catalog:
        for seq in range(2):
            rows.post_event(seq).apply(catalog)
            catalog.flush()
        old = Snapshot.take(data).segments("spans")
        for _ in range(9):
            catalog.tidy()
    with closing(Catalog.open(data, clock=clock)):
        assert len(Snapshot.take(data).segments("spans")) == 1
        assert all(path.exists() for path in old)


def test_segments_of_different_days_are_not_merged(data, open_catalog):
    catalog = open_catalog(segment_fan_in=2)
    for seq in range(8):
        rows.post_event(seq, days=2).apply(catalog)
        catalog.flush()
    for _ in range(30):
        catalog.tidy()
    days = [pq.read_metadata(path).metadata[b"spanledger.day"] for path in Snapshot.take(data).segments("spans")]
    assert sorted(days) == [b"2023-11-15", b"2023-11-16"]


@pytest.mark.parametrize("seed", range(3))
def test_reading_traces_gives_exactly_their_rows_wherever_they_lie(seed, data, open_catalog):
    catalog = open_catalog(segment_fan_in=2)
    rng = np.random.default_rng(seed)
    for seq in range(12):
        rows.post_event(seq, 7, days=2).apply(catalog)
        if rng.random() < 0.4:
            catalog.flush()
        catalog.tidy()
    every = rows.joined(rows.post_event(seq, 7, days=2) for seq in range(12)).rows
    traces = sorted(set(every["spans"]["trace_id"].to_pylist()))
    wanted = [trace for trace in traces if rng.random() < 0.5] + [b"\xff" * 16, b"\x00" * 16]
    seqs = [1, 5, 6, 99]
    for table, seq_column in (("spans", "source_seq"), ("charges", "event_seq"), ("placements", "event_seq")):
        expected = [row for row in every[table].to_pylist() if row["trace_id"] in wanted]
        assert Counter(map(str, catalog.read(table, wanted).to_pylist())) == Counter(map(str, expected))
        some = catalog.read(table, wanted, seqs, columns=["trace_id"])
        assert some.column_names == ["trace_id"]
        assert Counter(some["trace_id"].to_pylist()) == Counter(
            row["trace_id"] for row in expected if row[seq_column] in seqs
        )


def test_a_snapshot_reads_only_new_hot_rows_again(data, catalog):
    rows.post_event(0).apply(catalog)
    first = Snapshot.take(data)
    rows.post_event(1).apply(catalog)
    second = Snapshot.take(data, first)
    assert second.hot("spans").equals(Snapshot.take(data).hot("spans"))
    assert all(second.hot_parts[hot_id] is part for hot_id, part in first.hot_parts.items())
    catalog.flush()
    assert Snapshot.take(data, second).hot_parts == {}


def test_a_snapshot_can_be_taken_where_nothing_may_be_written(data, clock):
    with closing(Catalog.open(data, clock=clock)) as catalog:
        rows.post_event(0).apply(catalog)
    db = manifest.open_read_only(data.catalog)
    with closing(db), pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM segment")
    assert Snapshot.take(data).cursor == 0
