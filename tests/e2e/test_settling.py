"""The service settles what has been at rest: what an agent alone knew of is booked, and an open run is closed."""

from pathlib import Path

import pytest

from ledger.paths import DataDir
from queries.connect import connect
from spanledger.exporting import Exporter
from tests.ingest.decode.made import request
from tests.service import service, until
from tests.spanledger.test_residuals import AGENT, WORK

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
OPEN = {"name": "chat", "trace_id": bytes(15) + b"\x07", "parent_span_id": (99).to_bytes(8)} | {
    "attributes": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
}
FOUND = "SELECT (SELECT max(signal) FROM calls WHERE cost_usd > 0), list_sort(list(state)) FROM runs"


def test_what_has_been_at_rest_is_settled_while_the_service_runs(tmp_path: Path) -> None:
    with service(tmp_path, settings={"poster.settle_after_s": 1}) as one:
        one.start()
        with Exporter(one.grpc) as exporter:
            exporter.send("traces", request(AGENT, WORK).SerializeToString())
            exporter.send("traces", request(OPEN).SerializeToString())

        def settled() -> bool:
            with connect(DataDir(one.data)) as connection:
                return connection.execute(FOUND).fetchone() == ("settlement", ["complete", "incomplete"])

        until(settled, PATIENCE_S, "a settlement")
