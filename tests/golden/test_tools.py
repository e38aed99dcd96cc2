"""What tools of samples cost, worked out by hand from the telemetry that is in them."""

from collections.abc import Callable
from decimal import Decimal

from ledger.paths import DataDir
from tests.golden.books import rows
from tests.golden.samples import Sample
from tests.golden.test_loops import sample
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
