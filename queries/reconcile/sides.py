"""What each of two sides says of one model on one day, or of all models: the ledger, and the provider."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from ledger.books.statements.statement import Line

T = TypeVar("T", int, Decimal)


@dataclass
class Here:
    """What the ledger has of one model on one day, or of all."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    unpriced: int = 0
    without_usage: int = 0
    near_midnight: int = 0

    def add(self, other: "Here") -> None:
        for name in ("calls", "unpriced", "without_usage", "near_midnight"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("input_tokens", "output_tokens", "cost_usd"):
            setattr(self, name, added(getattr(self, name), getattr(other, name)))


@dataclass
class There:
    """The same as the provider has it."""

    requests: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    of_no_model: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Cost by item, where the item is no model's."""

    def state(self, names: Iterable[str]) -> None:
        """What is named and not known is 0: the provider says it of everything, and nothing of this."""
        for name in names:
            if getattr(self, name) is None:
                setattr(self, name, Decimal(0) if name == "cost_usd" else 0)

    def add(self, line: Line) -> None:
        for name in ("requests", "input_tokens", "output_tokens", "cost_usd"):
            setattr(self, name, added(getattr(self, name), getattr(line, name)))
        if line.model is None and line.item and line.cost_usd:
            self.of_no_model[line.item] += line.cost_usd


def added(one: T | None, other: T | None) -> T | None:
    """The sum of what is known."""
    return one if other is None else other if one is None else one + other
