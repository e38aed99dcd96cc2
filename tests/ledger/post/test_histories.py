"""Histories drawn at random: whatever is a batch, whatever is remembered, the same rows."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.post.rebuild import rebuild
from ledger.seams import SystemClock
from ledger.store.digest import digests
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, decode, log, records, request, same_span, span
from tests.ledger.post.posted import journal, post

NO_USAGE = {"input_tokens": None, "output_tokens": None, "usage_status": "missing"}
OPERATIONS = ["chat", "chat", "tool", "agent", "workflow", "other"]
said = st.builds(
    lambda trace, number, parent, operation, status, name, tokens, run, scope, response, digest, second: span(
        trace,
        number,
        parent,
        operation=operation,
        status=status,
        agent_name=name,
        run_key=run,
        scope_name=scope,
        response_id=response,
        start_ns=EPOCH_NS + second * SECOND,
        end_ns=EPOCH_NS + (second + 1) * SECOND,
        tool_name="search" if operation == "tool" else None,
        output_bytes=number if operation == "tool" else None,
        input_digest=digest if operation in ("chat", "tool") else None,
        **(
            {"provider": "openai", "request_model": "gpt-4o", "usage_status": "reported" if tokens else "missing",
             "input_tokens": tokens, "output_tokens": tokens}
            if operation == "chat"
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
    scope=st.sampled_from(["one", "one", "other"]),
    response=st.sampled_from([None, "msg_1", "msg_2"]),
    digest=st.sampled_from([None, None, 1, -(2**63)]),
    second=st.sampled_from([0, 0, 1, 2, 3]),
)  # fmt: skip
logged = st.builds(
    lambda trace, number, tokens, event, response, cost, run, digest: log(
        trace,
        number,
        request_model="gpt-4o",
        event_name=event,
        response_id=response,
        run_key=run,
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
    digest=st.sampled_from([None, 1]),
)
requests = st.one_of(
    st.lists(said, min_size=1, max_size=4).map(lambda spans: request(*spans)),
    st.lists(said, min_size=1, max_size=4).map(lambda spans: request(*spans)),
    st.lists(logged, min_size=1, max_size=3).map(lambda logs: records(*logs)),
)
histories = st.lists(requests, min_size=1, max_size=8)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_batches_of_one_seven_and_everything_and_a_memory_of_one_trace_give_equal_digests(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("batches") / "data")
    journal(data, *history)
    post(data, batch_events_max=1)
    expected = digests(data)
    for options in (
        {"batch_events_max": 7},
        {},
        {"batch_events_max": 1, "open_spans_max": 1},
        {"batch_events_max": 3, "open_spans_max": 1},
    ):
        rebuild(data, decode, same_span, clock=SystemClock(), options=PosterOptions(**options))
        assert digests(data) == expected, options


def test_a_restart_after_every_commit_gives_equal_digests(data: DataDir) -> None:
    journal(
        data,
        request(call(1, 1, 5), call(2, 1)),
        request(call(1, 2, 5), agent(1, 5, 6)),
        request(call(1, 3, 2)),
        request(agent(1, 6, name="root"), call(2, 1)),
    )
    post(data)
    expected = digests(data)
    again = DataDir(data.root, ledger_name="again")
    for _ in range(20):
        poster = Poster(again, decode, same_span, clock=SystemClock(), options=PosterOptions(batch_events_max=1))
        posted = poster.step()
        poster.close()
        if not posted:
            break
    assert digests(again) == expected
