"""Claude Code's events: each call of a model (`api_request`) with its tokens, without the cache, and what it cost.

Their names stand in the attribute event.name. `request_id` is the response id of the call's span. Held by a capture.
"""

from ingest.dialects.claude_code import CLAUDE_CODE
from ingest.dialects.dialect import also
from ingest.dialects.logs.log_dialect import LogDialect

CLAUDE_CODE_LOGS = LogDialect(
    name="claude_code",
    version=1,
    scopes=("com.anthropic.claude_code",),
    events=("claude_code.",),
    fields=also(
        {target: sources for target, sources in CLAUDE_CODE.fields.items() if target != "operation"},
        {"turn_id": ("prompt.id",), "error_type": ("status_code",), "input": ("tool_parameters",)},
    ),
    operation_names={
        "api_request_body": "other",
        "api_request": "chat",
        "api_error": "chat",
        "tool_result": "tool",
        "tool_decision": "other",  # asks whether the tool may run
    },
    failures=("api_error",),
    input_includes_cache=False,
    reference="https://code.claude.com/docs/en/monitoring-usage",
    captures=("claude_code/claude_code",),
)
