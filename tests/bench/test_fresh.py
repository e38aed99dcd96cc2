"""The benchmark of freshness asks for runs that there are."""

from pathlib import Path

import numpy as np

from bench.fresh import span_of_its_own
from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_TRACES
from tests.golden.books import keep
from tests.shown import shown


def test_the_run_that_is_asked_for_is_the_one_that_the_span_makes(tmp_path: Path) -> None:
    body, run_id = span_of_its_own(np.random.default_rng(3))
    with shown(keep(tmp_path, [Draft(kind=OTLP_TRACES, body=body, content_type="application/x-protobuf")])) as ledger:
        assert ledger.execute("SELECT run_id FROM runs").fetchall() == [(run_id,)]
