"""How often the call was made that a part of a run repeats most. A loop is in no run where that is seldom, so whoever
looks for loops looks at few runs; queries/views/repeated_calls.sql finds them there, by the same rule.

Two calls are the same if agent, tool or model asked for, and input are. Where the telemetry does not carry the input it
is known by its tokens, of a tool by whether the call failed; a model call that says neither is the same as no other,
nor is what a settlement found.
"""

import numpy as np
import pyarrow as pa

from ledger.calls.columns import packed
from ledger.calls.forest import SETTLEMENT
from ledger.calls.roles import MODEL, TOOL
from ledger.post.parts import Parts

BY_CONTENT, BY_TOKENS, BY_OUTCOME, NOT_COMPARED = range(4)


def most_repeats(parts: Parts, calls: np.ndarray, agents: pa.Array) -> np.ndarray:
    """Of each part how many calls are the same as the most frequent one.

    `calls`: which positions of `parts` are calls, a mask; `agents[i]` is the agent of the i-th call.
    """
    known_by = _known_by(parts)[calls]
    compared = (known_by != NOT_COMPARED) & (parts.own("signal") != SETTLEMENT)[calls]
    part, role = parts.part[calls], parts.own("role")[calls]
    name = np.where(role == TOOL, parts.own("tool")[calls], parts.own("asked_model")[calls])
    key = packed(part, role, name, _codes(agents), known_by, _codes(pa.array(_input(parts)[calls])))[compared]
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    most = np.zeros(parts.count, dtype=np.int64)
    np.maximum.at(most, part[compared][first], count)
    return most


def _known_by(parts: Parts) -> np.ndarray:
    role, failed = parts.own("role"), parts.own("failed")
    by_tokens = (role == MODEL) & parts.own("input_known")
    by_outcome = (role == TOOL) | failed
    otherwise = np.where(by_tokens, BY_TOKENS, np.where(by_outcome, BY_OUTCOME, NOT_COMPARED))
    return np.where(parts.own("digest_known"), BY_CONTENT, otherwise)


def _input(parts: Parts) -> np.ndarray:
    """What stands for the input of each call, by what it is known by."""
    known_by = _known_by(parts)
    says = (parts.own("input_digest"), parts.own("input_tokens"), parts.own("failed").astype(np.int64))
    return np.select([known_by == BY_CONTENT, known_by == BY_TOKENS], says[:2], says[2])


def _codes(values: pa.Array) -> np.ndarray:
    codes: np.ndarray = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return codes
