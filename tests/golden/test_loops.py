"""Loops of samples, worked out by hand from the telemetry that is in them."""

from collections.abc import Callable
from decimal import Decimal

from ledger.paths import DataDir
from tests.golden.books import rows
from tests.golden.samples import SAMPLES, Sample
from tests.shown import shown

Posted = Callable[[Sample], DataDir]
LOOPS = """
SELECT kind, agent_name, tool_name, model, known_by, repeats, errors, cost_usd, cost_since_usd, unpriced_calls
FROM loops ORDER BY kind
"""


def sample(name: str) -> Sample:
    return next(one for one in SAMPLES if one.name == name)


def loop(**figures: object) -> dict[str, object]:
    return {"tool_name": None, "model": None, "errors": 0, "unpriced_calls": 0} | figures


def test_the_runaway_loop_asks_for_the_same_250_times(posted: Posted) -> None:
    """Each turn costs ten cents. The first question to the model is another: it does not hold the failure yet."""
    with shown(posted(sample("runaway_loop/runaway_loop"))) as connection:
        model, tool = rows(connection, LOOPS)
    assert model == loop(
        kind="model", agent_name="invoice_clerk", model="gpt-4o", known_by="content", repeats=249,
        cost_usd=Decimal("24.9"), cost_since_usd=Decimal("24.8"),
    )  # fmt: skip
    assert tool == loop(
        kind="tool", agent_name="invoice_clerk", tool_name="book_invoice", known_by="content", repeats=250, errors=250,
        cost_usd=None, cost_since_usd=None,
    )  # fmt: skip


def test_of_three_equal_questions_the_one_that_streams_without_usage_has_no_cost(posted: Posted) -> None:
    """86 tokens in, 1,920 from the cache and 300 out of gpt-4o-mini are 0.0000129 + 0.000144 + 0.00018 = 0.0003369 USD;
    the first of the calls streams and reports no usage."""
    with shown(posted(sample("otel_genai/otel_genai_openai_content"))) as connection:
        (found,) = rows(connection, LOOPS)
    assert found == loop(
        kind="model", agent_name="otel-genai-openai-demo", model="gpt-4o-mini", known_by="content", repeats=3,
        cost_usd=Decimal("0.0006738"), cost_since_usd=Decimal("0.0006738"), unpriced_calls=1,
    )  # fmt: skip
