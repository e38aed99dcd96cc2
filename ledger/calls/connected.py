"""What hangs together by sets that overlap."""

from collections.abc import Iterable

import numpy as np


def connected(sets: Iterable[np.ndarray]) -> dict[int, int]:
    """Each member of `sets` -> one member of all that it is connected with, however long the chain of sets."""
    head = dict[int, int]()

    def find(member: int) -> int:
        top = head.setdefault(member, member)
        while head[top] != top:
            head[top] = top = head[head[top]]  # halves the way for the next
        return top

    for one in sets:
        first, *others = map(find, one.tolist())
        for other in others:
            head[find(other)] = find(first)
    return {member: find(member) for member in list(head)}
