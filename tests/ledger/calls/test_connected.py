"""What overlaps hangs together, whatever the order in which it is told."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.calls.connected import connected

sets = st.lists(st.sets(st.integers(0, 12), min_size=1, max_size=4), max_size=8)


@given(sets)
def test_two_members_have_one_head_if_and_only_if_a_chain_of_sets_joins_them(told: list[set[int]]) -> None:
    heads = connected(np.array(sorted(one)) for one in told)
    groups: list[set[int]] = []
    for one in told:
        meets = [group for group in groups if group & one]
        groups = [group for group in groups if group not in meets] + [one.union(*meets)]
    by_head: dict[int, set[int]] = {}
    for member, head in heads.items():
        by_head.setdefault(head, set()).add(member)
    assert sorted(map(sorted, by_head.values())) == sorted(map(sorted, groups))
    assert all(head in members for head, members in by_head.items())


def test_a_chain_of_a_hundred_thousand_sets_is_one() -> None:
    assert len(set(connected(np.array([n, n + 1]) for n in range(100_000)).values())) == 1
