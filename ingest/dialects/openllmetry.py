"""OpenLLMetry, spoken by Traceloop and its instrumentations: GenAI, with entities of its own around it.

Older releases write prompt and completion tokens, the oldest `llm.usage.*`. Held by captures.
"""

from ingest.dialects import otel_genai
from ingest.dialects.dialect import Dialect, Label, also
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

PROPERTY = "traceloop.association.properties"

LIBRARIES = (
    *("agno", "alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_generativeai", "groq", "haystack"),
    *("langchain", "llamaindex", "mcp", "mistralai", "ollama", "openai", "openai_agents", "replicate", "sagemaker"),
    *("together", "transformers", "vertexai", "voyageai", "watsonx", "writer"),
)
"""What it instruments. The prefix alone would take in the instrumentations of HTTP, databases and the like."""

FIELDS = also(
    OTEL_GENAI_LEGACY.fields,
    {
        "operation": ("traceloop.span.kind", "llm.request.type"),
        "provider": (f"{PROPERTY}.ls_provider",),
        "request_model": (f"{PROPERTY}.ls_model_name",),
        "agent_name": (f"{PROPERTY}.lc_agent_name",),
        "tool_call_id": (f"{PROPERTY}.tool_call_id",),
        "conversation_id": tuple(
            f"{PROPERTY}.{name}" for name in ("session_id", "thread_id", "conversation_id", "chat_id")
        ),
        "user_id": (f"{PROPERTY}.user_id",),
        "team": (f"{PROPERTY}.team",),
        "input_tokens": ("llm.usage.prompt_tokens",),
        "output_tokens": ("llm.usage.completion_tokens",),
        "total_tokens": ("llm.usage.total_tokens",),
        "cache_read_tokens": ("llm.usage.cache_read_input_tokens",),
        "cache_write_tokens": ("llm.usage.cache_creation_input_tokens",),
        "input": ("traceloop.entity.input",),
        "output": ("traceloop.entity.output",),
    },
)

OPENLLMETRY = Dialect(
    name="openllmetry",
    version=1,
    scopes=("traceloop.tracer", *(f"opentelemetry.instrumentation.{library}" for library in LIBRARIES)),
    marks=("traceloop.", "llm.request.type", "llm.usage.total_tokens"),
    fields=FIELDS,
    operations={**otel_genai.OPERATIONS, "task": "chain", "tool": "tool", "agent": "agent", "embedding": "embeddings"},
    labels=(
        Label("agent_name", "agent", keys=("traceloop.entity.name",)),
        Label("tool_name", "tool", keys=("traceloop.entity.name",), prefix="execute_tool "),
    ),
    reference="https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions",
    captures=(
        "openllmetry/langgraph_openllmetry",
        "openllmetry/openai_agents_openllmetry",
        "openllmetry/openllmetry_openai",
        "openllmetry/traceloop_sdk",
    ),
)
