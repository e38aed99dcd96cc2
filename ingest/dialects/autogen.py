"""AutoGen: GenAI spans of agents and tools, and messages between its actors, which are transport.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

AUTOGEN = replace(
    OTEL_GENAI_LEGACY,
    name="autogen",
    version=1,
    scopes=("autogen-core", "autogen ", "opentelemetry.instrumentation.ag2"),
    marks=("ag2.span.type",),
    operation_names={"autogen ": "transport"},
    reference="https://microsoft.github.io/autogen/stable/user-guide/core-user-guide/framework/telemetry.html",
    captures=(),
)
