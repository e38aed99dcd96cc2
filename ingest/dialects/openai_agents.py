"""OpenAI Agents SDK by OpenTelemetry's instrumentation: GenAI; its models' usage comes from that of `openai`.

Held by a capture. By OpenInference or OpenLLMetry it speaks their dialects.
"""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

OPENAI_AGENTS = replace(
    OTEL_GENAI,
    name="openai_agents",
    version=1,
    scopes=("opentelemetry.instrumentation.genai.openai_agents",),
    marks=(),
    reference="https://github.com/open-telemetry/opentelemetry-python-contrib/tree/main/instrumentation-genai",
    captures=("otel_genai/openai_agents_otel_genai",),
)
