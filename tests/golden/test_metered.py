"""Claude Code's metrics: alone they cost what they say, and beside its spans and log records nothing."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS, OTLP_TRACES
from tests.golden.books import keep, rows
from tests.golden.samples import SAMPLES
from tests.golden.variants import one_record_a_request
from tests.shown import shown

(CLAUDE_CODE,) = [sample for sample in SAMPLES if sample.name.endswith("claude_code/claude_code")]
SENT = {draft.kind: draft for draft in CLAUDE_CODE.drafts}
COST = Decimal("0.014802")
SUMS = "SELECT signal, count(*) AS calls, sum(input_tokens)::INT AS tokens, sum(cost_usd) AS usd FROM calls GROUP BY 1"
LINES = "SELECT unit, quantity::INT AS quantity, cost_usd FROM charges ORDER BY unit"


def test_metrics_alone_cost_what_claude_code_says_that_they_do(tmp_path: Path) -> None:
    with shown(keep(tmp_path, [SENT[OTLP_METRICS]])) as connection:
        # in 42, read 3600, written 376: 4018
        assert rows(connection, SUMS) == [{"signal": "metric", "calls": 1, "tokens": 4_018, "usd": COST}]
        lines = {line["unit"]: (line["quantity"], line["cost_usd"]) for line in rows(connection, LINES)}
    assert lines == {
        "fresh_input_tokens": (42, Decimal("0.000126")),  # * 3e-6
        "cache_read_tokens": (3_600, Decimal("0.00108")),  # * 0.3e-6
        "cache_write_tokens": (376, Decimal("0.00141")),  # * 3.75e-6
        "output_tokens": (786, Decimal("0.01179")),  # * 15e-6
        "reported_difference": (1, Decimal("0.000396")),  # 0.014802 - 0.014406: half of what was written stays an hour
    }


@pytest.mark.parametrize("order", [*permutations((OTLP_TRACES, OTLP_LOGS, OTLP_METRICS))], ids=" ".join)
def test_the_three_signals_in_any_order_cost_once(order: tuple[str, ...], tmp_path: Path) -> None:
    with shown(keep(tmp_path, [SENT[kind] for kind in order])) as connection:
        assert rows(connection, "SELECT sum(cost_usd) AS usd FROM charges") == [{"usd": COST}]
        assert rows(connection, "SELECT sum(cost_usd) AS usd FROM cost_by_model") == [{"usd": COST}]
        assert {row["signal"] for row in rows(connection, SUMS)} == {"span"}


def test_metrics_that_come_one_by_one_and_backwards_cost_the_same(tmp_path: Path) -> None:
    parts = one_record_a_request(OTLP_METRICS, SENT[OTLP_METRICS].body)
    drafts = [replace(SENT[OTLP_METRICS], body=body) for body in parts[::-1]]
    with shown(keep(tmp_path, drafts)) as connection:
        assert rows(connection, SUMS) == [{"signal": "metric", "calls": 1, "tokens": 4_018, "usd": COST}]
