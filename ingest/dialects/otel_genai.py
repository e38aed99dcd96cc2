"""OpenTelemetry's semantic conventions for generative AI, current names (gen_ai.provider.name).

Many emitters speak it with a few words of their own; their files take this table and add to it. Held by captures.
"""

from ingest.dialects.common import COMMON, GATEWAY
from ingest.dialects.dialect import Dialect, Label, also

MCP_TRANSPORT = (
    *("initialize", "ping", "tools/list", "prompts/get", "prompts/list", "completion/complete"),
    *("resources/list", "resources/read", "resources/subscribe", "resources/templates/list"),
)
"""Methods of the Model Context Protocol that move things about but do none."""

OPERATIONS = {
    "chat": "chat",
    "generate_content": "chat",
    "text_completion": "completion",
    "embeddings": "embeddings",
    "retrieval": "retrieval",
    "invoke_agent": "agent",
    "create_agent": "definition",  # of an agent, which it does not run
    "execute_tool": "tool",
    "invoke_workflow": "workflow",
    "plan": "plan",
    **{f"{verb}_memory": "memory" for verb in ("search", "create", "update", "upsert", "delete")},
    **{f"{verb}_memory_store": "memory" for verb in ("create", "delete")},
    # Seen in the wild, in no specification.
    "completion": "completion",
    "generate": "chat",
    "acompletion": "chat",
    "aembedding": "embeddings",
    "rerank": "rerank",
    "moderation": "moderation",
    "litellm.moderation": "moderation",
    "image_generation": "image",
    "speech": "speech",
    "transcription": "speech",
    "agent_step": "chain",
    "execute_event_loop_cycle": "chain",
    "execute_task": "chain",
    "chain": "chain",
    "workflow": "workflow",
    "handoff": "handoff",
    "execute_hook": "hook",
    "guardrail": "guardrail",
    # mcp.method.name
    "tools/call": "tool",
    **dict.fromkeys(MCP_TRANSPORT, "transport"),
}

FIELDS = also(
    also(
        {
            "operation": ("gen_ai.operation.name", "mcp.method.name"),
            "provider": (
                "gen_ai.provider.name",
                "litellm.provider.error.llm_provider",
                "gen_ai.system",
                "server.address",
            ),
            "request_model": ("gen_ai.request.model",),
            "response_model": ("gen_ai.response.model",),
            "response_id": ("gen_ai.response.id", "anthropic.request.id"),
            "service_tier": (
                "openai.response.service_tier",
                "gen_ai.openai.response.service_tier",
                "anthropic.response.service_tier",
                "openai.request.service_tier",
                "gen_ai.openai.request.service_tier",
            ),
            "agent_name": ("gen_ai.agent.name", "agent_name"),
            "tool_name": ("gen_ai.tool.name",),
            "tool_call_id": ("gen_ai.tool.call.id",),
            "input_tokens": ("gen_ai.usage.input_tokens",),
            "output_tokens": ("gen_ai.usage.output_tokens",),
            "total_tokens": ("gen_ai.usage.total_tokens",),
            "cache_read_tokens": (
                "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.cache_read_input_tokens",
                "gen_ai.usage.cached_tokens",
                "gen_ai.usage.input_tokens.cached",
                "gen_ai.usage.details.cache_read_tokens",
                "gen_ai.usage.details.cache_read_input_tokens",
            ),
            "cache_write_tokens": (
                "gen_ai.usage.cache_write.input_tokens",
                "gen_ai.usage.cache_creation.input_tokens",
                "gen_ai.usage.cache_creation_input_tokens",
                "gen_ai.usage.cache_write_input_tokens",
                "gen_ai.usage.input_tokens.cache_write",
                "gen_ai.usage.details.cache_write_tokens",
            ),
            "cache_write_5m_tokens": (
                "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
                "gen_ai.usage.details.ephemeral_5m_input_tokens",
            ),
            "cache_write_1h_tokens": (
                "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
                "gen_ai.usage.details.ephemeral_1h_input_tokens",
            ),
            "reasoning_tokens": (
                "gen_ai.usage.reasoning.output_tokens",
                "gen_ai.usage.reasoning_tokens",
                "gen_ai.usage.output_tokens.reasoning",
                "gen_ai.usage.details.reasoning_tokens",
            ),
            "audio_input_tokens": ("gen_ai.usage.audio.input_tokens",),
            "audio_output_tokens": ("gen_ai.usage.audio.output_tokens",),
            "image_input_tokens": ("gen_ai.usage.image.input_tokens",),
            "compaction_input_tokens": ("anthropic.usage.compaction.input_tokens",),
            "compaction_output_tokens": ("anthropic.usage.compaction.output_tokens",),
            "web_searches": (
                "anthropic.usage.server_tool_use.web_search_requests",
                "gen_ai.usage.details.web_search_requests",
                "web_search_requests",
            ),
            "code_executions": (
                "anthropic.usage.server_tool_use.code_execution_requests",
                "gen_ai.usage.details.code_execution_requests",
                "code_execution_requests",
            ),
            "input": ("gen_ai.input.messages", "gen_ai.tool.call.arguments"),
            "output": ("gen_ai.output.messages", "gen_ai.tool.call.result"),
        },
        COMMON,
    ),
    GATEWAY,
)

OTEL_GENAI = Dialect(
    name="otel_genai",
    version=2,
    scopes=("opentelemetry.instrumentation.genai.",),
    marks=("gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.agent.name", "mcp.method.name"),
    fields=FIELDS,
    operations=OPERATIONS,
    labels=(Label("tool_name", "tool", prefix="execute_tool "),),
    reference="https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai",
    captures=("otel_genai/otel_genai_openai", "otel_genai/otel_genai_openai_content", "runaway_loop/runaway_loop"),
)
