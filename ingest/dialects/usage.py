"""Token counts as the books want them: input inclusive of cache, output inclusive of reasoning, and how we know.

What emitters mean by "input tokens" differs (with or without cache reads and writes), and few say which. A reported
total settles it; else parts that exceed the whole do; else what the dialect says; else it is a guess, marked so.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ingest.dialects.columns import CountColumn, NameColumn
from ingest.dialects.dialect import MODEL_OPERATIONS
from ingest.sheet import Mask

TOKEN_OPERATIONS = frozenset({"chat", "completion", "embeddings", "rerank"})
"""Operations that always take tokens in, so that a reported 0 in and 0 out is an unknown (LiteLLM on streams)."""

Counts = Mapping[str, CountColumn]


def normalise(counts: Counts, operation: NameColumn, includes: Mask, guessed: Mask) -> NameColumn:
    """Make input and output of `counts` inclusive, in place; returns input_basis.

    includes: rows whose dialect counts cache in its input; guessed: rows whose dialect does not say.
    """
    _drop_zero_usage(counts, operation.where(TOKEN_OPERATIONS))
    _complete_cache_writes(counts)
    used, out = counts["input_tokens"], counts["output_tokens"]
    total, reasoning = counts["total_tokens"], counts["reasoning_tokens"]
    cache = counts["cache_read_tokens"].value + counts["cache_write_tokens"].value
    both = used.known & out.known & total.known
    plain = both & (total.value == used.value + out.value)
    apart_in = both & ~plain & _is_one_of(total.value - used.value - out.value, cache, cache + reasoning.value)
    apart_out = (
        both & ~plain & _is_one_of(total.value - used.value - out.value, reasoning.value, cache + reasoning.value)
    )
    apart_out &= ~(apart_in & (total.value == used.value + out.value + cache))
    exceeds = used.known & (cache > used.value)
    settled = plain | apart_in | apart_out | exceeds
    exclusive = used.known & (cache > 0) & (exceeds | apart_in | ~(settled | includes | guessed))
    used.value[exclusive] += cache[exclusive]
    apart_out |= out.known & (reasoning.value > out.value)
    out.value[apart_out] += reasoning.value[apart_out]
    basis = NameColumn(len(used.value))
    basis.fill_all(used.known, "inclusive")
    basis.fill_all(used.known & guessed & ~settled & (cache > 0), "guessed")
    basis.fill_all(exclusive | (used.known & ~includes & ~guessed & ~settled), "exclusive")
    return basis


def usage_status(counts: Counts, operation: NameColumn, failed: Mask) -> NameColumn:
    """reported, missing or failed for the operations of models; not_applicable for the others."""
    status = NameColumn(len(failed))
    model = operation.where(MODEL_OPERATIONS)
    known = counts["input_tokens"].known | counts["output_tokens"].known
    status.fill_all(~model, "not_applicable")
    status.fill_all(model & known, "reported")
    status.fill_all(model & ~known & failed, "failed")
    status.fill_all(model & ~known & ~failed, "missing")
    return status


def arrays(counts: Counts) -> dict[str, pa.Array]:
    return {name: column.array() for name, column in counts.items() if name != "total_tokens"}


def _drop_zero_usage(counts: Counts, rows: Mask) -> None:
    used, out = counts["input_tokens"], counts["output_tokens"]
    nothing = rows & (used.known | out.known) & (used.value == 0) & (out.value == 0)
    for column in counts.values():
        column.known[nothing] = False
        column.value[nothing] = 0


def _complete_cache_writes(counts: Counts) -> None:
    """Of total, 5 minutes and 1 hour any two give the third."""
    total, short, long = (counts[f"cache_write_{part}tokens"] for part in ("", "5m_", "1h_"))
    summed = ~total.known & (short.known | long.known)
    total.value[summed] = (short.value + long.value)[summed]
    total.known |= summed
    for part, other in ((short, long), (long, short)):
        rest = total.known & other.known & ~part.known & (total.value >= other.value)
        part.value[rest] = (total.value - other.value)[rest]
        part.known |= rest


def _is_one_of(rest: np.ndarray, *sizes: np.ndarray) -> Mask:
    """Where `rest` is one of `sizes`, and not nothing."""
    found: Mask = (rest > 0) & np.logical_or.reduce([rest == size for size in sizes])
    return found
