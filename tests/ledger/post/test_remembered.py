"""Events kept at hand are bounded by their bytes."""

from dataclasses import dataclass

from ledger.post.remembered import Remembered


@dataclass(frozen=True)
class Body:
    body: bytes


def test_the_events_asked_for_last_are_kept_up_to_a_number_of_bytes() -> None:
    read = []

    def reading(event_seq: int) -> Body:
        read.append(event_seq)
        return Body(bytes(40))

    remembered = Remembered(reading, bytes_max=100)
    for event_seq in (1, 2, 1, 3, 1, 2):
        assert len(remembered.get(event_seq).body) == 40
    assert read == [1, 2, 3, 2]


def test_an_event_larger_than_the_bound_is_kept_alone() -> None:
    remembered = Remembered(lambda _: Body(bytes(200)), bytes_max=100)
    assert remembered.get(1) is remembered.get(1)
    assert remembered.get(2) is not remembered.get(1)
