"""Dialects without a capture, and releases that none holds: spans made up from their documentation, read by hand."""

import json
from decimal import Decimal

import pytest

from tests.ingest.dialects.one_span import read

VERCEL = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.model.id": "claude-sonnet-4-5",
    "ai.model.provider": "anthropic.messages",
    "ai.response.id": "msg_1",
    "ai.usage.inputTokens": 2009,
    "ai.usage.outputTokens": 393,
    "ai.usage.cachedInputTokens": 1800,
    "ai.telemetry.functionId": "weather-fn",
    "ai.telemetry.metadata.userId": "u-1",
    "ai.telemetry.metadata.sessionId": "s-1",
    "ai.response.providerMetadata": json.dumps(
        {
            "anthropic": {
                "usage": {"cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 88}},
                "cacheCreationInputTokens": 188,
            }
        }
    ),
}
LITELLM_V1 = {
    "gen_ai.operation.name": "acompletion",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "metadata.user_api_key_hash": "88dc28",
    "metadata.user_api_key_team_alias": "search",
    "metadata.user_api_key_end_user_id": "",  # what it writes for None
    "metadata.user_api_key_user_id": "u-1",
    "metadata.usage_object": (
        "{'completion_tokens': 300, 'prompt_tokens': 2006, 'total_tokens': 2306, 'completion_tokens_details': "
        "{'reasoning_tokens': 192, 'audio_tokens': None}, 'prompt_tokens_details': {'cached_tokens': 1920}}"
    ),
    "gen_ai.cost.total_cost": 0.0003369,
}
LANGSMITH = {
    "langsmith.span.kind": "llm",
    "gen_ai.operation.name": "chat",
    "langsmith.metadata.ls_provider": "openai",
    "langsmith.metadata.ls_model_name": "gpt-4o-mini",
    "langsmith.metadata.thread_id": "thread-1",
    "langsmith.metadata.usage_metadata": json.dumps(
        {
            "input_tokens": 2006,
            "output_tokens": 300,
            "total_tokens": 2306,
            "input_token_details": {"cache_read": 1920},
            "output_token_details": {"reasoning": 192},
        }
    ),
    "langsmith.trace.session_name": "a project, no conversation",
}
ADK = {
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gcp.vertex.agent.session_id": "s-1",
    "gen_ai.usage.input_tokens": 2006,
    "gen_ai.usage.output_tokens": 108,
    "gcp.vertex.agent.llm_response": json.dumps(
        {
            "content": {"parts": [{"text": '"thoughts_token_count": 7,'}]},
            "usage_metadata": {
                "prompt_token_count": 2006,
                "cached_content_token_count": 1920,
                "candidates_token_count": 108,
                "thoughts_token_count": 192,
                "total_token_count": 2306,
            },
        }
    ),
}
GEMINI_CLI = {
    "gen_ai.operation.name": "llm_call",
    "gen_ai.agent.name": "gemini-cli",
    "gen_ai.request.model": "gemini-2.5-pro",
    "gen_ai.conversation.id": "s-1",
    "gen_ai.usage.input_tokens": 2006,
    "gen_ai.usage.output_tokens": 200,
    "thoughts_token_count": 100,  # fewer than the output: only the dialect knows that they stand apart
}
CODEX = {
    "gen_ai.usage.input_tokens": 2006,
    "gen_ai.usage.cache_read.input_tokens": 1920,
    "gen_ai.usage.output_tokens": 300,
    "codex.usage.reasoning_output_tokens": 192,
    "codex.usage.total_tokens": 2306,
}
COPILOT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "github",
    "gen_ai.request.model": "gpt-4o",
    "copilot_chat.chat_session_id": "s-1",
    "gen_ai.usage.input_tokens": 1500,
    "gen_ai.usage.output_tokens": 250,
    "gen_ai.usage.reasoning_tokens": 50,
    "github.copilot.nano_aiu": 7_000_000,
}
SEMANTIC_KERNEL = {
    "gen_ai.operation.name": "chat.streaming_completions",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 2,
}
MCP = {"mcp.method.name": "tools/call", "mcp.session.id": "no conversation", "jsonrpc.request.id": "1"}


