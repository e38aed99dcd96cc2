"""Google's Agent Development Kit: GenAI, and the provider's answer whole in one attribute, with the full usage.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import Inside, also, number_field
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

ANSWER = "gcp.vertex.agent.llm_response"


def usage(name: str) -> Inside:
    return number_field(ANSWER, name, within="usage_metadata")


GOOGLE_ADK = replace(
    OTEL_GENAI_LEGACY,
    name="google_adk",
    version=1,
    scopes=("gcp.vertex.agent",),
    marks=("gcp.vertex.agent.",),
    fields=also(
        OTEL_GENAI_LEGACY.fields,
        {
            "turn_id": ("gcp.vertex.agent.invocation_id",),
            "conversation_id": ("gcp.vertex.agent.session_id",),
            "total_tokens": (usage("total_token_count"),),
            "cache_read_tokens": (usage("cached_content_token_count"),),
            "reasoning_tokens": (
                "gen_ai.usage.experimental.reasoning_tokens",
                usage("thoughts_token_count"),
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
