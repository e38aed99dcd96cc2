"""Anthropic's SDKs, which emit spans by themselves: GenAI, with the lifetimes of cache writes and the requests' ids.

Held by captures.
"""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

ANTHROPIC_SDK = replace(
    OTEL_GENAI,
    name="anthropic_sdk",
    version=1,
    scopes=("com.anthropic.sdk.",),
    marks=(),
    reference="https://platform.claude.com/docs/en/api/opentelemetry/spans",
    captures=("otel_genai/anthropic_sdk_native", "openinference/openinference_anthropic", "pydantic_ai/pydantic_ai"),
)
