"""Claude Code: plain names, and input without the cache.

A turn is an agent's; below a tool's span its waiting and its execution have spans of their own, which are no second
call of the tool. Held by a capture.
"""

from ingest.dialects.common import COMMON
from ingest.dialects.dialect import Dialect, also

FIELDS = also(
    {
        "operation": ("span.type",),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "request_model": ("gen_ai.request.model", "model"),
        "response_model": ("gen_ai.response.model",),
        "response_id": ("gen_ai.response.id", "request_id"),
        "service_tier": ("speed",),
        "failed": ("success",),
        "agent_name": ("gen_ai.agent.name", "agent_name"),
        "tool_name": ("gen_ai.tool.name", "tool_name"),
        "tool_call_id": ("gen_ai.tool.call.id", "tool_use_id"),
        "input_tokens": ("input_tokens",),
        "output_tokens": ("output_tokens",),
        "cache_read_tokens": ("cache_read_tokens",),
        "cache_write_tokens": ("cache_creation_tokens",),
        "reported_cost_usd": ("cost_usd_micros", "cost_usd"),
        "input": ("user_prompt", "full_command", "tool_input", "prompt"),
        "output": ("response", "response_text"),
    },
    also(COMMON, {"user_id": ("user.account_uuid",)}),
)

CLAUDE_CODE = Dialect(
    name="claude_code",
    version=1,
    scopes=("com.anthropic.claude_code",),
    marks=("llm_request.context", "interaction.sequence"),
    fields=FIELDS,
    operations={
        "interaction": "agent",
        "llm_request": "chat",
        "tool": "tool",
        "tool.execution": "other",
        "tool.blocked_on_user": "other",
        "hook": "hook",
    },
    input_includes_cache=False,
    reference="https://code.claude.com/docs/en/monitoring-usage",
    captures=("claude_code/claude_code",),
)
