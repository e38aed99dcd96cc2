"""Pydantic AI and Logfire: GenAI, an agent's own sums under other names, and a cost by genai-prices.

`gen_ai.aggregated_usage.*` is left among the attributes: it sums an agent's calls without those of agents below it.
Held by a capture.
"""

from dataclasses import replace

from ingest.dialects.dialect import also
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

PYDANTIC_AI = replace(
    OTEL_GENAI_LEGACY,
    name="pydantic_ai",
    version=1,
    scopes=("pydantic-ai", "logfire"),
    marks=("logfire.json_schema", "pydantic_ai.", "gen_ai.aggregated_usage."),
    fields=also(
        OTEL_GENAI_LEGACY.fields,
        {
            "turn_id": ("gen_ai.agent.call.id",),  # of each run of an agent; those below another have their own
            "request_model": ("model_name",),
            "input": ("tool_arguments", "pydantic_ai.all_messages", "all_messages_events"),
            "output": ("tool_response", "final_result"),
        },
    ),
    reference="https://pydantic.dev/docs/ai/integrations/logfire/",
    captures=("pydantic_ai/pydantic_ai",),
)
