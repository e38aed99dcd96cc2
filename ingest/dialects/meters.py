"""Which metrics may bill, and what their data points count: a table, a line for each metric and kind of token.

They bill where neither spans nor log records tell of the calls one by one (docs/adr/0031). Histograms are not among
them, nor are counters that count the same as one that is: of each sender one metric of tokens and one of cost.
"""

from dataclasses import dataclass

from ingest.dialects.common import COMMON
from ingest.dialects.dialect import MODEL_OPERATIONS, Dialect
from ingest.dialects.otel_genai import FIELDS, OPERATIONS
from ledger.calls.meters import (
    ANSWER,
    CACHE_READ,
    CACHE_WRITE,
    COST,
    FRESH_INPUT,
    INPUT,
    OUTPUT,
    REASONING,
)

TYPE = "type"
"""Attribute of data points that says which kind of token they count."""
USD_UNITS = ("USD", "{USD}", "")
"""Units of a metric that counts USD. What is told in another currency is listed, and not booked."""
DEFAULT_OPERATION = "chat"
"""What a point that may bill was for, where it does not say what a model did."""


@dataclass(frozen=True)
class Meter:
    """What the data points of one metric count, those whose TYPE is `type` where it is given."""

    name: str
    counts: str
    """One of ledger.calls.meters.METERS."""
    type: str | None = None


GENAI = "gen_ai.client.inference.usage"

METERS = (
    # Claude Code: https://code.claude.com/docs/en/monitoring-usage. Held by a capture.
    Meter("claude_code.token.usage", FRESH_INPUT, "input"),
    Meter("claude_code.token.usage", OUTPUT, "output"),
    Meter("claude_code.token.usage", CACHE_READ, "cacheRead"),
    Meter("claude_code.token.usage", CACHE_WRITE, "cacheCreation"),
    Meter("claude_code.cost.usage", COST),
    # Gemini CLI: https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md. From its documentation.
    # Tokens of the type `tool` are not read, as they are not of its spans and log records.
    Meter("gemini_cli.token.usage", INPUT, "input"),
    Meter("gemini_cli.token.usage", ANSWER, "output"),
    Meter("gemini_cli.token.usage", REASONING, "thought"),
    Meter("gemini_cli.token.usage", CACHE_READ, "cache"),
    # OpenTelemetry's conventions (model/gen-ai/token-metrics.yaml), with the name that cache writes had before.
    Meter(f"{GENAI}.input_tokens", INPUT),
    Meter(f"{GENAI}.output_tokens", OUTPUT),
    Meter(f"{GENAI}.cache_read.input_tokens", CACHE_READ),
    Meter(f"{GENAI}.cache_write.input_tokens", CACHE_WRITE),
    Meter(f"{GENAI}.cache_creation.input_tokens", CACHE_WRITE),
    Meter(f"{GENAI}.reasoning.output_tokens", REASONING),
    # LiteLLM
    Meter("gen_ai.usage.cost", COST),
)
"""In no order: a metric and a type come once."""

_COUNTS = {(one.name, one.type): one.counts for one in METERS}


def meter_of(name: str, unit: str, type: object) -> str | None:
    """What a data point of the metric `name` counts, whose attribute TYPE is `type`; None where it never bills."""
    counts = _COUNTS.get((name, type if isinstance(type, str) else None)) or _COUNTS.get((name, None))
    return None if counts == COST and unit not in USD_UNITS else counts


def operation_of(meter: str | None, operation: str) -> str:
    """What a data point was for that reads as `operation`."""
    return DEFAULT_OPERATION if meter is not None and operation not in MODEL_OPERATIONS else operation


METRICS = Dialect(
    name="metrics",
    version=2,
    fields={
        "operation": FIELDS["operation"],
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "request_model": ("gen_ai.request.model", "model"),
        "response_model": FIELDS["response_model"],
        "service_tier": (*FIELDS["service_tier"], "speed"),
        **{name: COMMON[name] for name in ("conversation_id", "user_id", "team", "environment")},
    },
    operations=OPERATIONS,
)
"""Data points of metrics, whatever sends them: whose they are, and of which model."""
