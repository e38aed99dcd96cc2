"""Which offer of the price book a call used: (provider, model) found from the names that telemetry gives.

Provider names are first read by a table of our own: genai-prices takes `azure.ai.openai` for OpenAI and does not know
`x_ai`. Models are matched by the book's clauses. Nothing is guessed by likeness: a name that no clause matches is
unknown. Each distinct set of names is worked out once and remembered, up to a bound.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ledger.books.clause import FirstMatch, Test, compile_clause
from ledger.books.reason import NO_REMARK, Reason
from ledger.errors import Refused

NAME_CHARS_MAX = 256
"""Longest name that is matched; the longest real ones are Bedrock ARNs of some 150."""
MEMO_MAX = 16_384
"""Distinct sets of names remembered, 50 MB at the very worst; then the memory starts afresh."""

PROVIDER_ALIASES: Mapping[str, str] = {
    # https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ (gen_ai.provider.name, gen_ai.system)
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
    # what SDKs and gateways write
    "amazon": "aws",
    "amazon_bedrock": "aws",
    "aws": "aws",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "azureopenai": "azure",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "together-ai": "together",
    "togetherai": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
    "x.ai": "x-ai",
    "z.ai": "zai",
    "z_ai": "zai",
}
"""Name of a provider as telemetry writes it, lower case -> id in the book."""

PROVIDER_PARTS: Sequence[tuple[str, str]] = (("azure", "azure"), ("bedrock", "aws"), ("vertex", "google"))
"""A longer name that contains one of these means that cloud, before any clause of the book sees another name in it."""

GATEWAYS = frozenset({"litellm", "portkey", "helicone", "kong", "bifrost"})
"""Gateways that write their own name where the provider's belongs, and the provider's before the model's:
`openai/...`."""

NO_PROVIDER = GATEWAYS | frozenset(
    {"", "_other", "unknown", "langchain", "langgraph", "langfuse", "llamaindex", "crewai", "autogen", "openai_agents"}
    | {"strands-agents", "microsoft.agent_framework", "pydantic-ai", "pydantic_ai"}
)
"""Names of gateways and frameworks, written where a provider's belongs: as if no provider were named."""

