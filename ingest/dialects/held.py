"""Attributes that a column of the same row holds letter for letter; they are not kept a second time.

Only the best source of a column counts, so that the row's dialect and the column together still name the attribute.
Whatever reading changed, read from a lesser source or put into no public column stays among the attributes.
"""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import numpy as np

from ingest.dialects.dialect import Dialect
from ingest.dialects.sharing import Sharing
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


def held(found: Attributes, columns: Mapping[str, Filled], sharing: Sharing) -> Mask:
    """Which attributes need not be kept."""
    taken = np.zeros(len(found.owner), dtype=np.bool_)
    for target in WHOLE:
        picked = columns[target].verbatim(found)
        taken[picked[picked >= 0]] = True
    for target in SHOWN:
        verbatim = columns[target].verbatim(found)
        for dialect, where in sharing.agreeing(partial(_best, target)):
            rows = found.rows(_best(target, dialect))
            owner = found.owner[rows]
            same = verbatim[owner] == rows
            taken[rows[same if where is None else same & where[owner]]] = True
    return taken


def _best(target: str, dialect: Dialect) -> str:
    """The attribute that `target` is first read from whole; empty where there is none."""
    best = dialect.fields.get(target, ("",))[0]
    return best if isinstance(best, str) else ""
