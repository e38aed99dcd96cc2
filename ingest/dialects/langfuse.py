"""Langfuse's SDKs: observations, whose usage and cost are objects in one attribute each.

Buckets of usage are disjoint by its convention; what an OpenAI client reported is passed on as it was, with a total
that shows it. Texts of metadata come in quotes. Held by a capture.
"""

from ingest.dialects.common import COMMON, GATEWAY
from ingest.dialects.dialect import Dialect, Label, Source, also, any_field, in_quotes, loose_number_field

TRACE = "langfuse.trace.metadata"


def usage(*names: str) -> tuple[Source, ...]:
    return (loose_number_field("langfuse.observation.usage_details", *names),)


FIELDS = also(
    {
        "operation": ("langfuse.observation.type",),
        "service_tier": (any_field("langfuse.observation.model.parameters", "service_tier"),),
        "failed": ("langfuse.observation.level",),
        "environment": ("langfuse.environment",),
        "request_model": ("langfuse.observation.model.name",),
        "response_model": ("langfuse.observation.model.name",),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "conversation_id": ("session.id", "langfuse.session.id"),
        "user_id": ("user.id", "langfuse.user.id"),
        "team": (in_quotes(f"{TRACE}.team"), f"{TRACE}.team", any_field(TRACE, "team")),
        "input_tokens": usage("input", "prompt_tokens", "input_tokens"),
        "output_tokens": usage("output", "completion_tokens", "output_tokens"),
        "total_tokens": usage("total", "total_tokens"),
        "cache_read_tokens": usage("cache_read_input_tokens", "input_cached_tokens", "cached_tokens"),
        "cache_write_tokens": usage("cache_creation_input_tokens", "input_cache_creation", "cache_write_input_tokens"),
        "cache_write_5m_tokens": usage("input_cache_creation_5m", "ephemeral_5m_input_tokens"),
        "cache_write_1h_tokens": usage("input_cache_creation_1h", "ephemeral_1h_input_tokens"),
        "reasoning_tokens": usage("output_reasoning_tokens", "reasoning_tokens"),
        "audio_input_tokens": usage("input_audio_tokens"),
        "audio_output_tokens": usage("output_audio_tokens"),
        "reported_cost_usd": ("langfuse.observation.cost_details",),
        "input": ("langfuse.observation.input",),
        "output": ("langfuse.observation.output",),
    },
    also(COMMON, GATEWAY),
)

LANGFUSE = Dialect(
    name="langfuse",
    version=1,
    scopes=("langfuse-sdk",),
    marks=("langfuse.observation.type",),
    fields=FIELDS,
    operations={
        "generation": "chat",
        "embedding": "embeddings",
        "agent": "agent",
        "tool": "tool",
        "chain": "chain",
        "span": "chain",
        "retriever": "retrieval",
        "guardrail": "guardrail",
        "evaluator": "evaluator",
        "event": "other",
    },
    labels=(Label("agent_name", "agent"), Label("tool_name", "tool")),
    input_includes_cache=False,
    output_includes_reasoning=False,
    reference="https://langfuse.com/integrations/native/opentelemetry",
    captures=("langfuse/langfuse_sdk",),
)
