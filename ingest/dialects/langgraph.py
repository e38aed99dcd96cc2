"""LangGraph and LangChain by OpenTelemetry's instrumentation: GenAI. Held by a capture.

By OpenInference, OpenLLMetry or LangSmith they speak those dialects.
"""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

LANGGRAPH = replace(
    OTEL_GENAI,
    name="langgraph",
    version=1,
    scopes=("opentelemetry.instrumentation.genai.langchain", "opentelemetry.instrumentation.genai.langgraph"),
    marks=(),
    reference="https://github.com/open-telemetry/opentelemetry-python-contrib/tree/main/instrumentation-genai",
    captures=("otel_genai/langgraph_otel_genai",),
)
