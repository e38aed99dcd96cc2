"""LangSmith's OpenTelemetry exporter, for LangChain and its own `traceable`: GenAI, with the kind of run and metadata.

Counts of the cache stand in objects only. From its documentation; no capture of it is at hand.
"""

from ingest.dialects import otel_genai
from ingest.dialects.dialect import Dialect, Label, also, loose_number_field
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

METADATA = "langsmith.metadata"
USAGE = f"{METADATA}.usage_metadata"
IN, OUT = "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"

FIELDS = also(
    OTEL_GENAI_LEGACY.fields,
    {
        "operation": ("langsmith.span.kind",),
        "provider": (f"{METADATA}.ls_provider",),
        "request_model": (f"{METADATA}.ls_model_name",),
        "service_tier": ("gen_ai.response.service_tier",),
        "agent_name": (f"{METADATA}.lc_agent_name",),
        "conversation_id": tuple(f"{METADATA}.{name}" for name in ("thread_id", "session_id", "conversation_id")),
        "user_id": (f"{METADATA}.user_id",),
        "team": (f"{METADATA}.team",),
        "input_tokens": (loose_number_field(USAGE, "input_tokens"),),
        "output_tokens": (loose_number_field(USAGE, "output_tokens"),),
        "total_tokens": (loose_number_field(USAGE, "total_tokens"),),
        "cache_read_tokens": tuple(loose_number_field(key, "cache_read") for key in (IN, USAGE)),
        "cache_write_tokens": tuple(loose_number_field(key, "cache_creation") for key in (IN, USAGE)),
        "cache_write_5m_tokens": tuple(loose_number_field(key, "ephemeral_5m_input_tokens") for key in (IN, USAGE)),
        "cache_write_1h_tokens": tuple(loose_number_field(key, "ephemeral_1h_input_tokens") for key in (IN, USAGE)),
        "reasoning_tokens": tuple(loose_number_field(key, "reasoning") for key in (OUT, USAGE)),
    },
)

LANGSMITH = Dialect(
    name="langsmith",
    version=1,
    scopes=("langsmith",),
    marks=("langsmith.span.kind",),
    fields=FIELDS,
    operations={
        **otel_genai.OPERATIONS,
        "llm": "chat",
        "tool": "tool",
        "retriever": "retrieval",
        "embedding": "embeddings",
        "prompt": "other",
        "parser": "other",
    },
    labels=(Label("tool_name", "tool"),),
    reference="https://docs.langchain.com/langsmith/trace-with-opentelemetry",
)
