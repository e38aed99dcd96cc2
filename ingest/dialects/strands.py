"""Strands Agents, also on Bedrock AgentCore: GenAI, old and new names beside each other. Held by a capture."""

from dataclasses import replace

from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

STRANDS = replace(
    OTEL_GENAI_LEGACY,
    name="strands",
    version=1,
    scopes=("strands.telemetry.tracer", "bedrock_agentcore"),
    marks=("event_loop.cycle_id",),
    reference="https://strandsagents.com/latest/documentation/docs/user-guide/observability-evaluation/traces/",
    captures=("otel_genai_legacy/strands_default",),
)
