"""When the live poster says that runs are over."""

import pytest

from ledger.errors import Overloaded
from ledger.journal.frame import Draft
from ledger.post.settling import Settling, read_settling
from spanledger.processes.settler import Settler, SettlerOptions


class Journal:
    """Takes drafts, unless it is away."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.is_away = False

    def append(self, draft: Draft) -> int:
        if self.is_away:
            raise Overloaded("no room")
        self.drafts.append(draft)
        return 100 + len(self.drafts)

    @property
    def settled(self) -> list[Settling]:
        return [read_settling(draft.body, 1_000) for draft in self.drafts]


def nothing_left(_through: int) -> bool:
    return False


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def settler(journal: Journal) -> Settler:
    return Settler(journal.append, SettlerOptions(settle_after_s=80))


def test_what_was_posted_is_settled_after_a_rest_and_once(settler: Settler, journal: Journal) -> None:
    for now_s in range(0, 400, 5):
        settler.turn(100 + len(journal.drafts), 7, nothing_left, float(now_s))
        assert journal.settled == [Settling(0, 7)] * (now_s >= 80), now_s


def test_what_came_within_the_rest_is_not_settled(settler: Settler, journal: Journal) -> None:
    for now_s in range(200):
        settler.turn(100 + len(journal.drafts), now_s, nothing_left, float(now_s))
    assert journal.settled
    for settling in journal.settled:
        assert settling.through_seq < 120
    assert [one.through_seq for one in journal.settled] == sorted({one.through_seq for one in journal.settled})
    assert len(journal.drafts) <= 200 / 10


def test_the_last_of_a_burst_is_settled_at_most_an_eighth_too_late(settler: Settler, journal: Journal) -> None:
    for now_s in range(300):
        settler.turn(100 + len(journal.drafts), min(now_s, 13), nothing_left, float(now_s))
        if journal.settled and journal.settled[-1].through_seq == 13:
            assert 13 + 80 <= now_s <= 13 + 80 + 10
            return
    raise AssertionError(journal.settled)


def test_a_journal_that_is_away_is_asked_again(settler: Settler, journal: Journal) -> None:
    journal.is_away = True
    for now_s in range(0, 200, 5):
        settler.turn(100 + len(journal.drafts), 7, nothing_left, float(now_s))
    assert journal.drafts == []
    journal.is_away = False
    settler.turn(100 + len(journal.drafts), 7, nothing_left, 205.0)
    settler.turn(100 + len(journal.drafts), 7, nothing_left, 215.0)
    assert journal.settled == [Settling(0, 7)]


def test_what_one_event_leaves_over_is_settled_by_the_next(settler: Settler, journal: Journal) -> None:
    left = [True, True, False]
    settler.turn(100 + len(journal.drafts), 7, nothing_left, 0.0)
    for now_s in range(80, 200, 5):
        settler.turn(
            100 + len(journal.drafts), 7, lambda _: left[len(journal.drafts)] if journal.drafts else False, float(now_s)
        )
    assert journal.settled == [Settling(0, 7)] * 2


def test_nothing_more_is_settled_before_what_was_said_last_is_posted(settler: Settler, journal: Journal) -> None:
    settler.turn(90, 7, nothing_left, 0.0)
    for now_s in range(80, 200, 5):
        settler.turn(100, 7, lambda _: True, float(now_s))
    assert len(journal.drafts) == 1
    settler.turn(101, 7, lambda _: True, 200.0)
    assert len(journal.drafts) == 2
