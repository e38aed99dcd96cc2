"""A batch cut into rounds, so that many events are posted at once as if one by one.

Events touch the same key (a trace) rarely; where they do, their order matters. Round r holds, of every trace, the
spans of the r-th event of the batch that touches it. Within a round no key is touched twice, so its spans may be folded
as one vector; rounds are folded in order. A batch of one event is one round.
"""

import numpy as np

from ledger.calls.columns import starts


def rounds(keys: np.ndarray, events: np.ndarray) -> list[np.ndarray]:
    """Positions of each round. `keys[i]`: key that span i touches; `events[i]`: its event, never falling."""
    if not len(keys):
        return []
    order = np.lexsort((events, keys))
    key, event = keys[order], events[order]
    new_key, new_pair = starts(key), starts(key, event)
    pair = np.cumsum(new_pair)
    first_pair_of_key = np.maximum.accumulate(np.where(new_key, pair, 0))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = pair - first_pair_of_key
    if not rank.any():
        return [np.arange(len(keys))]
    by_rank = np.argsort(rank, kind="stable")
    bounds = np.flatnonzero(np.diff(rank[by_rank])) + 1
    return np.split(by_rank, bounds)
