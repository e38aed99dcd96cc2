"""GitHub Copilot, in the editor and on the command line: GenAI, with names of its own beside.

From its documentation; no capture of it is at hand. Its `github.copilot.nano_aiu` counts credits, not USD.
"""

from dataclasses import replace

from ingest.dialects.dialect import also
from ingest.dialects.otel_genai import OTEL_GENAI

COPILOT = replace(
    OTEL_GENAI,
    name="copilot",
    version=1,
    scopes=("copilot-chat", "github-copilot", "github.copilot"),
    marks=("github.copilot.", "copilot_chat."),
    fields=also(
        OTEL_GENAI.fields,
        {
            "conversation_id": ("copilot_chat.chat_session_id", "copilot_chat.session_id"),
            "user_id": ("user.name",),
            "tool_name": ("github.copilot.tool.parameters.mcp_tool_name",),
        },
    ),
    reference="https://github.com/microsoft/vscode/blob/main/extensions/copilot/docs/monitoring/agent_monitoring.md",
    captures=(),
)
