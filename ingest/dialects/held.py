"""Attributes that a column of the same row holds letter for letter; they are not kept a second time.

Only the best source of a column counts, so that the row's dialect and the column together still name the attribute.
Whatever reading changed, read from a lesser source or put into no public column stays among the attributes.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ingest.dialects.dialect import Dialect
from ingest.sheet import Attributes, Ints, Mask

WHOLE = ("input", "output")
"""Content: taken from whichever source it was read from."""
SHOWN = (
    *("operation", "provider", "error_type", "agent_name", "request_model", "response_model", "response_id"),
    *("tool_name", "tool_call_id", "conversation_id", "user_id", "team", "credential"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
)
"""Columns of the public view `spans` that show what the span itself says."""


class Filled(Protocol):
    """A column that has been read."""

    def verbatim(self, found: Attributes) -> Ints:
        """For each span the attribute (row of `found`) whose text the column has unchanged, -1 where none."""


def held(found: Attributes, columns: Mapping[str, Filled], dialects: Sequence[Dialect], claims: Ints) -> Mask:
    """Which attributes need not be kept. `claims`: position in `dialects` of the one that reads each span."""
    taken = np.zeros(len(found.owner), dtype=np.bool_)
    for target in WHOLE:
        picked = columns[target].verbatim(found)
        taken[picked[picked >= 0]] = True
    verbatim = {target: columns[target].verbatim(found) for target in SHOWN}
    for number in np.unique(claims).tolist():
        for target in SHOWN:
            best = dialects[number].fields.get(target, (None,))[0]
            rows = found.rows(best) if isinstance(best, str) else found.by_key[:0]
            owner = found.owner[rows]
            taken[rows[(verbatim[target][owner] == rows) & (claims[owner] == number)]] = True
    return taken
