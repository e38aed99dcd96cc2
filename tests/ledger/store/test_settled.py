"""Which stretches are settled: few, and what a later one covers is left out."""

from ledger.store.settled import STRETCHES_MAX, after, stretches


def settled(*events: tuple[int, int, int]) -> tuple[tuple[int, int], ...]:
    state = None
    for event in events:
        state = after(stretches(state), *event)
    return stretches(state)


def test_nothing_is_settled_at_first() -> None:
    assert stretches(None) == ()


def test_a_stretch_from_the_beginning_covers_those_before_it() -> None:
    assert settled((0, 5, 6)) == ((0, 5), (6, 6))
    assert settled((0, 5, 6), (0, 9, 10)) == ((0, 9), (10, 10))


def test_a_stretch_of_its_own_stays_until_it_is_covered() -> None:
    assert settled((3, 4, 5)) == ((3, 4), (5, 5))
    assert settled((0, 2, 3), (5, 7, 8)) == ((0, 2), (3, 3), (5, 7), (8, 8))
    assert settled((0, 2, 3), (5, 7, 8), (0, 8, 9)) == ((0, 8), (9, 9))


def test_they_are_bounded_and_the_first_stays() -> None:
    many = settled((0, 2, 3), *((at, at, at + 1) for at in range(10, 10 + 4 * STRETCHES_MAX, 2)))
    assert len(many) == STRETCHES_MAX
    assert many[0] == (0, 2)
    assert many[-1] == (9 + 4 * STRETCHES_MAX, 9 + 4 * STRETCHES_MAX)
