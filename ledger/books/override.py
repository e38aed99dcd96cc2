"""Prices of one's own: rules that set another price than the book's, or multiply it, or say what a tool costs, and
the set of them in force.

A rule comes and goes by events. Each line of charge keeps the cost at the book's price beside the one that is booked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ledger.books.tiers import GRADUATED, NO_END, WHOLE, Tier
from ledger.books.units import PARTS, REPORTED, TOOL_UNITS, UNITS, UNKNOWN
from ledger.errors import Refused

RULES_MAX = 1_000
"""Rules in force at once: each is tried on every distinct set of names."""
PRICED_UNITS = tuple(unit.name for unit in UNITS if unit.name not in (REPORTED, UNKNOWN, *TOOL_UNITS))
"""Units of models that a rule may name: those that lines are booked by and that have prices. Of tools TOOL_UNITS."""


@dataclass(frozen=True)
class Rule:
    """Which lines of which calls, and what they cost instead. One of `multiply`, `price_usd` and `tiers` is given;
    prices are of `per` units."""

    override_id: str
    provider: str | None
    """Of the call, by any name that telemetry has for it."""
    model: str | None
    """Lower case; `*` stands for any characters."""
    unit: str | None
    multiply: Decimal | None
    price_usd: Decimal | None
    per: int
    valid_from_ns: int | None
    """Calls that start then or later; NULL: all before valid_to."""
    valid_to_ns: int | None
    reason: str
    author: str
    tool: str | None = None
    """Of a rule that says what a tool costs: its name in lower case, `*` for any characters."""
    tiers: tuple[Tier, ...] = ()
    """From 0 on, rising: prices that go by size, as `tier_rule` (tiers.TIER_RULES) says."""
    tier_rule: str | None = None
    tier_from: int = 0
    tier_to: int = NO_END
    """Of one of `steps`: where it begins and ends."""

    @property
    def is_fixed(self) -> bool:
        """Whether it prices what the book has no price for."""
        return self.multiply is None

    @property
    def steps(self) -> tuple["Rule", ...]:
        """A rule a tier, each with its price; without tiers the rule itself."""
        ends = [*(tier.start for tier in self.tiers[1:]), NO_END]
        return tuple(
            replace(self, price_usd=tier.price_usd, tiers=(), tier_from=tier.start, tier_to=end)
            for tier, end in zip(self.tiers, ends, strict=False)
        ) or (self,)

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """The more a rule says of what it is for, the higher: the full name of a model or tool, part of one, a unit, a
        provider."""
        named = self.model if self.tool is None else self.tool
        exact = named is not None and "*" not in named
        return exact, named is not None, self.unit is not None, self.provider is not None

    @property
    def per_parts(self) -> int:
        """Of how many parts (units.PARTS) `price_usd` is."""
        return self.per * PARTS.get(self.unit or "", 1)

    def matches_model(self, name: str) -> bool:
        """Whether it is for the model called `name`, in lower case."""
        return self.tool is None and (self.model is None or _is_like(name, self.model))

    def matches_tool(self, name: str) -> bool:
        """Whether it is for the tool called `name`, in lower case."""
        return self.tool is not None and _is_like(name, self.tool)

    @property
    def whole_end(self) -> int:
        """Of a step: the first `input_tokens` of a request that it is not for."""
        return self.tier_to if self.tier_rule == WHOLE else NO_END

    @property
    def graduated_end(self) -> int:
        """Of a step: the first part (units.PARTS) of a line's quantity that it is not for."""
        ends = self.tier_rule == GRADUATED and self.tier_to != NO_END
        return min(self.tier_to * PARTS.get(self.unit or "", 1), NO_END) if ends else NO_END

    @property
    def text(self) -> str:
        """What it, or a step of it, does, for the reason of a line."""
        if self.multiply is not None:
            return f"override {self.override_id}: {plain(self.multiply)} times the list price"
        assert self.price_usd is not None
        of = {WHOLE: f" where tokens in are {self._span}", GRADUATED: f" of the part {self._span}"}
        told = of.get(self.tier_rule or "", "")
        return f"override {self.override_id}: {plain(self.price_usd)} USD for {self.per}{told}"

    @property
    def _span(self) -> str:
        return f"from {self.tier_from}" + ("" if self.tier_to == NO_END else f" to below {self.tier_to}")


def _is_like(name: str, pattern: str) -> bool:
    parts = pattern.split("*")
    return name == pattern or (len(parts) > 1 and _has_in_order(name, parts))


def _has_in_order(name: str, parts: Sequence[str]) -> bool:
    """Whether `name` is `parts` in order with anything between them. One way through it: many `*` cost no more."""
    first, *between, last = parts
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in between:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def plain(value: Decimal) -> str:
    """Without an exponent, and without zeros at the end."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@dataclass(frozen=True)
class Overrides:
    """The rules in force, in the order in which they were set. Of several that match a line the one of the highest rank
    holds, of equals the one set last."""

    rules: tuple[Rule, ...] = ()
    ranked: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    """Steps of the rules, from the one that gives way to all others. Those of one rule stand together, rising."""

    def __post_init__(self) -> None:
        rules = sorted(self.rules, key=lambda rule: rule.rank)
        object.__setattr__(self, "ranked", tuple(step for rule in rules for step in rule.steps))

    def with_rules(self, rules: Iterable[Rule]) -> "Overrides":
        """These, and `rules` in place of those of the same ids. Raises Refused past RULES_MAX."""
        standing = {rule.override_id: rule for rule in self.rules}
        for rule in rules:
            standing.pop(rule.override_id, None)
            standing[rule.override_id] = rule
        if len(standing) > RULES_MAX:
            raise Refused(f"price overrides: {len(standing)} rules would be in force, at most {RULES_MAX} may be")
        return Overrides(tuple(standing.values()))

    def without(self, override_ids: Iterable[str]) -> "Overrides":
        """These, but for the rules of these ids."""
        gone = set(override_ids)
        return Overrides(tuple(rule for rule in self.rules if rule.override_id not in gone))


NONE = Overrides()
