"""Charge lines a second that the pricing step makes of views already decoded, on one core.

Shapes: `usual`, calls of twenty models, half with cache reads; `reported`, the same with a gateway's figure each;
`names`, every call with a model name of its own that no clause knows; `strangers`, the worst case for matching, that
and an unknown provider; `hostile`, one count in a hundred so large that 64 bits do not hold the cost.

    python -m bench.pricing [--calls 200000] [--rounds 5] [--shape usual ...]
"""

import argparse
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa

from bench.facts import header, spread
from ledger.books.book import PriceBook, seed_body
from ledger.books.charge import VIEWS, price
from ledger.schema import MONEY

START_NS = 1_795_000_000 * 10**9
MODELS = (
    *(("openai", name) for name in ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "o3")),
    *(
        ("anthropic", name)
        for name in ("claude-sonnet-4-5", "claude-opus-4-1", "claude-haiku-4-5", "claude-3-5-sonnet")
    ),
    *(("gcp.gemini", name) for name in ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite")),
    *(("mistral_ai", name) for name in ("mistral-large-latest", "mistral-small-latest")),
    *(("azure.ai.openai", name) for name in ("gpt-4o", "gpt-4o-mini")),
    ("deepseek", "deepseek-chat"),
    ("x_ai", "grok-4"),
)

Columns = dict[str, pa.Array]


def usual(calls: int) -> Columns:
    rng = np.random.default_rng(1)
    which = pa.array(rng.integers(0, len(MODELS), calls))
    fresh, read = rng.integers(1, 4_000, calls), rng.integers(0, 2, calls) * rng.integers(0, 20_000, calls)
    return {
        "row": pa.array(np.arange(calls)),
        "operation": pa.repeat("chat", calls),
        "provider": pa.array([provider for provider, _ in MODELS]).take(which),
        "request_model": pa.array([model for _, model in MODELS]).take(which),
        "start_ns": pa.array(START_NS + rng.integers(0, 86_400 * 10**9, calls)),
        "input_tokens": pa.array(fresh + read),
        "cache_read_tokens": pa.array(read),
        "output_tokens": pa.array(rng.integers(1, 2_000, calls)),
        "usage_status": pa.repeat("reported", calls),
    }


def reported(calls: int) -> Columns:
    figure = pa.repeat(pa.scalar(Decimal("0.012345"), MONEY), calls)
    return {**usual(calls), "reported_cost_usd": figure, "reported_source": pa.repeat("litellm.cost.total", calls)}


def names(calls: int) -> Columns:
    return {**usual(calls), "request_model": pa.array([f"model-of-call-{number}" for number in range(calls)])}


def strangers(calls: int) -> Columns:
    return {**names(calls), "provider": pa.repeat("acme", calls)}


def hostile(calls: int) -> Columns:
    columns = usual(calls)
    counts = columns["output_tokens"].to_numpy().copy()
    counts[::100] = 10**14 - 1
    return {**columns, "output_tokens": pa.array(counts)}


SHAPES: Mapping[str, Callable[[int], Columns]] = {
    "usual": usual,
    "reported": reported,
    "names": names,
    "strangers": strangers,
    "hostile": hostile,
}


def views(columns: Columns, calls: int) -> pa.Table:
    return pa.table([columns.get(field.name, pa.nulls(calls, field.type)) for field in VIEWS], schema=VIEWS)


def measure(table: pa.Table, rounds: int) -> tuple[int, list[float]]:
    """Lines made, and lines per second of processor time by round. Each round starts with an empty memory of names."""
    rates = []
    for _ in range(rounds):
        book = PriceBook.parse(seed_body())
        start = time.process_time()
        lines = len(price(table, book))
        rates.append(lines / (time.process_time() - start))
    return lines, rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=list(SHAPES))
    options = parser.parse_args()
    print(header())
    for shape in options.shape:
        table = views(SHAPES[shape](options.calls), options.calls)
        lines, rates = measure(table, options.rounds)
        print(f"{shape:10} {lines:>9,} lines {spread(rates)} lines/s of processor time")


if __name__ == "__main__":
    main()
