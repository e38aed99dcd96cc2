"""Why the two sides of a comparison may differ: each cause a function, the likeliest first."""

from collections.abc import Callable, Iterator

from ledger.books.reconciled import Compared
from queries.reconcile.sides import Here, There
from queries.wire import decimal_text

Cause = Callable[[Compared, Here, There], str | None]


def outside(found: Compared, _here: Here, there: There) -> str | None:
    if found.ledger_calls or not (there.requests or there.input_tokens or there.output_tokens or there.cost_usd):
        return None
    return "no call of it is in the ledger: it was used outside, perhaps with a key of somebody's own"


def missing(_found: Compared, here: Here, there: There) -> str | None:
    if not here.calls:
        return None
    if there.requests is not None:
        more = there.requests - here.calls
        return f"{_calls(more)} not in the ledger" if more > 0 else None
    tokens = max((there.input_tokens or 0) - (here.input_tokens or 0), 0)
    tokens += max((there.output_tokens or 0) - (here.output_tokens or 0), 0)
    if not tokens or there.input_tokens is None or here.without_usage:
        return None
    return f"calls with {tokens:,} tokens not in the ledger"


def without_usage(_found: Compared, here: Here, _there: There) -> str | None:
    return f"{_calls(here.without_usage)} here without usage" if here.without_usage else None


def unpriced(_found: Compared, here: Here, there: There) -> str | None:
    if not here.unpriced or there.cost_usd is None:
        return None
    return f"{_calls(here.unpriced)} here without a known price: `spanledger prices`"


def beyond(_found: Compared, here: Here, there: There) -> str | None:
    more = here.calls - there.requests if there.requests is not None else 0
    tokens = 0 if there.input_tokens is None else (here.input_tokens or 0) - there.input_tokens
    if more <= 0 and tokens <= 0:
        return None
    what = _calls(more) if more > 0 else f"{tokens:,} input tokens"
    return f"{what} more here: answers of a cache or a mock, billed to another account, or of an endpoint in no file"


def near_midnight(_found: Compared, here: Here, there: There) -> str | None:
    same = (here.calls, here.input_tokens) == (there.requests, there.input_tokens)
    if same or not here.near_midnight:
        return None
    return f"{_calls(here.near_midnight)} here ended near midnight: the provider may count them a day apart"


def prices(found: Compared, here: Here, there: There) -> str | None:
    tokens = (here.input_tokens, here.output_tokens) == (there.input_tokens, there.output_tokens)
    if not tokens or here.unpriced or not found.difference_usd:
        return None
    return "the same tokens at other prices: `spanledger prices show`, and an override for an agreement"


def of_no_model(found: Compared, _here: Here, there: There) -> str | None:
    if found.model is not None or not there.of_no_model:
        return None
    items = sorted(there.of_no_model.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    return "billed for no model: " + ", ".join(f"{item[:80]} {decimal_text(cost)} USD" for item, cost in items)


CAUSES: tuple[Cause, ...] = (
    outside,
    missing,
    without_usage,
    unpriced,
    beyond,
    near_midnight,
    of_no_model,
    prices,
)


def causes(found: Compared, here: Here, there: There) -> Iterator[str]:
    """Those that there are signs of."""
    for cause in CAUSES:
        if (told := cause(found, here, there)) is not None:
            yield told


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"
