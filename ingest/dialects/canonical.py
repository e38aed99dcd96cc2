"""Names that many emitters write differently, made one. Each function takes a raw text and gives None for no answer."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

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
        *("haystack", "dspy", "gcp.vertex.agent"),
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

COST_DETAILS_MAX = 4096
"""Characters of an object of costs; a longer one is a mistake or an attack."""


def provider(raw: str) -> str | None:
    name = API_SUFFIX.sub("", raw.strip().lower())
    return None if not name or name in FRAMEWORKS else PROVIDERS.get(name, name)


def provider_of_host(raw: str) -> str | None:
    host = re.sub(r"^[a-z]+://", "", raw.strip().lower()).split("/")[0].split(":")[0]
    return next((name for end, name in HOSTS.items() if host == end or host.endswith(f".{end}")), None)


def provider_of_route(raw: str) -> str | None:
    """LiteLLM writes `openai/gpt-4o-mini`."""
    return provider(raw.split("/")[0]) if "/" in raw else None


def provider_of_model(raw: str) -> str | None:
    return next((name for start, name in MODELS.items() if raw.lower().startswith(start)), None)


def service_tier(raw: str) -> str | None:
    """`auto` asks for no tier in particular, so it says nothing about the price."""
    name = raw.strip().lower()
    return None if name in ("", "auto") else name


def speed(raw: str) -> str | None:
    """Claude Code's `fast` has a price of its own; `normal` is no tier."""
    return None if raw.strip().lower() == "normal" else service_tier(raw)


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


def cost_of_micros(raw: str) -> Decimal | None:
    """Millionths of a USD, whole ones."""
    micros = cost(raw)
    return None if micros is None else cost(str(micros / 1_000_000))


def cost_of_details(raw: str) -> Decimal | None:
    """Langfuse's object of costs in USD, perhaps quoted twice: its total, else the sum, for its parts are disjoint."""
    details = _object(raw)
    amounts = {name: cost(str(value)) for name, value in details.items()}
    if "total" in amounts:
        return amounts["total"]
    known = [amount for amount in amounts.values() if amount is not None]
    return cost(str(sum(known))) if known and len(known) == len(amounts) else None


def _object(raw: str) -> dict[str, Any]:
    value: Any = raw[: COST_DETAILS_MAX + 1]
    try:
        for _ in range(2):
            value = json.loads(value, parse_float=str, parse_int=str) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def failure(raw: str) -> str | None:
    """A flag of success, as truth value or text; a level of Langfuse's; an HTTP status."""
    text = raw.strip().lower()
    return "failed" if text in ("false", "error") or re.fullmatch("[45][0-9][0-9]", text) else None


OF_TARGET: Mapping[str, Callable[[str], Any]] = {
    "provider": provider,
    "service_tier": service_tier,
    "credential": credential,
    "reported_cost_usd": cost,
    "failed": failure,
}
"""Target -> how its raw text is read."""

OF_KEY: Mapping[str, Callable[[str], Any]] = {
    "server.address": provider_of_host,
    "litellm.provider.model": provider_of_route,
    "speed": speed,
    "cost_usd_micros": cost_of_micros,
    "langfuse.observation.cost_details": cost_of_details,
}
"""Attribute -> how its raw text is read, where that differs from its target's."""
