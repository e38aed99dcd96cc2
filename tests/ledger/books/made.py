"""Prices as a person reads them off a price list, and books and views small enough to check by hand."""

from decimal import Decimal
from json import dumps
from typing import Any

import pyarrow as pa

from ledger.books.book import PriceBook
from ledger.books.charge import VIEWS, price
from ledger.books.format import encode

NOVEMBER_2026_NS = 1_795_000_000 * 10**9

Line = dict[str, Any]


def mtok(usd: str, tokens: int) -> Decimal:
    """What `tokens` cost at `usd` a million."""
    return Decimal(usd) * tokens / 1_000_000


def view(**given: Any) -> dict[str, Any]:
    """A chat of November 2026 with reported usage, but for what is `given`."""
    return {"operation": "chat", "start_ns": NOVEMBER_2026_NS, "usage_status": "reported", **given}


def views(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{"row": number, **row} for number, row in enumerate(rows)], schema=VIEWS)


def lines(book: PriceBook, **given: Any) -> list[Line]:
    """The lines of one view."""
    return price(views(view(**given)), book).to_pylist()


def total(found: list[Line]) -> Decimal | None:
    """The sum as SQL would give it: NULLs are left out, nothing but NULLs is NULL."""
    costs = [line["cost_usd"] for line in found if line["cost_usd"] is not None]
    return sum(costs, Decimal(0)) if costs else None


def quantities(found: list[Line]) -> dict[str, int | None]:
    return {line["unit"]: None if line["quantity"] is None else int(line["quantity"]) for line in found}


def offer(provider: str, model: str, clause: dict[str, Any], **prices: str) -> list[dict[str, Any]]:
    """Records of a model with a price a million (or a piece, for units that do not end in _tokens) by unit."""
    records = [{"record": "model", "provider": provider, "model": model, "clause": _json(clause)}]
    return records + [price_record(provider, model, unit, usd) for unit, usd in prices.items()]


def provider_record(name: str, named: Any = None, makes: Any = None, fallback: tuple[str, ...] = ()) -> dict[str, Any]:
    clause = _json({"provider": named, "model": makes, "fallback": list(fallback)})
    return {"record": "provider", "provider": name, "clause": clause}


def price_record(provider: str, model: str, unit: str, usd: str, **changes: Any) -> dict[str, Any]:
    return {
        "record": "price",
        "provider": provider,
        "model": model,
        "price_id": f"{provider}/{model}/{unit}{sorted(changes.items()) or ''}",
        "context": "",
        "tod_from_s": 0,
        "tod_to_s": 86_400,
        "unit": unit,
        "tier_from": 0,
        "tier_rule": "whole",
        "price_usd": Decimal(usd),
        "per": 1_000_000 if unit.endswith("_tokens") else 1,
        **changes,
    }


def _json(value: Any) -> str:
    return dumps(value)


def make_book(*records: dict[str, Any]) -> PriceBook:
    return PriceBook.parse(encode(records, "test", "1"))
