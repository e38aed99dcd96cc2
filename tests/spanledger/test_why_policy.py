"""`spanledger why` says which policy chose between a stated and a computed cost, and whose it was."""

from pathlib import Path

import pytest

from spanledger.cli import spanledger
from spanledger.cli.exits import run
from tests.ingest.decode.made import request
from tests.spanledger.test_why import CHAT, Asker, imported


def test_why_says_which_policy_chose_between_a_stated_and_a_computed_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0.00021 USD computed, 0.0001 stated."""
    data, stated = tmp_path / "data", CHAT | {"gen_ai.usage.cost": 0.0001}
    spans = [{"attributes": stated, "trace_id": bytes(15) + bytes([n])} for n in (1, 2)]
    imported(tmp_path, request(spans[0]).SerializeToString())
    words = ["config", "cost-source", "set", "gen_ai.usage.cost", "max", "--reason", "audit", "--data", str(data)]
    assert run(spanledger, words) == 0
    (tmp_path / "later.traces.binpb").write_bytes(request(spans[1]).SerializeToString())
    assert run(spanledger, ["import", "--data", str(data), str(tmp_path / "later.traces.binpb")]) == 0
    ask = Asker(data, capsys)
    found = [ask.json(f"{n:032x}:{1:016x}")["money"] for n in (1, 2)]
    assert [each["cost_usd"] for each in found] == ["0.0001", "0.00021"]
    said = [each["reported"][0] for each in found]
    assert [(each["policy"], each["chosen_by"], each["booked"]) for each in said] == [
        ("reported", None, True),
        ("max", 4, False),
    ]
    assert said[1]["explained"] == "not greater than the computed cost: not used"
    assert "policy max, chosen by event 4" in ask.text(f"{2:032x}:{1:016x}", "--format", "table")
