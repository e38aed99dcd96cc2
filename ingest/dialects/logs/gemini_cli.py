"""Gemini CLI's events: `gemini_cli.api_response` is a call, with output that leaves the thoughts out.

From its documentation; no capture of it is at hand.
"""

from ingest.dialects.dialect import also
from ingest.dialects.gemini_cli import GEMINI_CLI
from ingest.dialects.logs.log_dialect import LogDialect

GEMINI_CLI_LOGS = LogDialect(
    name="gemini_cli",
    version=1,
    scopes=("gemini-cli",),
    events=("gemini_cli.",),
    fields=also(GEMINI_CLI.fields, {"input": ("prompt", "request_text")}),
    operations=GEMINI_CLI.operations,
    operation_names={
        "gemini_cli.api_response": "chat",
        "gemini_cli.api_error": "chat",
        "gemini_cli.tool_call": "tool",
        "gemini_cli.": "other",
    },
    failures=("gemini_cli.api_error",),
    output_includes_reasoning=False,
    reference="https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md",
)
