"""Codex's events. Of a response `codex.sse_event` is sent twice, and once with its tokens, as text: that one is a call.

They have no trace; the conversation ties them. From its documentation; no capture of it is at hand.
"""

from ingest.dialects.codex import CODEX
from ingest.dialects.dialect import also
from ingest.dialects.logs.log_dialect import LogDialect

CODEX_LOGS = LogDialect(
    name="codex",
    version=1,
    scopes=CODEX.scopes,
    events=("codex.",),
    fields=also(
        {target: sources for target, sources in CODEX.fields.items() if target != "operation"},
        {"total_tokens": ("tool_token_count",)},  # by its name of tools, by its value the total
    ),
    operation_marks={"input_token_count": "chat", "output_token_count": "chat"},
    operation_names={"codex.tool_result": "tool", "codex.": "other"},  # codex.api_request is an attempt, without usage
    reference="https://developers.openai.com/codex/config-advanced",
)
