"""Which of a stated and a computed cost is booked, by the policy in force when the view that states it came. `plain`
calls are computed at 0.00021 USD."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.books.cost_sources import Choice, choice_body
from ledger.books.reported import POLICIES, PREFERENCES, UNLISTED
from ledger.calls.meters import COST, INPUT, OUTPUT
from ledger.journal.frame import Draft
from ledger.journal.kinds import CONFIG_SET
from ledger.paths import DataDir
from ledger.post import rerating
from ledger.post.poster import PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import (
    EPOCH_NS,
    SECOND,
    agent,
    call,
    decode,
    log,
    point,
    points,
    records,
    request,
    same_span,
)
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_balance import balances
from tests.ledger.post.test_histories import bare, bare_logs, overridden, requests
from tests.ledger.post.test_rerating import EVER, order
from tests.ledger.post.test_tools import tool

LESS, MORE = "0.0001", "0.5"
TOLD = {"reported_source": "cost_usd"}
COSTS = "SELECT trace_id[-1], cost_usd FROM calls ORDER BY trace_id"


def choose(policy: str | None, source: str = "cost_usd") -> Draft:
    body = choice_body(Choice(source, policy, "agreed", "jane"))
    return Draft(kind=CONFIG_SET, body=body, transport="control")


def stating(trace: int, usd: str, **more: object) -> dict[str, object]:
    return call(trace, 1, reported_cost_usd=usd, **{**TOLD, **more})


def equal_however_posted(data: DataDir) -> None:
    expected = digests(data)
    for options in ({"batch_events_max": 1}, {"batch_events_max": 7}, {"batch_events_max": 1, "open_spans_max": 1}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options


@pytest.mark.parametrize(
    ("policy", "less", "more"),
    [
        (None, Decimal(LESS), Decimal(MORE)),
        ("reported", Decimal(LESS), Decimal(MORE)),
        ("computed", CALL_USD, CALL_USD),
        ("max", CALL_USD, Decimal(MORE)),
    ],
)
def test_a_policy_says_which_of_two_costs_is_booked(
    data: DataDir, policy: str | None, less: Decimal, more: Decimal
) -> None:
    journal(data, choose(policy), request(stating(1, LESS)), request(stating(2, MORE)))
    post(data)
    assert ask(data, COSTS) == [("1", less), ("2", more)]
    assert ask(data, "SELECT sum(list_cost_usd) FROM charges") == [(2 * CALL_USD,)]
    balances(data)


@pytest.mark.parametrize("policy", ["computed", "reported", "max"])
def test_a_stated_cost_counts_where_no_price_is_known_by_any_policy(data: DataDir, policy: str) -> None:
    journal(data, choose(policy), request(stating(1, MORE, request_model="our-llama")))
    post(data)
    assert ask(data, "SELECT cost_usd, cost_status FROM calls") == [(Decimal(MORE), "unpriced")]


def test_of_a_cost_that_is_known_in_part_the_stated_one_is_the_greater(data: DataDir) -> None:
    """1,000 tokens in at 0.15e-6 USD are 0.00015, and tokens out are not reported: more is not known to be due."""
    journal(data, choose("max"), request(stating(1, LESS, output_tokens=None)))
    post(data)
    assert ask(data, "SELECT cost_usd FROM calls") == [(Decimal(LESS),)]


def test_a_cost_of_nothing_or_less_is_no_statement_by_any_policy(data: DataDir) -> None:
    journal(data, choose("max"), request(stating(1, "0")), request(stating(2, "-1")))
    post(data)
    assert ask(data, COSTS) == [("1", CALL_USD), ("2", CALL_USD)]


def test_a_policy_is_in_force_from_its_event_to_the_next_and_for_its_source_alone(data: DataDir) -> None:
    journal(
        data,
        request(stating(1, MORE)),
        choose("computed"),
        request(stating(2, MORE)),
        request(stating(3, MORE, reported_source="gen_ai.usage.cost")),
        choose("reported", "operation.cost"),
        request(stating(4, MORE, reported_source="operation.cost")),
        choose(None),
        request(stating(5, MORE)),
    )
    post(data)
    stated = Decimal(MORE)
    assert ask(data, COSTS) == [("1", stated), ("2", CALL_USD), ("3", stated), ("4", stated), ("5", stated)]
    equal_however_posted(data)


@pytest.mark.parametrize(
    ("policy", "less", "more"),
    [("computed", CALL_USD, CALL_USD), ("max", CALL_USD, Decimal(MORE)), ("reported", Decimal(LESS), Decimal(MORE))],
)
def test_what_another_view_of_the_call_states_goes_by_the_policy_too(
    data: DataDir, policy: str, less: Decimal, more: Decimal
) -> None:
    journal(
        data,
        choose(policy),
        request(agent(1, 9), call(1, 1, 9), agent(2, 9), call(2, 1, 9)),
        records(log(1, 1, reported_cost_usd=LESS, **TOLD)),
        records(log(2, 1, reported_cost_usd=MORE, **TOLD)),
        request(agent(3, 9)),
    )
    post(data)
    assert ask(data, COSTS) == [("1", less), ("2", more)]
    balances(data)
    equal_however_posted(data)


def test_a_tools_fee_goes_by_the_policy(data: DataDir) -> None:
    journal(data, choose("max"), request(tool(1, 1, reported_cost_usd=LESS, **TOLD)))
    post(data)
    assert ask(data, "SELECT cost_usd FROM calls") == [(Decimal(LESS),)]


def test_a_cost_that_metrics_state_goes_by_the_policy(data: DataDir) -> None:
    journal(
        data,
        choose("max", "claude_code.cost.usage"),
        points(point(INPUT, 1_000), point(OUTPUT, 100), point(COST, LESS, name="claude_code.cost.usage")),
    )
    post(data)
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(CALL_USD,)]


def test_the_past_is_corrected_on_order_alone(data: DataDir) -> None:
    journal(
        data,
        request(stating(1, MORE), stating(2, LESS)),
        request(call(3, 1)),
        records(log(3, 1, reported_cost_usd=LESS, **TOLD)),
        choose("max"),
        order(1),
        choose("computed"),
        order(1),
        choose(None),
        order(1),
        request(agent(3, 2)),
    )
    post(data)
    sums = [ask(data, f"SELECT sum(cost_usd) FROM charges_as_of({seq})")[0][0] for seq in (5, 6, 8, 10)]
    stated = Decimal(MORE) + 2 * Decimal(LESS)
    assert sums == [stated, Decimal(MORE) + 2 * CALL_USD, 3 * CALL_USD, stated]
    assert ask(data, "SELECT event_seq, calls FROM rerates ORDER BY 1") == [(6, 2), (8, 1), (10, 3)]
    balances(data)
    equal_however_posted(data)


def test_a_call_whose_views_lie_in_several_traces_is_corrected_once(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerating, "TRACES_A_STEP", 1)
    journal(
        data,
        request(call(1, 1, response_id="m", scope_name="one")),
        request(call(2, 1, response_id="m", scope_name="com.anthropic.x", reported_cost_usd=MORE, **TOLD)),
        choose("computed"),
        order(1),
    )
    post(data)
    assert ask(data, "SELECT count(*), sum(cost_usd) FROM calls") == [(1, CALL_USD)]
    assert ask(data, "SELECT calls FROM rerates") == [(1,)]
    assert ask(data, "SELECT sum(cost_usd) FROM charges_as_of(3)") == [(Decimal(MORE),)]
    balances(data)


def test_an_order_that_covers_only_the_view_that_states_the_cost_corrects_the_call(data: DataDir) -> None:
    late = {"time_ns": EPOCH_NS + 9 * SECOND}
    journal(
        data,
        request(call(1, 1)),
        records(log(1, 1, reported_cost_usd=MORE, **TOLD, **late)),
        choose("computed"),
        order(1, EPOCH_NS + 5 * SECOND),
        request(agent(1, 2)),
    )
    post(data)
    assert ask(data, COSTS) == [("1", CALL_USD)]
    equal_however_posted(data)


def test_a_setting_that_is_none_is_quarantined_and_changes_nothing(data: DataDir) -> None:
    wrong = Draft(kind=CONFIG_SET, body=b'{"posting.x":"1.50"}', transport="control")
    journal(data, wrong, request(stating(1, MORE)))
    post(data)
    assert ask(data, COSTS) == [("1", Decimal(MORE))]
    ((reason,),) = ask(data, "SELECT reason FROM quarantine")
    assert "setting: an object with" in str(reason)


def test_the_view_shows_every_default_and_what_was_chosen(data: DataDir) -> None:
    sources = [("max", "cost_usd"), ("computed", "mine"), ("max", "operation.cost"), (None, "operation.cost")]
    journal(data, *(choose(policy, source) for policy, source in sources))
    post(data)
    words = {preference: name for name, preference in POLICIES.items()}
    defaults = {source: words[preference] for source, preference in PREFERENCES.items()} | {"*": words[UNLISTED]}
    found = ask(data, "SELECT source, default_policy, policy, is_chosen, event_seq FROM cost_sources")
    assert {source: default for source, default, *_ in found} == defaults | {"mine": "computed"}
    assert sorted(rest for rest in found if rest[3]) == [
        ("cost_usd", "reported", "max", True, 2),
        ("mine", "computed", "computed", True, 3),
    ]
    assert all(default == policy for _, default, policy, is_chosen, _ in found if not is_chosen)


stated = st.builds(
    lambda said, usd, source: {**said, "reported_cost_usd": usd, "reported_source": source},
    said=bare,
    usd=st.sampled_from([LESS, MORE, "0"]),
    source=st.sampled_from(["cost_usd", "operation.cost"]),
)
stated_logs = st.builds(
    lambda said, usd: {**said, "reported_cost_usd": usd, **TOLD}, said=bare_logs, usd=st.sampled_from([LESS, MORE])
)
told = st.lists(stated, min_size=1, max_size=3).map(lambda spans: request(*spans)) | st.lists(
    stated_logs, min_size=1, max_size=2
).map(lambda logs: records(*logs))
chosen = st.builds(
    choose,
    st.sampled_from(["computed", "reported", "max", None]),
    st.sampled_from(["cost_usd", "operation.cost"]),
)
ordered = st.builds(order, st.just(1), st.sampled_from([EVER, EPOCH_NS + 25 * 60 * SECOND]))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(told | told | requests | chosen | chosen | ordered | overridden, min_size=2, max_size=9))
def test_policies_and_orders_among_all_else_give_equal_digests_and_one_sum(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("policies") / "data")
    journal(data, *history)
    post(data)
    balances(data)
    equal_however_posted(data)
