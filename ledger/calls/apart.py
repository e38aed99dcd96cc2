"""Views that stand apart: they report tokens, and name neither a response nor the other signal's view of the call."""

from hashlib import sha256

import numpy as np
import pyarrow as pa

from ledger.calls.index import mix

BEGINNINGS = ("codex", "gemini-cli")
"""Beginnings of the instrumentation scopes of spans whose log records are written without trace and span."""

SLOT_NS = 15 * 60 * 1_000_000_000
"""Groups are cut at every quarter of an hour, or a loop that repeats one call for days were one group. A call whose
span ends on one side of it and whose log record lies on the other is counted twice; they are milliseconds apart."""


def stands_apart(
    scopes: pa.ChunkedArray, is_log: np.ndarray, names_response: np.ndarray, reports: np.ndarray
) -> np.ndarray:
    """Positions of the views that do. `reports`: whether each is a model's and knows its input tokens."""
    of_scope = of_apart(scopes)
    if not of_scope.any() and not is_log.any():
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(reports & np.where(is_log, ~names_response, of_scope))


def of_apart(scopes: pa.ChunkedArray) -> np.ndarray:
    """Which of `scopes` are such instrumentation, a mask."""
    encoded = scopes.combine_chunks().dictionary_encode()
    known = [scope.startswith(BEGINNINGS) for scope in encoded.dictionary.to_pylist()]
    if not any(known):
        return np.zeros(len(scopes), dtype=np.bool_)
    found: np.ndarray = np.array([*known, False])[encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)]
    return found


def moments(services: pa.ChunkedArray, input_tokens: np.ndarray, ended_ns: np.ndarray) -> np.ndarray:
    """64-bit hash, never 0, of what two views of one call have in common: service, input tokens, and the slot."""
    texts = services.to_pylist()
    of_text = {text: int.from_bytes(sha256((text or "").encode()).digest()[:8]) for text in set(texts)}
    service = np.array([of_text[text] for text in texts], dtype=np.uint64)
    found: np.ndarray = mix(service, input_tokens, ended_ns // SLOT_NS) | np.uint64(1)
    return found
