"""A damaged ledger stops posting and nothing else: spans are taken, and a rebuild beside the service mends it."""

import subprocess
from pathlib import Path

import pytest

from tests.durability.load import SMALL_FILES, BareClient, Client
from tests.durability.proof import catch_up, holds_exactly_once, wait_for_acks
from tests.service import PROGRAM, healthy, service, until

pytestmark = [pytest.mark.durability, pytest.mark.timeout(120)]


def test_spans_are_taken_on_a_damaged_ledger_and_posted_once_it_is_rebuilt(tmp_path: Path) -> None:
    with service(tmp_path, settings=SMALL_FILES) as one:
        one.start()
        clients: list[Client] = [BareClient(one.grpc)]
        clients[0].start()
        wait_for_acks(clients)
        catch_up(one.data)
        assert one.terminate()[0] == 0
        run = next((one.data / "ledger" / "traces").glob("*.run"))
        content = bytearray(run.read_bytes())
        content[-1] ^= 1
        run.write_bytes(content)
        one.start()
        wait_for_acks(clients)
        until(
            lambda: f"posting waits, acks and answers go on: {run}: checksum" in one.log.read_text(),
            10,
            "no word of it",
        )
        assert healthy(one.api)
        subprocess.run([PROGRAM, "rebuild", "--data", str(one.data)], check=True, capture_output=True, timeout=60)
        until(lambda: "poster warning: posting goes on" in one.log.read_text(), 20, "posting does not go on")
        wait_for_acks(clients)
        records = [client.finish() for client in clients]
        catch_up(one.data)
        assert one.terminate()[0] == 0
    assert "ended with code" not in one.log.read_text()
    holds_exactly_once(one.data, records)
