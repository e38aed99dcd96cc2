"""What the views of cost say, on ledgers written by hand."""

from queries.connect import connect
from queries.costs import costs, telling
from tests.ledger.store import rows
from tests.queries.by_hand import usd


def test_cost_views_sum_rollups_by_their_keys(by_hand):
    hour = 3600 * 10**9
    by_hand.write(
        1, rollups=[rows.rollup(1, "0.5"), rows.rollup(1, "0.25", model="gpt-5-mini", team="red", user_id="u")]
    )
    by_hand.write(
        2,
        rollups=[
            rows.rollup(2, "0.125", hour_ns=rows.NOON_NS + hour),
            rows.rollup(2, "1", errors=1),
            rows.rollup(2, "0.01", kind="tool", model=None, tool_name="search", input_tokens=0, output_tokens=0),
            rows.rollup(
                2, "-0.25", model="gpt-5-mini", team="red", user_id="u", calls=-1, input_tokens=-1000, output_tokens=-50
            ),
        ],
    )
    assert by_hand.ask(
        "SELECT CAST(hour AS VARCHAR), model, calls, errors, cost_usd FROM cost_by_model ORDER BY ALL"
    ) == [
        ("2023-11-15 12:00:00", "gpt-5", 2, 1, usd("1.5")),
        ("2023-11-15 13:00:00", "gpt-5", 1, 0, usd("0.125")),
    ]
    assert by_hand.ask("SELECT SUM(cost_usd), SUM(calls) FROM cost_by_agent") == [(usd("1.635"), 4)]
    assert by_hand.ask("SELECT tool_name, calls, fee_usd, beneath_usd, result_usd FROM cost_by_tool") == [
        ("search", 1, usd("0.01"), 0, None)
    ]


def test_a_tool_has_three_figures_of_which_only_its_fee_is_in_a_total(by_hand):
    tool = {"kind": "tool", "model": None, "tool_name": "search"}
    by_hand.write(
        1,
        rollups=[
            rows.rollup(1, "0.01", **tool),
            rows.rollup(1, "0.5", beneath_tool="search"),
            rows.rollup(1, "0", beneath_tool="search", agent_name="inner", unpriced_calls=1),
            rows.rollup(1, "0", **tool, calls=0, result_usd=usd("0.25"), result_calls=1),
        ],
    )
    figures = "agent_name, calls, fee_usd, beneath_usd, beneath_unpriced_calls, result_usd, result_calls"
    assert by_hand.ask(f"SELECT {figures} FROM cost_by_tool ORDER BY ALL") == [
        ("inner", 0, 0, None, 1, None, 0),
        ("shop", 1, usd("0.01"), usd("0.5"), 0, usd("0.25"), 1),
    ]
    assert by_hand.ask("SELECT SUM(cost_usd), SUM(calls) FROM cost_by_tool") == [(usd("0.01"), 1)]
    assert by_hand.ask("SELECT SUM(cost_usd) FROM cost_by_agent") == [(usd("0.51"),)]


def test_a_cost_that_is_wholly_unknown_is_null_in_a_cost_view(by_hand):
    by_hand.write(1, rollups=[rows.rollup(1, "0", unpriced_calls=1)])
    assert by_hand.ask("SELECT cost_usd, calls, unpriced_calls FROM cost_by_model") == [(None, 1, 1)]
    by_hand.write(2, rollups=[rows.rollup(2, "0.5")])
    assert by_hand.ask("SELECT cost_usd, calls, unpriced_calls FROM cost_by_model") == [(usd("0.5"), 2, 1)]


def test_what_was_spent_with_which_key_sums_to_all(by_hand):
    by_hand.write(1, rollups=[rows.rollup(1, "0.5", credential="ann's"), rows.rollup(1, "0.25", credential=None)])
    by_hand.write(2, rollups=[rows.rollup(2, "1", credential="ann's", kind="tool", tool_name="search")])
    assert by_hand.ask("SELECT credential, calls, cost_usd FROM cost_by_credential ORDER BY ALL") == [
        ("ann's", 2, usd("1.5")),
        (None, 1, usd("0.25")),
    ]


def test_what_an_agent_costs_with_those_beneath_is_summed_over_hours_and_shown_only_where_it_says_something(by_hand):
    hour = 3600 * 10**9
    by_hand.write(1, rollups=[rows.rollup(1, "0.5"), rows.rollup(1, "0.25", hour_ns=rows.NOON_NS + hour)])
    with connect(by_hand.data) as connection:
        assert costs(connection, "agent").to_pylist()[0]["inclusive_cost_usd"] == usd("0.75")
        assert "inclusive_cost_usd" not in telling(costs(connection, "agent")).column_names
        assert telling(costs(connection, "model")).equals(costs(connection, "model"))
    by_hand.write(2, rollups=[rows.rollup(2, "0", agent_name="boss", calls=0, agents_usd=usd("0.5"))])
    with connect(by_hand.data) as connection:
        shown = telling(costs(connection, "agent")).to_pylist()
    figures = ("agent_name", "calls", "cost_usd", "inclusive_cost_usd")
    assert [tuple(row[name] for name in figures) for row in shown] == [
        ("shop", 2, usd("0.75"), usd("0.75")),
        ("boss", 0, 0, usd("0.5")),
    ]
