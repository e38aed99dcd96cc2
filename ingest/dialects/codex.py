"""Codex, OpenAI's agent on the command line: spans of its Rust code, few of which stand for anything billed.

Each piece of an answer has a span `handle_responses`, which may be renamed after the piece; the last carries the usage
and is the call. A tool's run may be named after the tool. The model stands on a span above and on every log record:
with spans alone the cost is unknown.
From its documentation and source; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import also
from ingest.dialects.otel_genai import OTEL_GENAI

CODEX = replace(
    OTEL_GENAI,
    name="codex",
    version=1,
    scopes=("codex", "codex_exec", "codex_tui", "codex_cli_rs", "codex_otel", "codex_core", "codex_app_server"),
    marks=("codex.",),
    fields=also(
        OTEL_GENAI.fields,
        {
            "request_model": ("model",),
            "failed": ("success",),
            "environment": ("env",),
            "conversation_id": ("thread.id", "conversation.id"),
            "user_id": ("user.account_id",),
            "tool_name": ("tool_name",),
            "tool_call_id": ("call_id",),
            "input_tokens": ("input_token_count",),
            "output_tokens": ("output_token_count",),
            "total_tokens": ("codex.usage.total_tokens",),
            "cache_read_tokens": ("cached_token_count",),
            "cache_write_tokens": ("cache_write_token_count",),
            "reasoning_tokens": ("codex.usage.reasoning_output_tokens", "reasoning_token_count"),
            "input": ("arguments", "prompt"),
            "output": ("output",),
        },
    ),
    # `from`: a piece of an answer came in; the tool that it may name has not run yet.
    operation_marks={"gen_ai.usage.input_tokens": "chat", "from": "other"},
    operation_names={"exec_command": "tool", "dispatch_tool_call": "tool", "session_task.turn": "agent"},
    labels=(),
    reference="https://developers.openai.com/codex/config-advanced",
    captures=(),
)
