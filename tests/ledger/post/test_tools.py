"""What tools cost beside their fee: models beneath them, and their results as input of the agent's next call."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.paths import DataDir
from tests.ledger.post.plain import EPOCH_NS, SECOND, agent, call, request, span
from tests.ledger.post.posted import CALL_USD, ask, journal, post
from tests.shown import shown

FIGURES = "sum(fee_usd), sum(beneath_usd), sum(result_usd), sum(result_calls)"
BY_AGENT = "SELECT agent_name, tool_name, beneath_usd, result_usd, result_calls FROM cost_by_tool"
INPUT_UNITS = "('fresh_input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'unknown')"


def at(second: int, seconds: int = 1) -> dict[str, object]:
    return {"start_ns": EPOCH_NS + second * SECOND, "end_ns": EPOCH_NS + (second + seconds) * SECOND}


def tool(trace: int, number: int, parent: int | None = None, name: str = "search", **more: object) -> dict[str, object]:
    return span(trace, number, parent, operation="tool", tool_name=name, **more)


def by_tool(data: DataDir) -> dict[object, tuple[object, ...]]:
    return {name: rest for name, *rest in ask(data, f"SELECT tool_name, {FIGURES} FROM cost_by_tool GROUP BY ALL")}


def test_a_model_counts_beneath_the_innermost_tool_alone_through_agents_of_its_own(data: DataDir) -> None:
    journal(
        data,
        request(
            agent(1, 1, name="planner"),
            call(1, 2, 1),
            tool(1, 3, 1, "research"),
            agent(1, 4, 3, name="researcher"),
            call(1, 5, 4),
            call(1, 6, 4),
            tool(1, 7, 4, "search"),
            call(1, 8, 7),
        ),
    )
    post(data)
    assert by_tool(data) == {"research": [0, 2 * CALL_USD, None, 0], "search": [0, CALL_USD, None, 0]}
    assert ask(data, "SELECT sum(cost_usd) FROM cost_by_agent") == [(4 * CALL_USD,)]
    spent = "SELECT agent_name, beneath_tool, sum(cost_usd) FROM charges GROUP BY ALL ORDER BY ALL"
    assert ask(data, spent) == [
        ("planner", None, CALL_USD),
        ("researcher", "research", 2 * CALL_USD),
        ("researcher", "search", CALL_USD),
    ]


def test_a_tool_that_comes_after_the_models_beneath_it_takes_them(data: DataDir) -> None:
    journal(data, request(agent(1, 1), call(1, 3, 2)), request(tool(1, 2, 1, name=None), call(1, 5, 4)))
    post(data)
    assert by_tool(data) == {}  # a tool without a name has no row, and what is above it counts
    journal(data, request(tool(1, 4, 1, "late")))
    post(data)
    assert by_tool(data) == {"late": [0, CALL_USD, None, 0]}
    assert ask(data, "SELECT sum(cost_usd) FROM charges") == [(2 * CALL_USD,)]


def test_models_beneath_a_tool_without_a_price_are_unknown_and_counted(data: DataDir) -> None:
    journal(data, request(tool(1, 1), call(1, 2, 1, request_model="nobody-knows-it")))
    post(data)
    found = "SELECT sum(beneath_usd), sum(beneath_unpriced_calls), sum(unpriced_calls) FROM cost_by_tool"
    assert ask(data, found) == [(None, 1, 0)]


def test_what_results_add_to_the_next_prompt_is_shared_by_their_length(data: DataDir) -> None:
    """The prompt grew by 1,600 - 1,000 - 100 = 500 tokens of 0.15e-6 USD, which are 0.000075; 3 : 1 by length."""
    journal(
        data,
        request(
            agent(1, 1),
            call(1, 2, 1, **at(0)),
            tool(1, 3, 1, "read", **at(1), output_bytes=30),
            tool(1, 4, 1, "list", **at(1, 2), output_bytes=10),
            call(1, 5, 1, **at(3), input_tokens=1_600, output_tokens=7),
        ),
    )
    post(data)
    assert by_tool(data) == {"read": [0, 0, Decimal("0.00005625"), 1], "list": [0, 0, Decimal("0.00001875"), 1]}
    assert ask(data, "SELECT sum(cost_usd) FROM cost_by_tool") == [(0,)]


def test_cached_input_counts_at_the_mean_price_of_the_prompt(data: DataDir) -> None:
    """600 tokens at 0.15e-6 and 1,000 cached ones at 0.075e-6 are 0.000165 USD for 1,600; 500 of them 0.0000515625."""
    journal(
        data,
        request(
            call(1, 2, 1, **at(0)),
            tool(1, 3, 1, **at(1), output_bytes=30),
            call(1, 5, 1, **at(3), input_tokens=1_600, cache_read_tokens=1_000, output_tokens=7),
        ),
    )
    post(data)
    assert by_tool(data) == {"search": [0, 0, Decimal("0.0000515625"), 1]}


UNKNOWN = {
    "no call before": [tool(1, 3, 1, **at(1), output_bytes=3), call(1, 5, 1, **at(3))],
    "no call after": [call(1, 2, 1, **at(0)), tool(1, 3, 1, **at(1), output_bytes=3)],
    "no output": [call(1, 2, 1, **at(0)), tool(1, 3, 1, **at(1)), call(1, 5, 1, **at(3))],
    "one of two without output": [
        call(1, 2, 1, **at(0)), tool(1, 3, 1, **at(1), output_bytes=3), tool(1, 4, 1, **at(1)), call(1, 5, 1, **at(3)),
    ],
    "no usage before": [
        call(1, 2, 1, **at(0), input_tokens=None, output_tokens=None, usage_status="missing"),
        tool(1, 3, 1, **at(1), output_bytes=3), call(1, 5, 1, **at(3)),
    ],
    "no price": [
        call(1, 2, 1, **at(0)), tool(1, 3, 1, **at(1), output_bytes=3),
        call(1, 5, 1, **at(3), request_model="nobody-knows-it"),
    ],
    "another agent": [
        call(1, 2, 1, **at(0)), tool(1, 3, 1, **at(1), output_bytes=3),
        agent(1, 4, 1, name="other"), call(1, 5, 4, **at(3)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("spans", UNKNOWN.values(), ids=UNKNOWN)
def test_the_cost_of_a_result_is_unknown_with(spans: list[dict[str, object]], data: DataDir) -> None:
    journal(data, request(agent(1, 1), *spans))
    post(data)
    assert by_tool(data)["search"][2:] == [None, 0]


def test_calls_beneath_the_tool_and_calls_that_make_no_text_or_came_to_nothing_are_no_turns(data: DataDir) -> None:
    journal(
        data,
        request(
            agent(1, 1),
            call(1, 2, 1, **at(0)),
            tool(1, 3, 1, **at(1), output_bytes=3),
            call(1, 4, 3, **at(1), input_tokens=5),
            call(1, 5, 1, **at(2), operation="embeddings", input_tokens=9, output_tokens=None),
            call(1, 6, 1, **at(2), status="error", usage_status="failed", input_tokens=None, output_tokens=None),
            call(1, 7, 1, **at(3), input_tokens=1_200),
        ),
    )
    post(data)  # 100 tokens of 0.15e-6 USD
    assert by_tool(data)["search"][2:] == [Decimal("0.000015"), 1]


said = st.builds(
    lambda trace, number, up, operation, second, seconds, tokens, answer, size, failed, name, model: span(
        trace,
        number,
        number - up if number > up > 0 else None,
        operation=operation,
        status="error" if failed else "unset",
        agent_name=name if operation == "agent" else None,
        tool_name=name if operation == "tool" else None,
        output_bytes=size if operation == "tool" else None,
        **at(second, seconds),
        **(
            {"provider": "openai", "request_model": model, "usage_status": "reported" if tokens else "missing",
             "input_tokens": tokens, "output_tokens": answer if tokens else None}
            if operation in ("chat", "embeddings")
            else {}
        ),
    ),
    trace=st.integers(1, 2),
    number=st.integers(1, 9),
    up=st.integers(0, 3),
    operation=st.sampled_from(["chat", "chat", "chat", "tool", "tool", "agent", "embeddings"]),
    second=st.integers(0, 6),
    seconds=st.integers(0, 2),
    tokens=st.sampled_from([None, 100, 251, 1_000, 7]),
    answer=st.sampled_from([0, 5, 50, None]),
    size=st.sampled_from([None, 0, 3, 11]),
    failed=st.booleans(),
    name=st.sampled_from([None, "a", "b"]),
    model=st.sampled_from(["gpt-4o-mini", "gpt-4o", "gpt-4o", "nobody-knows-it"]),
)  # fmt: skip
PLACED = f"""
SELECT p.kind, p.billed, p.run_id, p.agent_name, s.trace_id, s.span_id, s.parent_span_id, s.operation, s.start_ns,
       s.end_ns, s.status, s.usage_status, s.input_tokens, s.output_tokens, s.tool_name, s.output_bytes, c.prompt_usd,
       c.cost_usd
