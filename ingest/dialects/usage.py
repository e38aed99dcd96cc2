"""Token counts as the books want them: input inclusive of cache, output inclusive of reasoning, and how we know.

What emitters mean by "input tokens" differs (with or without cache reads and writes), and few say which. A reported
total settles it; else parts that exceed the whole do; else what the dialect says; else it is a guess, marked so.
"""

from collections.abc import Mapping

import pyarrow as pa

from ingest.dialects.columns import CountColumn, NameColumn
from ingest.dialects.dialect import CHECKS, MODEL_OPERATIONS
from ingest.sheet import Ints, Mask

TOKEN_OPERATIONS = frozenset({"chat", "completion", "embeddings", "rerank"})
"""Operations that always take tokens in, so that a reported 0 in and 0 out is an unknown (LiteLLM on streams)."""

Counts = Mapping[str, CountColumn]


def normalise(counts: Counts, operation: NameColumn, includes: Mask, guessed: Mask, apart: Mask) -> NameColumn:
    """Make input and output of `counts` inclusive, in place; returns input_basis.

    includes: rows whose dialect counts cache in its input; guessed: rows whose dialect does not say; apart: rows whose
    dialect leaves reasoning out of its output.
    """
    _drop_zero_usage(counts, operation.where(TOKEN_OPERATIONS))
    _complete_cache_writes(counts)
    used, out = counts["input_tokens"], counts["output_tokens"]
    cache = counts["cache_read_tokens"].value + counts["cache_write_tokens"].value
    reasoning = counts["reasoning_tokens"].value
    said, cache_apart, reasoning_apart = _by_total(counts, cache, reasoning)
    exceeds = used.known & (cache > used.value)
    settled = said | exceeds
    exclusive = used.known & (cache > 0) & (exceeds | cache_apart | ~(settled | includes | guessed))
    used.value[exclusive] += cache[exclusive]
    reasoning_apart |= out.known & ((reasoning > out.value) | (apart & ~said))
    out.value[reasoning_apart] += reasoning[reasoning_apart]
    for total, part in ((used, "compaction_input_tokens"), (out, "compaction_output_tokens")):
        total.value[total.known] += counts[part].value[total.known]  # Anthropic's, in neither input nor output
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
    return {name: column.array() for name, column in counts.items() if name not in CHECKS}


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


def _by_total(counts: Counts, cache: Ints, reasoning: Ints) -> tuple[Mask, Mask, Mask]:
    """Where a reported total settles it; where by the cache standing apart from input; by reasoning from output."""
    used, out, total = (counts[f"{part}_tokens"] for part in ("input", "output", "total"))
    rest = total.value - used.value - out.value
    known = used.known & out.known & total.known & (rest >= 0)
    cache_apart = known & (cache > 0) & ((rest == cache) | (rest == cache + reasoning))
    reasoning_apart = known & (reasoning > 0) & ((rest == cache + reasoning) | ((rest == reasoning) & ~cache_apart))
    return known & (rest == 0) | cache_apart | reasoning_apart, cache_apart, reasoning_apart
