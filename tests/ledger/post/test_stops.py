"""Posting that is stopped, by a kill or by the disk, and goes on: nothing is missing and nothing is there twice."""

import errno

import pytest

from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.seams import SystemClock
from ledger.store.catalog import Catalog
from ledger.store.digest import digests
from tests.ledger.post.plain import agent, call, decode, request, same_span
from tests.ledger.post.posted import CALL_USD, ask, drain, journal, post


class Killed(Exception):
    """Stands for the end of the process."""


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_batch_whose_commit_failed_is_posted_whole_by_the_same_poster(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(data, request(call(1, 1, 3)), request(agent(1, 3), call(1, 2, 3)))
    poster = Poster(data, decode, same_span, clock=SystemClock())
    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "commit", no_room)
        with pytest.raises(OSError, match="No space left"):
            poster.step()
    drain(poster)
    poster.close()
    assert ask(data, "SELECT count(*) FROM spans") == [(3,)]
    assert ask(data, "SELECT agent_name, sum(cost_usd) FROM calls GROUP BY ALL") == [("planner", 2 * CALL_USD)]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_before_or_after_any_commit_gives_equal_digests(
    data: DataDir, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(data, *(request(call(1, n, 9), call(n % 3 + 2, n)) for n in range(1, 5)), request(agent(1, 9), call(2, 1)))
    post(data, batch_events_max=1)
    expected, commits = digests(data), 7
    commit = Catalog.commit
    for last in range(commits):
        left = [last]

        def dying(catalog: Catalog, *, left: list[int] = left, **rows: object) -> None:
            if not left[0] and moment == "before":
                raise Killed
            commit(catalog, **rows)
            if not left[0]:
                raise Killed
            left[0] -= 1

        again = DataDir(data.root, ledger_name=f"killed-{last}")
        monkeypatch.setattr(Catalog, "commit", dying)
        poster = Poster(again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1))
        with pytest.raises(Killed):
            drain(poster)
        poster._catalog.abandon()
        poster._reader.close()
        monkeypatch.setattr(Catalog, "commit", commit)
        post(again, batch_events_max=1)
        assert digests(again) == expected


@pytest.mark.parametrize("failing", ["commit", "state", "tidy"])
def test_a_step_that_the_disk_failed_can_be_taken_again(
    data: DataDir, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it failed, also on the way back: nothing is missing and nothing is there twice."""
    journal(data, request(call(1, 1, 5), call(2, 1)), request(agent(1, 5), call(1, 1, 5)), request(call(1, 2, 5)))
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    poster = Poster(again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=2))
    poster.step()
    works = {name: getattr(Catalog, name) for name in {"commit", failing}}
    for name in works:
        monkeypatch.setattr(Catalog, name, no_room)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            poster.step()
    monkeypatch.setattr(Catalog, "commit", works["commit"])
    if failing == "state":
        with pytest.raises(OSError, match="No space left"):
            poster.step()
    monkeypatch.setattr(Catalog, failing, works[failing])
    drain(poster)
    poster.close()
    assert digests(again) == expected