FROM base.placements_as_of(9223372036854775807) AS p
JOIN base.spans AS s ON s.source_seq = p.source_seq AND s.span_index = p.span_index
LEFT JOIN (
  SELECT trace_id, span_id, SUM(cost_usd) AS cost_usd,
         CASE WHEN NOT BOOL_OR(cost_usd IS NULL AND unit IN {INPUT_UNITS})
              THEN SUM(cost_usd) FILTER (unit IN {INPUT_UNITS}) END AS prompt_usd
  FROM base.charges_as_of(9223372036854775807) WHERE stands GROUP BY ALL
) AS c ON c.trace_id = s.trace_id AND c.span_id = s.span_id
"""


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.lists(said, min_size=1, max_size=6), min_size=1, max_size=4))
def test_figures_are_those_of_all_spans_gone_through_one_by_one(
    history: list[list[dict[str, object]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataDir(tmp_path_factory.mktemp("tools") / "data")
    journal(data, *(request(*spans) for spans in history))
    post(data, batch_events_max=2)
    with shown(data) as connection:
        plain = Plain(connection.execute(PLACED).fetchall())
        found = connection.execute(BY_AGENT).fetchall()
    assert {(a, t): usd for a, t, usd, *_ in found if usd} == plain.beneath()
    assert {(a, t): tuple(rest) for a, t, _, *rest in found if rest[1]} == plain.results()


class Plain:
    """The two figures, from what is placed."""

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        names = PLACED.split("FROM")[0].replace("SELECT", "").replace("\n", " ").split(",")
        keys = [name.strip().split(".")[1] for name in names]
        self.spans = [dict(zip(keys, row, strict=True)) for row in rows]
        self.known = {(one["trace_id"], one["span_id"]): one for one in self.spans}

    def tool_above(self, one: dict[str, object]) -> object:
        up = self.known.get((one["trace_id"], one["parent_span_id"]))
        if up is None:
            return None
        return up["tool_name"] if up["kind"] == "tool" and up["tool_name"] else self.tool_above(up)

    def beneath(self) -> dict[tuple[object, object], Decimal]:
        sums: dict[tuple[object, object], Decimal] = defaultdict(Decimal)
        for one in self.spans:
            if one["billed"] and one["kind"] == "model" and (name := self.tool_above(one)):
                sums[one["agent_name"], name] += one["cost_usd"] or 0  # type: ignore[operator]
        return {key: usd for key, usd in sums.items() if usd}

    def results(self) -> dict[tuple[object, object], tuple[Decimal, int]]:
        sums: dict[tuple[object, object], tuple[Decimal, int]] = {}
        tools = [one for one in self.spans if one["kind"] == "tool" and one["billed"]]
        around = {id(one): self.around(one) for one in tools}
        for one in tools:
            before, after = around[id(one)]
            beside = [other for other in tools if around[id(other)][1] is after]
            usd = share(one, before, after, beside) if before and after else None
            if usd is not None and one["tool_name"]:
                known, count = sums.get((one["agent_name"], one["tool_name"]), (Decimal(0), 0))
                sums[one["agent_name"], one["tool_name"]] = known + usd, count + 1
        return sums

    def around(self, tool: dict[str, object]) -> tuple[dict[str, object] | None, dict[str, object] | None]:
        def who(one: dict[str, object]) -> tuple[object, ...]:
            return one["trace_id"], one["run_id"], one["agent_name"], self.tool_above(one)

        turns = [
            one
            for one in self.spans
            if one["billed"] and one["operation"] == "chat" and who(one) == who(tool)
            and not (one["status"] == "error" and one["usage_status"] != "reported")
        ]  # fmt: skip
        turns.sort(key=lambda one: (one["start_ns"], one["span_id"]))  # type: ignore[arg-type, return-value]
        before = [one for one in turns if one["start_ns"] < tool["end_ns"]]  # type: ignore[operator]
        after = [one for one in turns if one["start_ns"] >= tool["end_ns"]]  # type: ignore[operator]
        return before[-1] if before else None, after[0] if after else None


def share(
    tool: dict[str, object], before: dict[str, object], after: dict[str, object], beside: list[dict[str, object]]
) -> Decimal | None:
    sizes = [one["output_bytes"] for one in beside]
    figures = [before["input_tokens"], before["output_tokens"], after["input_tokens"], after["prompt_usd"], *sizes]
    if None in figures:
        return None
    grown = max(0, after["input_tokens"] - before["input_tokens"] - before["output_tokens"])  # type: ignore[operator]
    if not sum(sizes):  # type: ignore[arg-type]
        return Decimal(0)
    part = Fraction(tool["output_bytes"], sum(sizes))  # type: ignore[arg-type, call-overload]
    pico = Fraction(after["prompt_usd"]) * 10**12 * grown / after["input_tokens"] * part  # type: ignore[arg-type, operator]
    return Decimal(round(pico)).scaleb(-12)
