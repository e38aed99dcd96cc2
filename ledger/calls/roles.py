"""What part a span plays in owning money, by its operation."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

NONE, MODEL, TOOL, AGENT, WORKFLOW, DEFINITION = range(6)
ROLE_NAMES = ("none", "model", "tool", "agent", "workflow", "definition")

ROLE_OF: Mapping[str, int] = {
    "chat": MODEL,
    "completion": MODEL,
    "embeddings": MODEL,
    "rerank": MODEL,
    "moderation": MODEL,
    "image": MODEL,
    "speech": MODEL,
    "tool": TOOL,
    "agent": AGENT,
    "workflow": WORKFLOW,
    "definition": DEFINITION,
}
"""Operations not named here (chain, plan, retrieval, transport, ...) are seen through: they neither bill nor bound."""

KIND_OF: Mapping[int, str] = {MODEL: "model", TOOL: "tool"}


def roles(operations: pa.ChunkedArray) -> np.ndarray:
    """Role of each operation, uint8."""
    encoded = operations.combine_chunks().dictionary_encode()
    table = np.array([ROLE_OF.get(name, NONE) for name in encoded.dictionary.to_pylist()] + [NONE], dtype=np.uint8)
    indices: np.ndarray = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
    found: np.ndarray = table[indices]
    return found
