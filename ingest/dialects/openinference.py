"""OpenInference (Arize), spoken by Phoenix and its instrumentations. Held by captures."""

from ingest.dialects.common import COMMON, GATEWAY, METADATA
from ingest.dialects.dialect import Dialect, Label, also, any_field, first_field

FIELDS = also(
    also(
        {
            "operation": ("openinference.span.kind",),
            "provider": ("llm.provider", "llm.system"),
            "request_model": (
                "llm.request.model_name",
                "llm.input_model_name",
                "llm.model_name",
                "embedding.model_name",
                any_field("llm.invocation_parameters", "model"),
            ),
            "response_model": ("llm.response.model_name", "llm.output_model_name"),
            "response_id": (first_field("output.value", "id"),),
            "agent_name": ("agent.name",),
            "tool_name": ("tool.name", "tool_call.function.name"),
            "tool_call_id": ("tool_call.id", "tool.id"),
            "input_tokens": ("llm.token_count.prompt",),
            "output_tokens": ("llm.token_count.completion",),
            "total_tokens": ("llm.token_count.total",),
            "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
            "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
            "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
            "audio_input_tokens": ("llm.token_count.prompt_details.audio",),
            "audio_output_tokens": ("llm.token_count.completion_details.audio",),
            "input": ("input.value",),
            "output": ("output.value",),
        },
        COMMON,
    ),
    also(GATEWAY, METADATA),
)

OPENINFERENCE = Dialect(
    name="openinference",
    version=2,
    scopes=("openinference.instrumentation.",),
    marks=("openinference.span.kind",),
    fields=FIELDS,
    operations={
        "llm": "chat",
        "embedding": "embeddings",
        "retriever": "retrieval",
        "reranker": "rerank",
        "tool": "tool",
        "agent": "agent",
        "chain": "chain",
        "guardrail": "guardrail",
        "evaluator": "evaluator",
        "prompt": "other",
    },
    operation_prefixes={"handoff to ": "handoff"},  # the Agents SDK's handoffs have kind TOOL and run none
    labels=(Label("agent_name", "agent", keys=("graph.node.id",)), Label("tool_name", "tool")),
    reference="https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md",
    captures=(
        "openinference/crewai_openinference",
        "openinference/langgraph_openinference",
        "openinference/openai_agents_openinference",
        "openinference/openinference_anthropic",
        "openinference/openinference_openai",
    ),
)
