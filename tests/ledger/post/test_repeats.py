"""Repeated calls: found while they are posted, and the same as when all calls are gone through."""

from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from ledger.journal.frame import Draft
from ledger.paths import DataDir
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, request, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.ledger.post.test_histories import histories

COLUMNS = "kind, agent_name, tool_name, model, known_by, repeats, errors, cost_usd, cost_since_usd, unpriced_calls"
CALLS = """
SELECT c.run_id, c.agent_name, c.kind, c.tool_name, COALESCE(c.request_model, c.response_model) AS model, c.status,
       s.input_digest, c.input_tokens, c.cost_usd, c.cost_status,
       (COALESCE(NULLIF(c.started_ns, 0), c.ended_ns), c.source_seq, c.span_index) AS place
FROM calls AS c JOIN base.sightings AS s ON s.source_seq = c.source_seq AND s.span_index = c.span_index
"""


def tool(trace: int, number: int, parent: int | None = None, **fields: object) -> dict[str, object]:
    return span(trace, number, parent, operation="tool", **{"tool_name": "search", **fields})


def test_a_loop_is_found_while_its_run_is_open_and_no_root_has_come(data: DataDir) -> None:
    journal(data, *(request(call(1, number, 9, input_digest=7)) for number in (1, 2, 3)))
    post(data)
    assert ask(data, "SELECT state FROM runs") == [("open",)]
    expected = ("model", "svc", None, "gpt-4o-mini", "content", 3, 0, 3 * CALL_USD, 2 * CALL_USD, 0)
    assert ask(data, f"SELECT {COLUMNS} FROM loops") == [expected]


def test_other_input_another_agent_another_run_or_another_tool_is_another_call(data: DataDir) -> None:
    others = [
        call(1, 1, 9, input_digest=7), call(1, 2, 9, input_digest=8), call(1, 3, 9, input_digest=7),
        agent(1, 4, 9, name="other"), call(1, 5, 4, input_digest=7), call(2, 6, input_digest=7),
        tool(1, 7, 9, input_digest=7), tool(1, 8, 9, input_digest=7), tool(1, 11, 9, input_digest=7, tool_name="find"),
        agent(1, 9),
    ]  # fmt: skip
    journal(data, request(*others))
    post(data)
    assert ask(data, "SELECT count(*) FROM loops") == [(0,)]
    assert ask(data, "SELECT kind, tool_name, repeats FROM repeated_calls(2) ORDER BY kind") == [
        ("model", None, 2),
        ("tool", "search", 2),
    ]


def test_without_content_a_model_is_known_by_its_tokens_and_a_tool_by_its_outcome(data: DataDir) -> None:
    unknown = {"input_tokens": None, "output_tokens": None, "usage_status": "missing"}
    journal(
        data,
        request(
            *(call(1, number, 40, input_tokens=1_000) for number in (1, 2, 3)),
            *(call(1, number, 40, input_tokens=1_001) for number in (4, 5)),
            *(call(1, number, 40, **unknown) for number in (6, 7, 8)),  # of which nothing says that they are the same
            *(call(1, number, 40, **unknown, status="error") for number in (9, 10, 11)),
            *(tool(1, number, 40, status="error") for number in (12, 13, 14, 15)),
            *(tool(1, number, 40) for number in (16, 17)),
        ),
    )
    post(data)
    assert ask(data, f"SELECT {COLUMNS} FROM loops ORDER BY repeats DESC, known_by DESC") == [
        ("tool", "svc", "search", None, "outcome", 4, 4, None, None, 0),
        ("model", "svc", None, "gpt-4o-mini", "tokens", 3, 0, 3 * CALL_USD, 2 * CALL_USD, 0),
        ("model", "svc", None, "gpt-4o-mini", "outcome", 3, 3, None, None, 3),
    ]


def test_the_first_is_the_one_that_began_first_whatever_arrived_first(data: DataDir) -> None:
    dear = {"input_tokens": 2_000, "output_tokens": 0, "input_digest": 7}  # 2000 * 0.15e-6 = 0.0003 USD
    journal(
        data,
        request(call(1, 1, 9, input_digest=7, start_ns=EPOCH_NS + 2)),
        request(call(1, 2, 9, input_digest=7, start_ns=EPOCH_NS + SECOND)),
        request(call(1, 3, 9, **dear, start_ns=EPOCH_NS)),
    )
    post(data)
    (first,) = ask(data, "SELECT call_id FROM calls WHERE input_tokens = 2000")
    (found,) = ask(data, "SELECT first_call_id, first_ns, last_ns, cost_usd, cost_since_usd FROM loops")
    assert found == (*first, EPOCH_NS, EPOCH_NS + SECOND, Decimal("0.00072"), 2 * CALL_USD)


def test_a_loop_over_several_traces_of_one_run_is_one(data: DataDir) -> None:
    journal(data, request(*(call(trace, 1, 9, input_digest=7, run_key="one") for trace in (1, 2, 3))))
    post(data)
    assert ask(data, "SELECT repeats, cost_since_usd FROM loops") == [(3, 2 * CALL_USD)]


SINGLE_PARTS = f"""
SELECT lower(hex(coalesce(heir_id, run_id))), max(repeats)
FROM base.run_parts_now
LEFT JOIN base.run_heirs_as_of({2**63 - 1}) USING (tenant, run_id)
GROUP BY ALL
HAVING count(*) = 1
"""
"""Of each run that has one part: how often the call was made that it repeats most, as it was posted."""


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_loops_are_those_of_all_calls_gone_through_one_by_one(
    history: list[Draft], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("repeats") / "data")
    journal(data, *history)
    post(data, batch_events_max=2)
    groups = grouped(ask(data, CALLS))
    expected = Counter((*key[:6], len(found), since(found)) for key, found in groups.items() if len(found) >= 2)
    shown = "run_id, agent_name, kind, tool_name, model, known_by, repeats, cost_since_usd"
    assert Counter(ask(data, f"SELECT {shown} FROM repeated_calls(2)")) == expected
    most: dict[object, int] = defaultdict(int)
    for key, found in groups.items():
        most[key[0]] = max(most[key[0]], len(found))
    assert all(most[run_id] == repeats for run_id, repeats in ask(data, SINGLE_PARTS))


def grouped(calls: list[tuple[object, ...]]) -> dict[tuple[object, ...], list[tuple[object, ...]]]:
    groups = defaultdict(list)
    for run_id, name, kind, tool_name, model, status, digest, tokens, *rest in calls:
        failed = status == "error"
        if digest is not None:
            known = ("content", digest)
        elif kind == "model" and tokens is not None:
            known = ("tokens", tokens)
        elif kind == "tool" or failed:
            known = ("outcome", failed)
        else:
            continue
        asked = (tool_name, None) if kind == "tool" else (None, model)
        groups[run_id, name, kind, *asked, *known].append(tuple(rest))
    return dict(groups)


def since(calls: list[tuple[object, ...]]) -> object:
    """Known cost of all but the first."""
    later = sorted(calls, key=lambda one: one[2])[1:]  # type: ignore[arg-type, return-value]
    known = [cost for cost, *_ in later if cost is not None]
    return sum(known) if known else None  # type: ignore[arg-type]
