"""Spans that the Claude API itself exports (service `claude-platform`): the server's view of a request.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

CLAUDE_PLATFORM = replace(
    OTEL_GENAI,
    name="claude_platform",
    version=1,
    scopes=("com.anthropic.claude-platform",),
    marks=(),
    reference="https://platform.claude.com/docs/en/api/opentelemetry/spans",
    captures=(),
)
