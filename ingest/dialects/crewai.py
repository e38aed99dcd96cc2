"""CrewAI's own telemetry: what a crew, its tasks and tools did; it carries no usage.

Models' calls come from an instrumentation beside it. From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import also
from ingest.dialects.otel_genai import OTEL_GENAI

CREWAI = replace(
    OTEL_GENAI,
    name="crewai",
    version=1,
    scopes=("crewai.telemetry",),
    marks=("crewai.", "crew_key"),
    fields=also(OTEL_GENAI.fields, {"agent_name": ("agent_role",), "tool_name": ("tool_name",)}),
    operation_names={
        "Crew Execution": "workflow",
        "Flow Execution": "workflow",
        "Task Execution": "chain",
        "Tool Usage": "tool",
        **dict.fromkeys(("Crew Created", "Task Created", "Flow Creation", "Tool Repeated Usage"), "other"),
    },
    labels=(),
    reference="https://docs.crewai.com/en/telemetry",
    captures=(),
)
