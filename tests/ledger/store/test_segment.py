import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.journal.disk import POSIX
from ledger.schema import ARROW, TABLES
from ledger.store import merge, segment
from ledger.store.files import published
from tests.ledger.store import rows


def written(path, table, *parts):
    with published(POSIX, path) as out:
        segment.write(out, table, 0, "2023-11-15", 0, 9, [segment.in_order(table, part) for part in parts])
    return path


def spans(count, seq=0, **more):
    return rows.table("spans", [rows.span(seq, i, i // 3, **more) for i in range(count)])


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_every_file_has_its_field_id(table, tmp_path):
    path = written(tmp_path / "a.parquet", table, ARROW[table].empty_table())
    schema = pq.read_schema(path)
    assert schema.names == [column.name for column in TABLES[table]]
    for field, column in zip(schema, TABLES[table], strict=True):
        assert field.metadata[b"PARQUET:field_id"] == str(column.field_id).encode()
        if pa.types.is_map(field.type):
            nested = (field.type.key_field, field.type.item_field)
            ids = [int(part.metadata[b"PARQUET:field_id"]) for part in nested]
            assert ids == [column.field_id * 1000 + 1, column.field_id * 1000 + 2]


def test_every_table_has_its_place_in_record_time():
    assert set(segment.SEQ) == set(TABLES)
    assert all(ARROW[table].field(column).type == pa.int64() for table, column in segment.SEQ.items())
    assert set(segment.TRACED) == {table for table in TABLES if "trace_id" in ARROW[table].names}


def test_rows_lie_in_the_order_of_traces_so_that_few_row_groups_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS", 16)
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS_MIN", 16)
    path = written(tmp_path / "a.parquet", "spans", spans(200))
    file = pq.ParquetFile(path)
    assert file.num_row_groups == 13
    ids = file.read(columns=["trace_id"])["trace_id"].to_pylist()
    assert ids == sorted(ids)
    wanted = [rows.ident("trace", 7)]
    position = file.metadata.schema.names.index("trace_id")
    touched = [group for group in range(13) if segment._may_hold(file.metadata, group, position, wanted)]
    assert len(touched) <= 2
    assert sorted(segment.read(path, "spans", wanted, ["span_index"])["span_index"].to_pylist()) == [21, 22, 23]


def test_row_groups_of_long_rows_are_short():
    assert segment.group_rows(100 * 1000, 1000) == segment.ROW_GROUP_ROWS
    assert segment.group_rows(2600 * 1000, 1000) == (8 << 20) // 2600
    assert segment.group_rows(1 << 30, 10) == segment.ROW_GROUP_ROWS_MIN


def test_a_file_without_a_later_column_reads_it_as_null(tmp_path):
    path = tmp_path / "old.parquet"
    pq.write_table(spans(3).drop_columns(["span_index", "team"]), path)
    found = segment.read(path, "spans", [rows.ident("trace", 0)], ["team", "span_index", "name"])
    assert found.schema == ARROW["spans"].empty_table().select(["team", "span_index", "name"]).schema
    assert found["span_index"].to_pylist() == [None] * 3


@pytest.mark.parametrize("table", ["spans", "events"])
def test_a_merge_gives_the_rows_of_all_inputs_in_order(table, tmp_path):
    whole = {
        "spans": [segment.in_order("spans", spans(n, seq)) for seq, n in enumerate((40, 1, 25))],
        "events": [rows.table("events", [rows.event(s) for s in some]) for some in ((1, 5, 6), (2,), (0, 3))],
    }[table]
    inputs = [iter([part.slice(at, 4) for at in range(0, part.num_rows, 4)]) for part in whole]
    found = pa.concat_tables(merge.merged(table, inputs))
    high, low = segment.keys(table, found)
    keys = list(zip(high.tolist(), low.tolist(), strict=True))
    assert keys == sorted(keys)
    assert sorted(map(str, found.to_pylist())) == sorted(map(str, pa.concat_tables(whole).to_pylist()))


def test_a_merge_ends_when_all_rows_are_of_one_trace():
    part = rows.table("spans", [rows.span(0, i, "same") for i in range(20)])
    inputs = [iter([part.slice(0, 7), part.slice(7)]), iter([part.slice(0, 1), part.slice(1)])]
    assert sum(piece.num_rows for piece in merge.merged("spans", inputs)) == 40


def test_tiers_take_files_of_like_size_of_one_group():
    def due(*sizes):
        return merge.due((("g", size, number) for number, size in enumerate(sizes)), fan_in=3, smallest=10, largest=99)

    assert due(1, 2) is None
    assert due(1, 2, 3) == [0, 1, 2]
    assert due(1, 50, 2, 50, 9) == [0, 2, 4]
    assert due(100, 100, 100) is None
    assert merge.due([("a", 1, 0), ("b", 1, 1), ("a", 1, 2)], fan_in=3, smallest=10, largest=99) is None


def test_every_row_group_of_a_file_is_read_for_a_merge(tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS", 16)
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS_MIN", 16)
    path = written(tmp_path / "a.parquet", "spans", spans(40))
    groups = list(segment.row_groups(path, "spans"))
    assert [group.num_rows for group in groups] == [16, 16, 8]
    assert pa.concat_tables(groups).equals(segment.in_order("spans", spans(40)))


def test_a_flipped_byte_in_a_page_is_found_before_it_is_merged(tmp_path):
    path = written(tmp_path / "a.parquet", "spans", spans(200))
    metadata, whole = pq.read_metadata(path), path.read_bytes()
    column = metadata.row_group(0).column(metadata.schema.names.index("span_id"))
    page_end = column.data_page_offset + column.total_compressed_size
    for at in range(page_end - 1_000, page_end, 99):  # 1,600 bytes of ids, behind the header of their page
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(OSError, match=r"CRC|crc"):
            list(segment.row_groups(path, "spans"))


def test_rows_without_a_trace_lie_first_and_are_in_no_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS", 4)
    monkeypatch.setattr(segment, "ROW_GROUP_ROWS_MIN", 4)
    traces = [None, rows.ident("trace", 1), None, None, None, rows.ident("trace", 2), None]
    made = [{"trace_id": one, "source_seq": n, "log_index": 0, "body": str(n)} for n, one in enumerate(traces)]
    path = written(tmp_path / "a.parquet", "logs", rows.table("logs", made))
    assert [row["body"] for row in pq.read_table(path).to_pylist()][:5] == ["0", "2", "3", "4", "6"]
    assert segment.read(path, "logs", [traces[5]], ["body"])["body"].to_pylist() == ["5"]
    found = [part["body"].to_pylist() for part in segment.of_events(path, "logs", np.array([1, 4, 9]), ["body"])]
    assert sorted(body for part in found for body in part) == ["1", "4"]


def test_files_whose_rows_have_no_trace_merge_with_those_that_have(tmp_path):
    parts = [
        segment.in_order(
            "logs", rows.table("logs", [{"trace_id": one, "source_seq": n, "log_index": 0} for one in ids])
        )
        for n, ids in enumerate(([None, rows.ident("trace", 1)], [None, None], [rows.ident("trace", 1)]))
    ]
    merged = pa.concat_tables(merge.merged("logs", [iter([part]) for part in parts]))
    assert merged["trace_id"].null_count == 3
    assert merged["source_seq"].to_pylist() == [0, 1, 1, 0, 2]
