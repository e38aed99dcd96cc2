"""What is kept of each run says the same as going through all its spans."""

import pytest
from hypothesis import HealthCheck, given, settings

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from tests.ledger.post.posted import ask, journal, post
from tests.ledger.post.test_histories import histories

LAST = 2**63 - 1
DIFFERENCES = f"(FROM runs EXCEPT FROM runs_as_of({LAST})) UNION ALL (FROM runs_as_of({LAST}) EXCEPT FROM runs)"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_runs_are_those_of_all_spans_as_known_at_the_last_event(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("runs") / "data")
    journal(data, *history)
    post(data, batch_events_max=2)
    assert ask(data, DIFFERENCES) == []
    assert ask(data, "SELECT count(*) FROM runs") == ask(data, f"SELECT count(*) FROM runs_as_of({LAST})")
