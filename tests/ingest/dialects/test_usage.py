"""What tokens in mean, where neither a total nor the parts settle it: what the dialect says."""

import numpy as np
import pytest

from ingest.dialects import usage
from ingest.dialects.columns import CountColumn, NameColumn
from ingest.dialects.dialect import TARGETS, Kind


def normalised(includes, reasoning_inside=True, **counts):
    """Input, output and basis of one chat span with these counts; includes: as Dialect.input_includes_cache."""
    columns = {target: CountColumn(1) for target, kind in TARGETS.items() if kind is Kind.COUNT}
    for name, count in counts.items():
        columns[f"{name}_tokens"].value[0] = count
        columns[f"{name}_tokens"].known[0] = True
    operation = NameColumn(1)
    operation.fill_all(np.array([True]), "chat")
    basis = usage.normalise(
        columns, operation, *map(np.array, ([includes is True], [includes is None], [not reasoning_inside]))
    )
    used, out = columns["input_tokens"].array()[0].as_py(), columns["output_tokens"].array()[0].as_py()
    return used, out, basis.array("string")[0].as_py()


@pytest.mark.parametrize(
    ("includes", "counts", "expected"),
    [
        (True, {"input": 2000, "output": 10, "cache_read": 500}, (2000, 10, "inclusive")),
        (False, {"input": 2000, "output": 10, "cache_read": 500}, (2500, 10, "exclusive")),
        (None, {"input": 2000, "output": 10, "cache_read": 500}, (2000, 10, "guessed")),
        (None, {"input": 2000, "output": 10}, (2000, 10, "inclusive")),
        (False, {"input": 2000, "output": 10}, (2000, 10, "exclusive")),
        (None, {"input": 21, "output": 10, "cache_read": 500}, (521, 10, "exclusive")),
        (False, {"input": 2000, "output": 10, "cache_read": 500, "total": 2010}, (2000, 10, "inclusive")),
        (None, {"input": 2000, "output": 10, "cache_read": 500, "total": 2510}, (2500, 10, "exclusive")),
        (True, {"input": 2000, "output": 10, "cache_read": 500, "total": 7}, (2000, 10, "inclusive")),
        (True, {"output": 10, "cache_read": 500}, (None, 10, None)),
        (True, {"input": 0, "output": 0}, (None, None, None)),
        (True, {"input": 0, "output": 5}, (0, 5, "inclusive")),
    ],
)
def test_input_is_made_inclusive(includes, counts, expected):
    assert normalised(includes, **counts) == expected


@pytest.mark.parametrize(
    ("inside", "counts", "expected"),
    [
        (False, {"output": 200, "reasoning": 100}, 300),
        (False, {"output": 200, "reasoning": 100, "total": 2300}, 300),
        (False, {"output": 200, "reasoning": 100, "total": 2200}, 200),  # the total shows that they are in it
        (False, {"output": 200, "reasoning": 100, "total": 7}, 300),  # a total that fits nothing
        (True, {"output": 200, "reasoning": 100}, 200),
        (True, {"output": 200, "reasoning": 100, "total": 2300}, 300),
        (True, {"output": 100, "reasoning": 200}, 300),
    ],
)
def test_output_is_made_inclusive(inside, counts, expected):
    assert normalised(True, inside, input=2000, **counts)[1] == expected


def test_what_compacting_a_context_took_is_added():
    counts = {"input": 2000, "output": 10, "total": 2010, "compaction_input": 500, "compaction_output": 20}
    assert normalised(True, **counts) == (2500, 30, "inclusive")
    assert normalised(True, output=10, compaction_input=500) == (None, 10, None)
