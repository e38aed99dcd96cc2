"""A month that is closed, and what comes later about it, in the FOCUS export of each month."""

from pathlib import Path

from ledger.paths import DataDir
from queries.connect import connect
from queries.export.window import Window
from tests.ledger.post.months import close, journal, ns
from tests.ledger.post.plain import agent, call, request
from tests.ledger.post.posted import post
from tests.queries.by_hand import usd
from tests.queries.export.focus_rows import focus_rows

SEPTEMBER = Window(ns("2026-09-01"), ns("2026-10-01"))
OCTOBER = Window(ns("2026-10-01"), ns("2026-11-01"))


def test_what_is_booked_on_a_closed_month_is_a_correction_of_a_later_one(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    late = request(agent(1, 1))  # so that the call is the agent's and no longer the service's
    journal(data, ("2026-09-30", request(call(1, 2, parent=1))), ("2026-10-02", close("2026-09")), ("2026-10-03", late))
    post(data)
    with connect(data) as connection:
        september, october = (focus_rows(connection, tmp_path, window) for window in (SEPTEMBER, OCTOBER))
    shown = ("x_AgentName", "x_Unit", "BilledCost", "ChargeClass")
    tokens_in, tokens_out = usd("0.00015"), usd("0.00006")
    assert sorted(tuple(row[name] for name in shown) for row in september) == [
        ("svc", "fresh_input_tokens", tokens_in, None),
        ("svc", "output_tokens", tokens_out, None),
    ]
    assert sorted(tuple(row[name] for name in shown) for row in october) == [
        ("planner", "fresh_input_tokens", tokens_in, "Correction"),
        ("planner", "output_tokens", tokens_out, "Correction"),
        ("svc", "fresh_input_tokens", -tokens_in, "Correction"),
        ("svc", "output_tokens", -tokens_out, "Correction"),
    ]
    assert {row["ChargePeriodStart"].month for row in october} == {9}
