"""OpenTelemetry's older events for generative AI: one a message, its content in the body, its span's ids beside it.

A message that is part of a prompt is input of the span, also where an assistant or a tool wrote it before; a choice is
output. Held by captures.
"""

from ingest.dialects.common import COMMON
from ingest.dialects.dialect import also
from ingest.dialects.logs.log_dialect import LogDialect

PROMPT = tuple(f"gen_ai.{role}.message" for role in ("system", "user", "assistant", "tool"))

GENAI_MESSAGES = LogDialect(
    name="otel_genai_messages",
    version=1,
    events=(*PROMPT, "gen_ai.choice"),
    fields=also({"provider": ("gen_ai.provider.name", "gen_ai.system"), "agent_name": ("gen_ai.agent.name",)}, COMMON),
    operation_names={"gen_ai.": "other"},
    bodies={**dict.fromkeys(PROMPT, "input"), "gen_ai.choice": "output"},
    durations=(),
    reference="https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-events.md",
    captures=("otel_genai_legacy/openai_v2_default", "otel_genai/ms_agent_framework"),
)
