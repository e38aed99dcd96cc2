"""Names that many emitters write differently, made one. Each function takes a raw text and gives None for no answer."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

PROVIDERS: Mapping[str, str] = {
    # Raw value, lower case -> name in the semantic conventions' list of gen_ai.provider.name.
    # https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/registry/attributes/gen-ai.md
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure_ai": "azure.ai.inference",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "gcp.gen_ai": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
    "x-ai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}

FRAMEWORKS = frozenset(
    {
        *("strands-agents", "microsoft.agent_framework", "github", "langchain", "langgraph", "autogen", "crewai"),
        *("llama_index", "llamaindex", "semantic_kernel", "pydantic_ai", "pydantic-ai", "agno", "smolagents"),
        *("haystack", "dspy"),
    }
)
"""What emitters put in the provider's place although it serves no model."""

API_SUFFIX = re.compile(r"\.(chat|responses|messages|completion|embedding|embeddings)$")
"""Vercel and others name the API behind the provider: `openai.chat`."""

HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "openai.azure.com": "azure.ai.openai",
    "amazonaws.com": "aws.bedrock",
    "api.mistral.ai": "mistral_ai",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
"""End of a host name -> who answers there."""

MODELS: Mapping[str, str] = {
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "chatgpt-": "openai",
    "text-embedding-3": "openai",
    "text-embedding-ada": "openai",
    "claude-": "anthropic",
    "gemini-": "gcp.gemini",
    "mistral-": "mistral_ai",
    "command-": "cohere",
    "deepseek-": "deepseek",
    "grok-": "x_ai",
}
"""Beginning of a model's name -> who makes it: the last resort, for emitters that name no provider."""

SECRET = re.compile(r"^(sk|pk|rk|key|api)[-_]|^bearer |^AIza|^AKIA|^eyJ", re.IGNORECASE)
"""What keys themselves look like. A key in a place for its alias must not become a column that is grouped by."""

COST_MAX = Decimal("1e15")
"""USD. No call costs more; far below what MONEY holds."""


def provider(raw: str) -> str | None:
    name = API_SUFFIX.sub("", raw.strip().lower())
    return None if not name or name in FRAMEWORKS else PROVIDERS.get(name, name)


def provider_of_host(raw: str) -> str | None:
    host = re.sub(r"^[a-z]+://", "", raw.strip().lower()).split("/")[0].split(":")[0]
    return next((name for end, name in HOSTS.items() if host == end or host.endswith(f".{end}")), None)


def provider_of_model(raw: str) -> str | None:
    return next((name for start, name in MODELS.items() if raw.lower().startswith(start)), None)


def service_tier(raw: str) -> str | None:
    """`auto` asks for no tier in particular, so it says nothing about the price."""
    name = raw.strip().lower()
    return None if name in ("", "auto") else name


def credential(raw: str) -> str | None:
    return None if SECRET.match(raw) else raw


def cost(raw: str) -> Decimal | None:
    """An amount as text. The text of a double is its shortest, so 0.0003369 stays 0.0003369."""
    try:
        amount = Decimal(raw.strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) >= COST_MAX:
        return None
    return amount.quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN)