_COMPACT_DATE = re.compile(r"(-)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


@dataclass(frozen=True)
class Offer:
    """A model as one provider sells it. `own` is false where another provider's list is used for it: the special
    contexts of that list (batch, ...) then do not apply."""

    provider: str
    model: str
    own: bool = True


@dataclass(frozen=True)
class Found:
    """What a set of names means: an offer, or none and why. `reason` may also be a remark on an offer."""

    offer: Offer | None
    reason: Reason = NO_REMARK
    ambiguous: bool = False


_CLAUSES = frozenset({"provider", "model", "fallback"})


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


@dataclass(frozen=True)
class Provider:
    """A provider's clauses and models as the book lists them."""

    id: str
    named: Test | None
    makes: Test | None
    fallback: tuple[str, ...]
    models: tuple[str, ...]
    clauses: FirstMatch

    @classmethod
    def of(cls, provider: str, clause: Any, models: Sequence[tuple[str, Any]]) -> "Provider":
        """Raises Refused for clauses that are none."""
        if not isinstance(clause, Mapping) or not clause.keys() >= _CLAUSES or not _are_names(clause["fallback"]):
            raise Refused(
                f"price book: the clause of {provider} is {str(clause)[:100]!r}: an object with provider, model (each "
                "a clause or null) and fallback (a list of providers) expected"
            )
        return cls(
            id=provider,
            named=compile_clause(clause["provider"]) if clause["provider"] else None,
            makes=compile_clause(clause["model"]) if clause["model"] else None,
            fallback=tuple(clause["fallback"]),
            models=tuple(model for model, _ in models),
            clauses=FirstMatch.of([model_clause for _, model_clause in models]),
        )

    def model(self, name: str) -> str | None:
        position = self.clauses.find(name)
        return None if position is None else self.models[position]


@dataclass(frozen=True)
class Matcher:
    """Finds offers. `alike` gives what two offers at the same prices have in common."""

    providers: Mapping[str, Provider]
    alike: Mapping[tuple[str, str], Any]
    _memo: dict[tuple[str | None, str | None, str | None], Found] = field(default_factory=dict)

    def find(self, provider: str | None, request_model: str | None, response_model: str | None) -> Found:
        """The offer that was used: by the model that answered, else by the one asked for."""
        key = (_bounded(provider), _bounded(request_model), _bounded(response_model))
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO_MAX:
                self._memo.clear()
            found = self._memo[key] = self._find(key[0], _names(key[2], key[1]))
        return found

    def _find(self, provider_name: str | None, models: list[str]) -> Found:
        if not models:
            return Found(None, Reason.NO_MODEL)
        stated = (provider_name or "").lower().strip()
        known = self.provider(stated)
        if known is not None:
            offers = (self._offer(known, name) for model in models for name in self._unprefixed(known, model))
            offer = next((offer for offer in offers if offer), None)
            return Found(offer) if offer else Found(None, Reason.UNKNOWN_MODEL)
        return self._find_anywhere(models, stated)

    def provider(self, name: str) -> Provider | None:
        """The provider meant by a lower-cased name; None if the book has none, or several clauses claim it."""
        if name in NO_PROVIDER or len(name) > NAME_CHARS_MAX:
            return None
        part = next((provider for word, provider in PROVIDER_PARTS if word in name), None)
        for candidate in (PROVIDER_ALIASES.get(name), name, name.replace("_", "-"), part):
            if candidate is not None and candidate in self.providers:
                return self.providers[candidate]
        claims = [provider for provider in self.providers.values() if provider.named and provider.named(name)]
        return claims[0] if len(claims) == 1 else None

    def _unprefixed(self, provider: Provider, model: str) -> Iterator[str]:
        """The name, and without its `provider/`, which gateways put before it."""
        yield model
        head, slash, rest = model.partition("/")
        if slash and self.provider(head) is provider:
            yield rest

    def _offer(self, provider: Provider, name: str) -> Offer | None:
        """As genai-prices: by the name as it is, else with a compact date written out; each also at the fallbacks."""
        for spelling in _spellings(name):
            for seller in (provider, *(self.providers[each] for each in provider.fallback if each in self.providers)):
                model = seller.model(spelling)
                if model is not None:
                    return Offer(seller.id, model, own=seller is provider)
        return None

    def _find_anywhere(self, models: list[str], stated: str) -> Found:
        """No provider to go by: what a gateway's prefix says; else the model's maker, unless a stranger was named; else
        whoever sells it, if all sell it at one price."""
        for model in models:
            prefixed = self._prefixed_offer(model)
            if prefixed and stated in GATEWAYS:
                return Found(prefixed)
            makers = self._makers(model) if stated in NO_PROVIDER else []
            found = self._one_price(self._sold(makers, model), Reason.MAKERS_PRICE) or self._one_price(
                [*self._sold(self.providers.values(), model), *([prefixed] if prefixed else [])],
                Reason.ASSUMED_PROVIDER,
            )
            if found:
                return found
        return Found(None, Reason.UNKNOWN_MODEL if stated in NO_PROVIDER else Reason.UNKNOWN_PROVIDER)

    def _one_price(self, offers: Sequence[Offer], reason: Reason) -> Found | None:
        """The first offer if all are at the same prices, ambiguous if they are not, None if there are none."""
        if len({self.alike.get((offer.provider, offer.model)) for offer in offers}) > 1:
            return Found(None, Reason.SEVERAL_PRICES, ambiguous=True)
        return Found(offers[0], reason) if offers else None

    def _makers(self, model: str) -> list[Provider]:
        return [provider for provider in self.providers.values() if provider.makes and provider.makes(model)]

    def _sold(self, providers: Iterable[Provider], name: str) -> list[Offer]:
        """What each provider itself sells under the name."""
        spellings = _spellings(name)
        models = ((provider, next(filter(None, map(provider.model, spellings)), None)) for provider in providers)
        return [Offer(provider.id, model) for provider, model in models if model is not None]

    def _prefixed_offer(self, model: str) -> Offer | None:
        head, slash, rest = model.partition("/")
        provider = self.provider(head) if slash else None
        return self._offer(provider, rest) if provider else None


def _bounded(name: str | None) -> str | None:
    """One character over the limit is enough to know that a name is over it."""
    return name and name[: NAME_CHARS_MAX + 1]


def _names(*models: str | None) -> list[str]:
    lowered = (model.lower().strip() for model in models if model and len(model) <= NAME_CHARS_MAX)
    return list(dict.fromkeys(name for name in lowered if name))


def _spellings(name: str) -> Iterable[str]:
    """The name, and if it is another, with `-20251211` written `-2025-12-11`, as the price lists write a date."""

    def dashed(match: re.Match[str]) -> str:
        year, month, day = (int(match.group(group)) for group in (2, 3, 4))
        try:
            date(year, month, day)
        except ValueError:
            return match.group(0)
        return f"-{year:04d}-{month:02d}-{day:02d}"

    return dict.fromkeys((name, _COMPACT_DATE.sub(dashed, name)))
