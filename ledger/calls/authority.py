"""Who is believed where two views of a call know equally much: the nearer to the provider, the better."""

import numpy as np
import pyarrow as pa

FRAMEWORK, INSTRUMENTATION, SDK, PROVIDER = range(4)

BEGINNINGS = (
    ("com.anthropic.claude-platform", PROVIDER),
    ("com.anthropic.", SDK),
    ("opentelemetry.instrumentation.", INSTRUMENTATION),
    ("openinference.instrumentation.", INSTRUMENTATION),
)
"""Beginnings of instrumentation scopes, the first that fits counts; every other scope is taken for a framework."""


def authorities(scopes: pa.ChunkedArray) -> np.ndarray:
    """Authority of each scope name, uint8."""
    encoded = scopes.combine_chunks().dictionary_encode()
    known = [authority(scope) for scope in encoded.dictionary.to_pylist()]
    table = np.array([*known, FRAMEWORK], dtype=np.uint8)
    indices: np.ndarray = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    found: np.ndarray = table[indices]
    return found


def authority(scope: str) -> int:
    """Authority of one scope name."""
    return next((rank for beginning, rank in BEGINNINGS if scope.startswith(beginning)), FRAMEWORK)
