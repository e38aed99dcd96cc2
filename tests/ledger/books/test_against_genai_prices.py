"""The seed book says what genai-prices says, to the last digit, wherever that has an answer.

It has none where it would take unpriced usage for free, and its figure is exact where ours is rounded a line: then the
two differ by less than half a pico-dollar a line.
"""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ledger.books.book import PriceBook, seed_body
from ledger.books.charge import price
from ledger.books.match import PROVIDER_ALIASES, PROVIDER_PARTS
from ledger.books.units import GENAI_UNITS
from tests.ledger.books.made import view, views

genai_prices = pytest.importorskip("genai_prices")

from genai_prices.data import providers  # noqa: E402
from genai_prices.data_snapshot import get_snapshot  # noqa: E402

USAGES = 1_400
ANSWERED = 1_000
CONTEXTS: dict[str | None, dict[str, str]] = {
    None: {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
FIELDS = {"audio_input_tokens": "input_audio_tokens", "audio_output_tokens": "output_audio_tokens"}
FIELDS |= {"image_input_tokens": "input_image_tokens", "reasoning_tokens": "output_reasoning_tokens"}
"""Column of a view -> usage key of genai-prices, where they differ."""


def names_of(clause: Any) -> list[str]:
    """Model names that a clause of genai-prices is sure, or likely, to match."""
    for word in ("equals", "starts_with", "contains", "ends_with"):
        if hasattr(clause, word):
            return [getattr(clause, word)]
    return [name for part in getattr(clause, "or_", ()) for name in names_of(part)]


NAMES = [(provider.id, name) for provider in providers for model in provider.models for name in names_of(model.match)]


def usage(rng: random.Random) -> dict[str, int]:
    read, write = rng.randrange(3) * rng.randrange(90_000), rng.randrange(2) * rng.randrange(90_000)
    hour = rng.randrange(write + 1) if rng.random() < 0.5 else 0
    counts = {"input_tokens": read + write + rng.randrange(150_000), "output_tokens": rng.randrange(20_000)}
    counts |= {"cache_read_tokens": read, "cache_write_tokens": write}
    counts |= {"cache_write_1h_tokens": hour, "cache_write_5m_tokens": write - hour} if hour else {}
    counts |= {"reasoning_tokens": rng.randrange(counts["output_tokens"] + 1)} if rng.random() < 0.3 else {}
    counts |= {"web_searches": rng.randrange(5)} if rng.random() < 0.3 else {}
    return counts


def audio_usage(rng: random.Random) -> dict[str, int]:
    """No cache: what part of cached tokens is audio is nowhere reported."""
    audio_in, audio_out = rng.randrange(9_000), rng.randrange(9_000)
    counts = {"input_tokens": audio_in + rng.randrange(9_000), "output_tokens": audio_out + rng.randrange(9_000)}
    return counts | {"audio_input_tokens": audio_in, "audio_output_tokens": audio_out}


def cases(rng: random.Random) -> list[dict[str, Any]]:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    span_s = int((end - start).total_seconds())
    audio = [(provider, name) for provider, name in NAMES if "audio" in name or "realtime" in name]
    found = []
    for number in range(USAGES):
        # Every second one of a provider that has dated, tiered and contextual prices
        likely = [
            each for each in NAMES if each[0] in ("openai", "anthropic", "google", "deepseek", "mistral", "perplexity")
        ]
        provider, name = rng.choice(audio if number % 10 == 9 else likely if number % 2 else NAMES)
        moment = start + timedelta(seconds=rng.randrange(span_s))
        found.append(
            {
                "provider": provider,
                "request_model": name,
                "start_ns": int(moment.timestamp()) * 10**9,
                "service_tier": rng.choice([None, *CONTEXTS]),
                **(audio_usage(rng) if number % 10 == 9 else usage(rng)),
            }
        )
    return found


def theirs(case: dict[str, Any]) -> tuple[Decimal, set[str]] | None:
    """The library's figure and the units it has prices for; None where it refuses to answer."""
    named = ("provider", "request_model", "start_ns", "service_tier")
    counts = {FIELDS.get(name, name): count for name, count in case.items() if name not in named}
    try:
        answer = genai_prices.calc_price(
            genai_prices.Usage(**counts),
            case["request_model"],
            provider_id=case["provider"],
            genai_request_timestamp=datetime.fromtimestamp(case["start_ns"] // 10**9, tz=UTC),
            price_context=CONTEXTS[case["service_tier"]],
        )
    except (LookupError, ValueError):
        return None
    return answer.total_price, {key for key, value in answer.model_price.__dict__.items() if value is not None}


def test_random_usages_cost_what_the_library_says(seed: PriceBook) -> None:
    rng = random.Random(20261122)
    asked = cases(rng)
    found = price(views(*(view(**case) for case in asked)), seed).to_pylist()
    compared = 0
    for row, case in enumerate(asked):
        lines = [line for line in found if line["row"] == row]
        answer = theirs(case)
        if answer is None or any(line["cost_usd"] is None for line in lines):
            continue
        ours = sum((line["cost_usd"] for line in lines), Decimal(0))
        rounded = answer[0] != round(answer[0], 12)
        assert abs(ours - answer[0]) <= (Decimal("0.5e-12") * len(lines) if rounded else 0), case
        compared += 1
    assert compared >= ANSWERED, f"only {compared} of {USAGES} usages have an answer in both"


def test_what_has_no_cost_here_is_what_the_library_leaves_out(seed: PriceBook) -> None:
    asked = cases(random.Random(7))
    found = price(views(*(view(**case) for case in asked)), seed).to_pylist()
    for line in found:
        answer = theirs(asked[line["row"]])
        if line["status"] == "unpriced" and answer is not None:
            keys = {key for key in GENAI_UNITS if GENAI_UNITS[key] == line["unit"]}
            priced = {key.removesuffix("_mtok").removesuffix("_kcount") + "_tokens" for key in answer[1]}
            assert not keys & priced, line


def test_every_name_in_the_library_means_the_same_offer_here(seed: PriceBook) -> None:
    everyone = list(providers)
    for provider in everyone:
        for name in dict.fromkeys(name for owner, name in NAMES if owner == provider.id):
            theirs = provider.find_model(name, all_providers=everyone)
            ours = seed.matcher.find(provider.id, name, None).offer
            assert (ours and ours.model) == (theirs and theirs.id), (provider.id, name)


def test_provider_names_mean_the_same_except_where_our_table_says_otherwise(seed: PriceBook) -> None:
    names = ["openai", "amazon bedrock", "google-vertex", "together-ai", "cohere_chat", "cloudflare-workers-ai", "meta"]
    for name in [provider.id for provider in providers] + names:
        by_us = seed.matcher.provider(name)
        ours_alone = name in PROVIDER_ALIASES or any(part in name for part, _ in PROVIDER_PARTS)
        if by_us is not None and not ours_alone:
            assert by_us.id == get_snapshot().find_provider(None, name, None).id


def test_the_seed_is_what_compiling_the_library_gives() -> None:
    """If this fails after an update of genai-prices: run `python -m ledger.books.compile ledger/books/seed.parquet`."""
    from ledger.books.compile import compile_book

    seed, fresh = (pa.parquet.read_table(pa.BufferReader(body)) for body in (seed_body(), compile_book()))
    assert seed.schema.equals(fresh.schema, check_metadata=True)
    assert seed.equals(fresh)


def test_the_seeds_bytes_are_those_of_a_fresh_compile_with_the_same_pyarrow() -> None:
    from ledger.books.compile import compile_book

    fresh = compile_book()
    assert fresh == compile_book()
    writers = [pa.parquet.ParquetFile(pa.BufferReader(body)).metadata.created_by for body in (seed_body(), fresh)]
    if writers[0] != writers[1]:
        pytest.skip(f"the seed was written by {writers[0]}, this is {writers[1]}")
    assert fresh == seed_body()


def test_the_report_of_a_compile_lists_every_rounded_and_every_idle_price(seed: PriceBook) -> None:
    from ledger.books.compile import compile_records, report

    text = report(compile_records())
    assert text.startswith("47 provider records\n2330 model records\n8302 price records\n")
    assert [row["price_id"] for row in seed.rows.to_pylist() if row["note"] and row["price_id"] not in text] == []
    assert "127 prices of unit storage_searches: kept" in text
    assert "prices for search_type=fast: kept" in text


def test_every_rounded_price_is_listed_with_its_figure_before(seed: PriceBook) -> None:
    noted = [row for row in seed.rows.to_pylist() if row["note"]]
    assert len(noted) == 28
    for row in noted:
        before = Decimal(row["note"].removeprefix("rounded from "))
        assert 0 < abs(before - row["price_usd"]) <= Decimal("0.5e-12")
