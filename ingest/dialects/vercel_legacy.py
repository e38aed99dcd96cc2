"""Vercel's AI SDK up to version 6 (`ai.*`): an outer span for the function called, an inner one for each request.

The outer ones sum what their inner ones report; an outer embedding has a name of its own and bills nothing either.
From its documentation; no capture of it is at hand.
"""

from ingest.dialects import otel_genai
from ingest.dialects.dialect import Dialect, Label, also, number_field
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

METADATA = "ai.telemetry.metadata"
PROVIDER = "ai.response.providerMetadata"

FIELDS = also(
    {
        "operation": ("ai.operationId",),
        "request_model": ("gen_ai.request.model", "ai.model.id"),
        "response_model": ("gen_ai.response.model", "ai.response.model"),
        "response_id": ("gen_ai.response.id", "ai.response.id"),
        "provider": ("gen_ai.provider.name", "ai.model.provider"),
        "agent_name": ("gen_ai.agent.name", "ai.telemetry.functionId"),
        "tool_name": ("gen_ai.tool.name", "ai.toolCall.name"),
        "tool_call_id": ("gen_ai.tool.call.id", "ai.toolCall.id"),
        "conversation_id": tuple(f"{METADATA}.{name}" for name in ("sessionId", "threadId", "chatId")),
        "user_id": (f"{METADATA}.userId",),
        "team": (f"{METADATA}.team",),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens",),
        "cache_read_tokens": (
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
            number_field(PROVIDER, "cache_read_input_tokens", "cachedPromptTokens"),
        ),
        "cache_write_tokens": (
            "ai.usage.inputTokenDetails.cacheWriteTokens",
            number_field(PROVIDER, "cacheCreationInputTokens", "cache_creation_input_tokens"),
        ),
        "cache_write_5m_tokens": (number_field(PROVIDER, "ephemeral_5m_input_tokens"),),
        "cache_write_1h_tokens": (number_field(PROVIDER, "ephemeral_1h_input_tokens"),),
        "reasoning_tokens": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
        "input": ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args"),
        "output": ("ai.response.text", "ai.response.toolCalls", "ai.response.object", "ai.toolCall.result"),
    },
    OTEL_GENAI_LEGACY.fields,
)

VERCEL_LEGACY = Dialect(
    name="vercel_legacy",
    version=1,
    scopes=("ai",),
    marks=("ai.operationId",),
    fields=FIELDS,
    operations={
        **otel_genai.OPERATIONS,
        "ai.generatetext.dogenerate": "chat",
        "ai.generateobject.dogenerate": "chat",
        "ai.streamtext.dostream": "chat",
        "ai.streamobject.dostream": "chat",
        "ai.embed.doembed": "embeddings",
        "ai.embedmany.doembed": "embeddings",
        "ai.rerank.dorerank": "rerank",
        "ai.toolcall": "tool",
        **dict.fromkeys(("ai.generatetext", "ai.generateobject", "ai.streamtext", "ai.streamobject"), "agent"),
        **dict.fromkeys(("ai.embed", "ai.embedmany", "ai.rerank"), "chain"),
    },
    labels=(Label("tool_name", "tool", prefix="ai.toolCall "),),
    reference="https://ai-sdk.dev/docs/ai-sdk-core/telemetry",
)
