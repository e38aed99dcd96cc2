"""What tools of samples cost, worked out by hand from the telemetry that is in them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger.paths import DataDir
from tests.golden.books import keep, rows, traces
from tests.golden.samples import Sample
from tests.golden.test_loops import sample
from tests.ledger.post.test_overrides import set_rules
from tests.shown import shown

Posted = Callable[[Sample], DataDir]
FIGURES = """
SELECT agent_name, tool_name, calls, fee_usd, beneath_usd, beneath_unpriced_calls, result_usd, result_calls
FROM cost_by_tool ORDER BY agent_name, tool_name
"""


def figures(data: DataDir) -> list[tuple[object, ...]]:
    with shown(data) as connection:
        return [tuple(row.values()) for row in rows(connection, FIGURES)]


def test_results_that_make_no_prompt_longer_cost_nothing(posted: Posted) -> None:
    """Each of the 250 prompts of the runaway loop has as many tokens as the one before; no prompt follows the last."""
    nothing = Decimal(0)
    found = figures(posted(sample("runaway_loop/runaway_loop")))
    assert found == [("invoice_clerk", "book_invoice", 250, nothing, nothing, 0, nothing, 249)]


def test_an_agent_beneath_a_tool_is_counted_with_the_tool(posted: Posted) -> None:
    """`router_agent` hands over to `sub_agent` by the tool `delegate`; its model has no price."""
    found = {(agent, tool): rest for agent, tool, *rest in figures(posted(sample("pydantic_ai/pydantic_ai")))}
    assert found["sub_agent", "delegate"] == [0, 0, None, 1, None, 0]
    assert found["router_agent", "delegate"] == [1, 0, 0, 0, None, 0]


def test_with_prices_of_ones_own_a_tool_has_its_fee_and_the_model_beneath_it(tmp_path: Path) -> None:
    """`delegate` costs 2 cents. Of model `test`, at $1 a million tokens in and $2 out, the agent beneath used 51 and 2:
    51 + 4 = 55 millionths. The next prompt is 54 tokens, no more than the 52 and 5 of the call before."""
    model = {"model": "test", "per": 1_000_000}
    prices = set_rules(
        {"id": "fee", "tool": "delegate", "unit": "tool_calls", "price_usd": "0.02", "per": 1},
        {"id": "in", "unit": "fresh_input_tokens", "price_usd": "1", **model},
        {"id": "out", "unit": "output_tokens", "price_usd": "2", **model},
    )
    found = figures(keep(tmp_path / "data", [prices, *sample("pydantic_ai/pydantic_ai").drafts]))
    assert [row for row in found if row[1] == "delegate"] == [
        ("router_agent", "delegate", 1, Decimal("0.02"), 0, 0, 0, 1),
        ("sub_agent", "delegate", 0, 0, Decimal("0.000055"), 0, None, 0),
    ]


def test_a_result_that_makes_the_next_prompt_longer_costs_what_it_is_longer_by(tmp_path: Path) -> None:
    """The second prompt of the capture made longer: 3,806 tokens after 2,006 in and 300 out, so 1,500 more, at the mean
    of 1,886 fresh ones ($0.15 a million) and 1,920 from the cache ($0.075): 1500 * (0.0002829 + 0.000144) / 3806."""
    request = ExportTraceServiceRequest.FromString(sample("openinference/langgraph_openinference").body)
    spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
    counts = [
        (span.start_time_unix_nano, attribute)
        for span in spans
        for attribute in span.attributes
        if attribute.key == "llm.token_count.prompt"
    ]
    _, second = sorted(counts, key=lambda one: one[0])
    second[1].value.int_value = 3_806
    found = figures(keep(tmp_path / "data", [traces(request.SerializeToString())]))
    assert found == [("weather_agent", "get_weather", 1, 0, 0, 0, Decimal("0.000168247504"), 1)]
