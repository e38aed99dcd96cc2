"""LiteLLM, SDK and proxy, both generations: GenAI, with the gateway's cost, team and key.

The first (`metadata.user_api_key_*`, `gen_ai.cost.*`) writes "" for what it does not know and its usage once more as a
Python repr. The second (`litellm.*`) writes 0 tokens and 0 USD for streams and failures. Both use the same scope.
The second is held by a capture, the first is from its documentation.
"""

from ingest.dialects import otel_genai
from ingest.dialects.dialect import Dialect, also, loose_number_field
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

USAGE = "metadata.usage_object"

FIELDS = also(
    OTEL_GENAI_LEGACY.fields,
    {
        "operation": ("litellm.call_type",),
        "provider": ("litellm.provider.model",),
        "error_type": ("litellm.provider.error.code",),
        "conversation_id": ("litellm.metadata.session_id",),
        "input_tokens": (loose_number_field(USAGE, "prompt_tokens"),),
        "output_tokens": (loose_number_field(USAGE, "completion_tokens"),),
        "total_tokens": (loose_number_field(USAGE, "total_tokens"),),
        "cache_read_tokens": (loose_number_field(USAGE, "cache_read_input_tokens", "cached_tokens"),),
        "cache_write_tokens": (loose_number_field(USAGE, "cache_creation_input_tokens"),),
        "cache_write_5m_tokens": (loose_number_field(USAGE, "ephemeral_5m_input_tokens"),),
        "cache_write_1h_tokens": (loose_number_field(USAGE, "ephemeral_1h_input_tokens"),),
        "reasoning_tokens": (loose_number_field(USAGE, "reasoning_tokens"),),
    },
)

CALLS = {
    "completion": "chat",
    "responses": "chat",
    "anthropic_messages": "chat",
    "text_completion": "completion",
    "embedding": "embeddings",
    "rerank": "rerank",
    "moderation": "moderation",
    "image_generation": "image",
    "image_edit": "image",
    "speech": "speech",
    "transcription": "speech",
}
"""Functions of the SDK -> operation; each has an asynchronous twin whose name begins with `a`."""

LITELLM = Dialect(
    name="litellm",
    version=1,
    scopes=("litellm",),
    marks=("litellm.call_id", "litellm.call_type", "metadata.user_api_key_hash", USAGE),
    fields=FIELDS,
    operations={
        **otel_genai.OPERATIONS,
        **CALLS,
        **{f"a{name}": operation for name, operation in CALLS.items()},
        "call_mcp_tool": "tool",
    },
    # Beneath a request the first generation sends a span of the raw HTTP exchange with the same numbers.
    operation_prefixes={"raw_gen_ai_request": "transport"},
    operation_names={"raw_gen_ai_request": "transport"},
    labels=otel_genai.OTEL_GENAI.labels,
    reference="https://docs.litellm.ai/docs/observability/opentelemetry_integration",
    captures=("litellm/litellm_otel_v2",),
)
