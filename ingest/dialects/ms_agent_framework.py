"""Microsoft Agent Framework: GenAI. Held by a capture."""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

MS_AGENT_FRAMEWORK = replace(
    OTEL_GENAI,
    name="ms_agent_framework",
    version=1,
    scopes=("agent_framework", "Microsoft.Agents.AI", "Experimental.Microsoft.Agents.AI"),
    marks=("agent_framework.",),
    reference="https://learn.microsoft.com/en-us/agent-framework/user-guide/observability",
    captures=("otel_genai/ms_agent_framework",),
)
