"""The Model Context Protocol, client and server: a call of a tool, or the moving about of what describes tools.

`mcp.session.id` is no conversation, and `jsonrpc.request.id` counts within one session only, so that two servers of
one trace share it: neither is read. From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import Label, also
from ingest.dialects.otel_genai import OTEL_GENAI

MCP = replace(
    OTEL_GENAI,
    name="mcp",
    version=1,
    scopes=("mcp",),
    marks=("mcp.",),
    fields=also({"operation": ("mcp.method.name",)}, {**OTEL_GENAI.fields, "operation": ("gen_ai.operation.name",)}),
    operation_names={"tools/call": "tool"},
    labels=(Label("tool_name", "tool", prefix="tools/call "), *OTEL_GENAI.labels),
    reference="https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md",
    captures=(),
)
