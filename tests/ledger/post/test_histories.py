"""Histories drawn at random: whatever is a batch, whatever is remembered, the same rows."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from ledger.store.manifest import open_read_only
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, log, records, request, same_span, span
from tests.ledger.post.posted import ask, journal, post
from tests.ledger.post.test_overrides import remove, set_rules
from tests.ledger.post.test_rerating import BOOK, EVER, order
from tests.ledger.post.test_settling import settle
from tests.ledger.post.test_tiers import in_steps

NO_USAGE = {"input_tokens": None, "output_tokens": None, "usage_status": "missing"}
OPERATIONS = ["chat", "chat", "tool", "agent", "workflow", "definition", "other"]
said = st.builds(
    lambda trace, number, parent, operation, status, name, tokens, run, turn, scope, response, talk, digest, at: span(
        trace,
        number,
        parent,
        operation=operation,
        status=status,
        agent_name=name,
        run_key=run,
        turn_id=turn,
        scope_name=scope,
        response_id=response,
        conversation_id=talk,
        start_ns=EPOCH_NS + at * SECOND,
        end_ns=EPOCH_NS + (at + 1) * SECOND,
        tool_name=("search", "search", "fetch")[at % 3] if operation == "tool" else None,
        tool_call_id=response if operation == "tool" else None,
        output_bytes=number if operation == "tool" else None,
        input_digest=digest if operation in ("chat", "tool") else None,
        **(
            {"provider": "openai", "request_model": "gpt-4o", "usage_status": "reported" if tokens else "missing",
             "input_tokens": tokens, "output_tokens": tokens}
            if operation == "chat"
            else {"provider": "openai", "request_model": "gpt-4o", "input_tokens": tokens}
            if operation in ("agent", "workflow")
            else {}
        ),
    ),
    trace=st.integers(1, 3),
    number=st.integers(1, 7),
    parent=st.none() | st.integers(1, 7),
    operation=st.sampled_from(OPERATIONS),
    status=st.sampled_from(["unset", "error"]),
    name=st.sampled_from([None, None, "a", "b"]),
    tokens=st.sampled_from([None, 10, 1000]),
    run=st.sampled_from([None, None, None, "run a", "run b"]),
    turn=st.sampled_from([None, None, None, "turn a", "turn b"]),
    scope=st.sampled_from(["one", "codex", "other"]),
    response=st.sampled_from([None, "msg_1", "msg_2"]),
    talk=st.sampled_from([None, "talk 1", "talk 2"]),
    digest=st.sampled_from([None, None, 1, -(2**63)]),
    at=st.sampled_from([0, 0, 1, 2, 3]),
)  # fmt: skip
logged = st.builds(
    lambda trace, number, tokens, event, response, cost, run, turn, talk, digest: log(
        trace,
        number,
        request_model="gpt-4o",
        event_name=event,
        response_id=response,
        run_key=run,
        turn_id=turn,
        conversation_id=talk,
        input_digest=digest,
        **({"input_tokens": tokens, "output_tokens": tokens} if tokens else NO_USAGE),
        **({"reported_cost_usd": cost, "reported_source": "cost_usd"} if cost else {}),
    ),
    trace=st.none() | st.integers(1, 3),
    number=st.none() | st.integers(1, 7),
    tokens=st.sampled_from([None, 10, 1000]),
    event=st.sampled_from(["api_request", "details"]),
    response=st.sampled_from([None, None, "msg_1", "msg_2"]),
    cost=st.sampled_from([None, "0.5", "0.25"]),
    run=st.sampled_from([None, None, "run a"]),
    turn=st.sampled_from([None, None, "turn a"]),
    talk=st.sampled_from([None, "talk 1", "talk 2"]),
    digest=st.sampled_from([None, 1]),
)
requests = st.one_of(
    st.lists(said, min_size=1, max_size=4).map(lambda spans: request(*spans)),
    st.lists(said, min_size=1, max_size=4).map(lambda spans: request(*spans)),
    st.lists(logged, min_size=1, max_size=3).map(lambda logs: records(*logs)),
)
MINUTE = 60 * SECOND
at = st.sampled_from([0, 10, 20, 30, 40, 50, 60, 90]).map(
    lambda minutes: {"start_ns": EPOCH_NS + minutes * MINUTE, "end_ns": EPOCH_NS + (minutes + 1) * MINUTE}
)
bare = st.builds(
    lambda trace, number, parent, talk, response, scope, time: call(
        trace, number, parent, conversation_id=talk, response_id=response, scope_name=scope, **time
    ),
    trace=st.integers(1, 9),
    number=st.integers(1, 3),
    parent=st.none() | st.none() | st.integers(1, 3),
    talk=st.sampled_from(["talk", "talk", "talk", "other", None]),
    response=st.sampled_from([None, None, None, "msg_1"]),
    scope=st.sampled_from(["one", "other"]),
    time=at,
)
bare_logs = st.builds(
    lambda talk, response, time, tokens: log(
        None, conversation_id=talk, response_id=response, time_ns=time["end_ns"], input_tokens=tokens
    ),
    talk=st.sampled_from(["talk", "talk", "other"]),
    response=st.sampled_from([None, None, "msg_1"]),
    time=at,
    tokens=st.integers(1_000, 1_002),
)
talks = st.one_of(
    st.lists(bare, min_size=1, max_size=3).map(lambda spans: request(*spans)),
    st.lists(bare, min_size=1, max_size=3).map(lambda spans: request(*spans)),
    st.lists(bare_logs, min_size=1, max_size=2).map(lambda logs: records(*logs)),
    st.integers(1, 9).map(lambda trace: request(agent(trace, 3))),
)
"""Conversations with silences of more than 15 minutes, in which something turns up later."""
overridden = st.builds(
    lambda name, factor: set_rules({"id": name, "provider": "openai", "multiply": factor}),
    name=st.sampled_from(["a", "b"]),
    factor=st.sampled_from(["0.5", "2"]),
)
feed = st.builds(
    lambda tool, unit, usd: set_rules({"id": unit, "tool": tool, "unit": unit, "price_usd": usd, "per": 3}),
    tool=st.sampled_from(["search", "*"]),
    unit=st.sampled_from(["tool_calls", "tool_seconds"]),
    usd=st.sampled_from(["0.01", "1"]),
)
stepped = st.builds(
    lambda name, rule, at: set_rules(in_steps(name, rule, at)),
    name=st.sampled_from(["a", "b"]),
    rule=st.sampled_from(["whole", "graduated"]),
    at=st.sampled_from([10, 500, 999]),
)
"""Prices of tokens in that go by size."""
removed = st.sampled_from(["a", "b", "tool_calls"]).map(remove)
ordered = st.builds(order, st.integers(1, 9), st.sampled_from([EVER, EPOCH_NS + SECOND + 1]))
published = st.just(BOOK)
settled = st.builds(settle, st.integers(0, 9), st.sampled_from([0, 0, 2, 4]))
histories = st.lists(
    requests | requests | requests | overridden | stepped | feed | removed | published | ordered | settled,
    min_size=1,
    max_size=8,
) | st.lists(talks, min_size=1, max_size=12)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_batches_of_one_seven_and_everything_and_a_memory_of_one_trace_give_equal_digests(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("batches") / "data")
    journal(data, *history)
    post(data, batch_events_max=1)
    expected, active = digests(data), intervals(data)
    for options in (
        {"batch_events_max": 7},
        {},
        {"batch_events_max": 1, "open_spans_max": 1},
        {"batch_events_max": 3, "open_spans_max": 1},
    ):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options
        assert intervals(data) == active, options


def intervals(data: DataDir) -> list[tuple[object, ...]]:
    """When conversations were active, as it is stored."""
    with closing(open_read_only(data.catalog)) as db:
        return db.execute("SELECT * FROM conversation_run").fetchall()


RERATED = [
    request(call(1, 1, 5), call(2, 1)),
    BOOK,
    request(call(1, 2, 5, response_id="msg"), agent(1, 5, 6)),
    order(3),
    set_rules({"id": "half", "provider": "openai", "multiply": "0.5"}),
    records(log(1, 1, reported_cost_usd="0.5", reported_source="cost_usd")),
    request(call(3, 1, response_id="msg", scope_name="other"), agent(1, 6, name="root")),
    order(1),
    request(call(2, 2), agent(2, 9)),
]


def test_orders_to_re_rate_among_all_else_give_equal_digests_however_they_are_posted(data: DataDir) -> None:
    journal(data, *RERATED)
    post(data, batch_events_max=1)
    expected = digests(data)
    for options in ({"batch_events_max": 7}, {}, {"batch_events_max": 1, "open_spans_max": 1}, {"open_spans_max": 1}):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options


def test_a_restart_after_every_commit_gives_equal_digests(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1, 5), call(2, 1)),
        request(call(1, 2, 5), agent(1, 5, 6)),
        request(call(1, 3, 2)),
        request(agent(1, 6, name="root"), call(2, 1)),
        *(talk(trace, minute) for trace, minute in ((3, 0), (4, 30), (5, 60), (6, 45), (7, 15))),
        request(agent(7, 2)),
    )
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    for _ in range(30):
        poster = Poster(again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1))
        posted = poster.step()
        poster.close()
        if not posted:
            break
    assert digests(again) == expected
    assert intervals(again) == intervals(data)
    assert ask(data, "SELECT count(*) FROM base.run_merges") == [(2,)]


def talk(trace: int, minute: int) -> Draft:
    """A call of a conversation that takes a second."""
    start_ns = EPOCH_NS + minute * MINUTE
    return request(call(trace, 1, conversation_id="talk", start_ns=start_ns, end_ns=start_ns + SECOND))
