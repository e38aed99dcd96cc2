"""Which offer a set of names means."""

import pytest

from ledger.books import match
from ledger.books.book import PriceBook
from ledger.books.match import PROVIDER_ALIASES, Offer
from ledger.books.reason import Reason
from tests.ledger.books.made import make_book, offer, provider_record


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("openai", "openai"),
        ("OpenAI ", "openai"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("my-azure-openai-proxy", "azure"),
        ("anthropic", "anthropic"),
        ("aws.bedrock", "aws"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gemini", "google"),
        ("gcp.gen_ai", "google"),
        ("vertex_ai-anthropic_models", "google"),
        ("x_ai", "x-ai"),
        ("mistral_ai", "mistral"),
        ("cohere", "cohere"),
        ("deepseek", "deepseek"),
        ("groq", "groq"),
        ("perplexity", "perplexity"),
        ("moonshot_ai", "moonshotai"),
        ("github_copilot", "github-copilot"),
        ("ibm.watsonx.ai", None),
        ("strands-agents", None),
        ("acme", None),
    ],
)
def test_provider_names_of_telemetry_are_read_by_a_table_of_our_own(
    seed: PriceBook, name: str, provider: str | None
) -> None:
    found = seed.matcher.provider(name.lower().strip())
    assert (found and found.id) == provider


def test_every_alias_is_of_a_provider_in_the_seed(seed: PriceBook) -> None:
    assert {target for target in PROVIDER_ALIASES.values() if target not in seed.matcher.providers} == set()


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o-mini", Offer("openai", "gpt-4o-mini")),
        ("openai", "GPT-4o-2024-08-06", Offer("openai", "gpt-4o")),
        ("openai", "gpt-4o-20240806", Offer("openai", "gpt-4o")),
        ("openai", "openai/gpt-4o", Offer("openai", "gpt-4o")),
        ("anthropic", "claude-sonnet-4-5-20250929", Offer("anthropic", "claude-sonnet-4-5")),
        ("azure.ai.openai", "gpt-4o", Offer("openai", "gpt-4o", own=False)),
        ("litellm", "anthropic/claude-sonnet-4-5", Offer("anthropic", "claude-sonnet-4-5")),
        ("openai", "gpt-4o-99999999", None),
        ("openai", "my-gpt-4o", None),
    ],
)
def test_models_are_matched_by_the_books_clauses_and_never_by_likeness(
    seed: PriceBook, provider: str, model: str, expected: Offer | None
) -> None:
    assert seed.matcher.find(provider, model, None).offer == expected


def test_the_model_that_answered_counts_and_the_one_asked_for_helps_out(seed: PriceBook) -> None:
    find = seed.matcher.find
    assert find("openai", "gpt-4o", "gpt-4o-mini-2024-07-18").offer == Offer("openai", "gpt-4o-mini")
    assert find("openai", "gpt-4o", "my-deployment").offer == Offer("openai", "gpt-4o")
    assert find("openai", None, None).reason == Reason.NO_MODEL


def test_a_name_over_the_limit_is_none_and_is_not_kept(seed: PriceBook) -> None:
    book = two_sellers("1")
    long = "llama" * match.NAME_CHARS_MAX
    assert book.matcher.find("one", long, None).reason == Reason.NO_MODEL
    assert book.matcher.find(long, "llama", None).reason == Reason.ASSUMED_PROVIDER
    assert max(len(name or "") for key in book.matcher._memo for name in key) == match.NAME_CHARS_MAX + 1


def two_sellers(other_price: str, **maker: object) -> PriceBook:
    clause = {"equals": "llama"}
    return make_book(
        provider_record("one", **maker),
        *offer("one", "llama", clause, fresh_input_tokens="1"),
        provider_record("two"),
        *offer("two", "llama-two", clause, fresh_input_tokens=other_price),
    )


def test_a_model_of_an_unknown_provider_is_priced_if_all_sell_it_at_one_price() -> None:
    found = two_sellers("1").matcher.find("acme", "llama", None)
    assert (found.offer, found.reason) == (Offer("one", "llama"), Reason.ASSUMED_PROVIDER)


def test_a_model_of_an_unknown_provider_with_two_prices_is_ambiguous() -> None:
    found = two_sellers("2").matcher.find("acme", "llama", None)
    assert (found.offer, found.ambiguous, found.reason) == (None, True, Reason.SEVERAL_PRICES)


def test_a_model_that_nobody_sells_is_unknown() -> None:
    book = two_sellers("1")
    assert book.matcher.find("acme", "gpt", None).reason == Reason.UNKNOWN_PROVIDER
    assert book.matcher.find(None, "gpt", None).reason == Reason.UNKNOWN_MODEL
    assert book.matcher.find("one", "gpt", None).reason == Reason.UNKNOWN_MODEL


def test_where_no_provider_is_named_the_models_maker_is_meant_but_not_for_a_strangers_model() -> None:
    book = two_sellers("2", makes={"starts_with": "lla"})
    assert book.matcher.find(None, "llama", None).reason == Reason.MAKERS_PRICE
    assert book.matcher.find("langchain", "llama", None).offer == Offer("one", "llama")
    assert book.matcher.find("acme", "llama", None).ambiguous


def test_a_prefix_is_believed_of_a_gateway_and_else_is_one_seller_among_others() -> None:
    book = make_book(
        provider_record("one"),
        *offer("one", "m", {"equals": "m"}, fresh_input_tokens="1"),
        provider_record("resale"),
        *offer("resale", "one/m", {"equals": "one/m"}, fresh_input_tokens="2"),
    )
    assert book.matcher.find("litellm", "one/m", None).offer == Offer("one", "m")
    assert book.matcher.find("one", "one/m", None).offer == Offer("one", "m")
    assert book.matcher.find("resale", "one/m", None).offer == Offer("resale", "one/m")
    assert book.matcher.find(None, "one/m", None).ambiguous
    assert book.matcher.find("acme", "one/m", None).ambiguous


def test_a_provider_name_that_two_clauses_claim_is_unknown() -> None:
    book = make_book(
        provider_record("one", named={"contains": "ai"}),
        *offer("one", "m", {"equals": "m"}, fresh_input_tokens="1"),
        provider_record("two", named={"contains": "cloud"}),
    )
    assert book.matcher.provider("some-ai") is book.matcher.providers["one"]
    assert book.matcher.provider("ai-cloud") is None


def test_the_memory_of_names_is_bounded(seed: PriceBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "MEMO_MAX", 3)
    book = two_sellers("1")
    for number in range(10):
        book.matcher.find("one", f"model-{number}", None)
        assert len(book.matcher._memo) <= 3
    assert book.matcher.find("one", "llama", None).offer == Offer("one", "llama")
