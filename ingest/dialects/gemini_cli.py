"""Gemini CLI: GenAI with operations of its own, and output without the thoughts.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.dialect import also
from ingest.dialects.otel_genai import OPERATIONS, OTEL_GENAI

GEMINI_CLI = replace(
    OTEL_GENAI,
    name="gemini_cli",
    version=1,
    scopes=("gemini-cli",),
    marks=("gemini_cli.",),
    fields=also(
        OTEL_GENAI.fields,
        {
            "request_model": ("model",),
            "failed": ("success",),
            "user_id": ("installation.id",),
            "tool_name": ("function_name",),
            "tool_call_id": ("gen_ai.tool.call_id",),
            "input_tokens": ("input_token_count",),
            "output_tokens": ("output_token_count",),
            "total_tokens": ("total_token_count",),
            "cache_read_tokens": ("cached_content_token_count",),
            "reasoning_tokens": ("thoughts_token_count",),
            "input": ("function_args", "input-json"),
            "output": ("response_text", "output-json"),
        },
    ),
    operations={
        **OPERATIONS,
        "llm_call": "chat",
        "tool_call": "tool",
        "agent_call": "agent",
        "user_prompt": "agent",
        "system_prompt": "other",
        "schedule_tool_calls": "chain",
    },
    output_includes_reasoning=False,
    reference="https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md",
    captures=(),
)
