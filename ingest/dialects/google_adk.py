"""Google's Agent Development Kit: GenAI, and the provider's answer whole in one attribute, with the full usage.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import also, number_field
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

ANSWER = "gcp.vertex.agent.llm_response"

GOOGLE_ADK = replace(
    OTEL_GENAI_LEGACY,
    name="google_adk",
    version=1,
    scopes=("gcp.vertex.agent",),
    marks=("gcp.vertex.agent.",),
    fields=also(
        OTEL_GENAI_LEGACY.fields,
        {
            "conversation_id": ("gcp.vertex.agent.session_id",),
            "total_tokens": (number_field(ANSWER, "total_token_count"),),
            "cache_read_tokens": (number_field(ANSWER, "cached_content_token_count"),),
            "reasoning_tokens": (
                "gen_ai.usage.experimental.reasoning_tokens",
                number_field(ANSWER, "thoughts_token_count"),
            ),
            "input": ("gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.llm_request"),
            "output": ("gcp.vertex.agent.tool_response", ANSWER),
        },
    ),
    # A span of several tools' answers put together: each tool has a span of its own.
    operation_prefixes={"execute_tool (merged tools)": "other"},
    operation_names={"call_llm": "chat", "invocation": "other"},
    reference="https://google.github.io/adk-docs/observability/traces/",
    captures=(),
)