@pytest.mark.parametrize(
    ("scope", "name", "attributes", "expected"),
    [
        (
            "ai",
            "ai.generateText.doGenerate",
            VERCEL,
            {
                **{"operation": "chat", "provider": "anthropic", "response_id": "msg_1", "agent_name": "weather-fn"},
                **{"input_tokens": 2009, "output_tokens": 393, "cache_read_tokens": 1800, "cache_write_tokens": 188},
                **{"cache_write_5m_tokens": 100, "cache_write_1h_tokens": 88, "input_basis": "inclusive"},
                **{"user_id": "u-1", "conversation_id": "s-1"},
            },
        ),
        ("ai", "ai.generateText", {"ai.operationId": "ai.generateText"}, {"operation": "agent"}),
        ("ai", "ai.embed", {"ai.operationId": "ai.embed", "ai.usage.tokens": 9}, {"operation": "chain"}),
        ("ai", "x", {"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 9}, {"input_tokens": 9}),
        (
            "ai",
            "ai.toolCall",
            {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "f", "ai.toolCall.id": "c", "ai.toolCall.args": "{}"},
            {"operation": "tool", "tool_name": "f", "tool_call_id": "c", "input": "{}"},
        ),
        (
            "litellm",
            "litellm_request",
            LITELLM_V1,
            {
                **{"operation": "chat", "dialect": "litellm", "input_tokens": 2006, "output_tokens": 300},
                **{"cache_read_tokens": 1920, "reasoning_tokens": 192, "input_basis": "inclusive"},
                **{"user_id": "u-1", "team": "search", "credential": "88dc28"},
                **{"reported_cost_usd": Decimal("0.0003369"), "reported_source": "gen_ai.cost.total_cost"},
            },
        ),
        (
            "litellm",
            "raw_gen_ai_request",
            {"llm.openai.id": "x", "llm.openai.model": "gpt-4o-mini"},
            {"operation": "transport", "usage_status": "not_applicable"},
        ),
        (
            "langsmith",
            "ChatOpenAI",
            LANGSMITH,
            {
                **{"operation": "chat", "provider": "openai", "request_model": "gpt-4o-mini"},
                **{"input_tokens": 2006, "output_tokens": 300, "cache_read_tokens": 1920, "reasoning_tokens": 192},
                **{"conversation_id": "thread-1"},
            },
        ),
        ("langsmith", "f", {"langsmith.span.kind": "tool"}, {"operation": "tool", "tool_name": "f"}),
        (
            "gcp.vertex.agent",
            "call_llm",
            ADK,
            {
                **{"operation": "chat", "provider": "gcp.gemini", "conversation_id": "s-1", "input_tokens": 2006},
                **{"output_tokens": 300, "cache_read_tokens": 1920, "reasoning_tokens": 192},
            },
        ),
        (
            "gcp.vertex.agent",
            "execute_tool (merged tools)",
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "(merged tools)"},
            {"operation": "other"},
        ),
        (
            "gemini-cli",
            "llm_call",
            GEMINI_CLI,
            {"operation": "chat", "provider": "gcp.gemini", "input_tokens": 2006, "output_tokens": 300},
        ),
        ("gemini-cli", "x", {"gen_ai.operation.name": "schedule_tool_calls"}, {"operation": "chain"}),
        (
            "gemini-cli",
            "x",
            {"gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "f", "gen_ai.tool.call_id": "c-1"},
            {"operation": "tool", "tool_name": "f", "tool_call_id": "c-1"},
        ),
        (
            "codex_exec",
            "handle_responses",
            CODEX,
            {"operation": "chat", "input_tokens": 2006, "output_tokens": 300, "reasoning_tokens": 192},
        ),
        ("codex_exec", "shell", {"tool_name": "shell", "call_id": "c-1", "aborted": False}, {"operation": "tool"}),
        ("codex_exec", "handle_responses", {"tool_name": ""}, {"operation": "other", "dialect": "codex"}),
        ("codex_exec", "handle_responses", {"tool_name": "shell", "from": "output_item_done"}, {"operation": "other"}),
        (
            "codex_exec",
            "exec_command",
            {"tool_name": "shell", "call_id": "c-1", "conversation.id": "t-1"},
            {"operation": "tool", "tool_name": "shell", "tool_call_id": "c-1", "conversation_id": "t-1"},
        ),
        (
            "copilot-chat",
            "chat gpt-4o",
            COPILOT,
            {
                **{"operation": "chat", "provider": "openai", "conversation_id": "s-1", "reasoning_tokens": 50},
                **{"output_tokens": 250, "reported_cost_usd": None},
            },
        ),
        (
            "app",
            "x",
            {"gen_ai.operation.name": "execute_hook", "copilot_chat.hook_type": "Stop"},
            {"operation": "hook"},
        ),
        ("semantic_kernel.connectors", "x", SEMANTIC_KERNEL, {"operation": "chat", "input_tokens": 9}),
        ("semantic_kernel.connectors", "AutoFunctionInvocationLoop", {}, {"operation": "chain"}),
        (
            "semantic_kernel.functions",
            "execute_tool P-get_weather",
            {"gen_ai.operation.name": "execute_tool"},
            {"operation": "tool", "tool_name": "P-get_weather"},
        ),
        ("crewai.telemetry", "Crew Execution", {"crew_key": "k"}, {"operation": "workflow"}),
        ("crewai.telemetry", "Tool Usage", {"tool_name": "search"}, {"operation": "tool", "tool_name": "search"}),
        ("autogen-core", "x", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}, {"agent_name": "a"}),
        (
            "autogen SingleThreadedAgentRuntime",
            "autogen send a",
            {"messaging.operation": "create"},
            {"operation": "transport"},
        ),
        (
            "mcp",
            "tools/call get_weather",
            MCP,
            {"operation": "tool", "tool_name": "get_weather", "tool_call_id": None, "conversation_id": None},
        ),
        ("mcp", "tools/list", {"mcp.method.name": "tools/list"}, {"operation": "transport"}),
        (
            "com.anthropic.claude-platform",
            "anthropic.messages.create",
            {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.id": "msg_1"},
            {"operation": "chat", "dialect": "claude_platform", "response_id": "msg_1"},
        ),
        (
            "traceloop.tracer",
            "planner.agent",
            {"traceloop.span.kind": "agent", "traceloop.entity.name": "planner"},
            {"operation": "agent", "agent_name": "planner"},
        ),
        (
            "opentelemetry.instrumentation.openai.v1",
            "openai.chat",
            {"llm.request.type": "chat", "gen_ai.usage.prompt_tokens": 9, "llm.usage.total_tokens": 11},
            {"operation": "chat", "input_tokens": 9},
        ),
    ],
)
def test_a_documented_span_is_read(scope, name, attributes, expected):
    row = read(attributes, scope, name=name)
    assert {column: row[column] for column in expected} == expected
