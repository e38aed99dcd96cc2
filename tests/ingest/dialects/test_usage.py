"""What tokens in mean, where neither a total nor the parts settle it: what the dialect says."""

import numpy as np
import pytest

from ingest.dialects import usage
from ingest.dialects.columns import CountColumn, NameColumn
from ingest.dialects.dialect import TARGETS, Kind


def normalised(includes, **counts):
    """Input, output and basis of one chat span with these counts; includes: as Dialect.input_includes_cache."""
    columns = {target: CountColumn(1) for target, kind in TARGETS.items() if kind is Kind.COUNT}
    for name, count in counts.items():
        columns[f"{name}_tokens"].value[0] = count
        columns[f"{name}_tokens"].known[0] = True
    operation = NameColumn(1)
    operation.fill_all(np.array([True]), "chat")
    basis = usage.normalise(columns, operation, *map(np.array, ([includes is True], [includes is None], [False])))
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
