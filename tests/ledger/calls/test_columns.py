"""Columns of numbers: one key for several of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.calls.columns import packed

ROW = st.tuples(st.integers(-1, 3), st.integers(-(2**40), 2**40), st.just(7), st.integers(0, 2**40))


@given(st.lists(ROW, max_size=30))
def test_rows_have_one_key_exactly_where_all_columns_agree_however_wide(rows: list[tuple[int, ...]]) -> None:
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)] or [np.empty(0, dtype=np.int64)]
    keys = packed(*columns).tolist()
    assert [[a == b for b in keys] for a in keys] == [[a == b for b in rows] for a in rows]
