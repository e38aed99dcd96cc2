"""Posting with merges beside: the same rows, and one large event at a time in memory."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from ledger.store.digest import digests
from ledger.store.options import StoreOptions
from ledger.store.snapshot import Snapshot
from tests.ledger.post.plain import agent, call, decode, request, same_span
from tests.ledger.post.posted import drain, journal, post

FILES_OFTEN = StoreOptions(flush_rows=1, segment_fan_in=2, run_fan_in=2)


@pytest.mark.parametrize("batch_events_max", [1, 7, 1024])
def test_merges_beside_posting_change_no_row_in_batches_of_any_size(data: DataDir, batch_events_max: int) -> None:
    journal(data, *(request(call(n % 5, n, 9), agent(n % 5, 9) if n % 4 == 3 else call(8, n)) for n in range(1, 30)))
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    with ThreadPoolExecutor(1) as merging:
        poster = Poster(
            again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=batch_events_max),
            store_options=FILES_OFTEN, merging=merging,
        )  # fmt: skip
        drain(poster)
        for _ in range(3):
            poster._catalog.await_merge()
            poster.step()
        poster.close()
    assert digests(again) == expected
    if batch_events_max == 1:
        assert len(Snapshot.take(again).segments("spans")) < 29, "none was merged"


@pytest.mark.parametrize(
    ("options", "large"),
    [
        (PosterOptions(), False),
        (PosterOptions(batch_bytes_max=1), True),
        (PosterOptions(batch_spans_max=1), True),
        (PosterOptions(batch_spans_max=2), False),
    ],
)
def test_an_event_beyond_what_a_batch_may_hold_is_posted_without_a_merge_beside_it(
    data: DataDir, options: PosterOptions, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(data, request(call(1, 1), call(1, 2)))
    poster = Poster(data, decode, same_span, clock=SystemClock(), options=options, spans_in=lambda event: 2)
    waited = []
    monkeypatch.setattr(Catalog, "await_merge", lambda catalog: waited.append(catalog.cursor))
    drain(poster)
    poster.close()
    assert (1 in waited) == large
