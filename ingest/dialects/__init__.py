"""The dialects, in order of precedence: of two that recognise a span by its marks, the earlier reads it.

To add one: a file here with a `Dialect`, and its name in this tuple (docs/tutorials/a-new-dialect.md).
"""

from ingest.dialects.anthropic_sdk import ANTHROPIC_SDK
from ingest.dialects.autogen import AUTOGEN
from ingest.dialects.claude_code import CLAUDE_CODE
from ingest.dialects.claude_platform import CLAUDE_PLATFORM
from ingest.dialects.codex import CODEX
from ingest.dialects.copilot import COPILOT
from ingest.dialects.crewai import CREWAI
from ingest.dialects.dialect import Dialect
from ingest.dialects.gemini_cli import GEMINI_CLI
from ingest.dialects.google_adk import GOOGLE_ADK
from ingest.dialects.langfuse import LANGFUSE
from ingest.dialects.langgraph import LANGGRAPH
from ingest.dialects.langsmith import LANGSMITH
from ingest.dialects.litellm import LITELLM
from ingest.dialects.mcp import MCP
from ingest.dialects.ms_agent_framework import MS_AGENT_FRAMEWORK
from ingest.dialects.openai_agents import OPENAI_AGENTS
from ingest.dialects.openinference import OPENINFERENCE
from ingest.dialects.openllmetry import OPENLLMETRY
from ingest.dialects.otel_genai import OTEL_GENAI
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY
from ingest.dialects.plain import PLAIN
from ingest.dialects.pydantic_ai import PYDANTIC_AI
from ingest.dialects.semantic_kernel import SEMANTIC_KERNEL
from ingest.dialects.strands import STRANDS
from ingest.dialects.vercel import VERCEL
from ingest.dialects.vercel_legacy import VERCEL_LEGACY

DIALECTS: tuple[Dialect, ...] = (
    OPENINFERENCE,
    LANGFUSE,
    LANGSMITH,
    LITELLM,
    OPENLLMETRY,
    VERCEL_LEGACY,
    VERCEL,
    PYDANTIC_AI,
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    COPILOT,
    ANTHROPIC_SDK,
    CLAUDE_PLATFORM,
    GOOGLE_ADK,
    STRANDS,
    MS_AGENT_FRAMEWORK,
    SEMANTIC_KERNEL,
    CREWAI,
    AUTOGEN,
    OPENAI_AGENTS,
    LANGGRAPH,
    MCP,
    OTEL_GENAI_LEGACY,
    OTEL_GENAI,
    PLAIN,
)
"""The last one reads what no other recognises."""
