"""Prices of one's own: rules that set another price than the book's, or multiply it, or say what a tool costs, and
the set of them in force.

A rule comes and goes by events. Each line of charge keeps the cost at the book's price beside the one that is booked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from ledger.books.body import canonical, object_of
from ledger.books.match import NAME_CHARS_MAX
from ledger.books.rates import PRICE_PICO_MAX
from ledger.books.units import PARTS, REPORTED, TOOL_UNITS, UNITS, UNKNOWN
from ledger.errors import Refused
from ledger.money import DECIMALS, to_pico

RULES_MAX = 1_000
"""Rules in force at once: each is tried on every distinct set of names."""
BODY_BYTES_MAX = 4 << 20
TEXT_CHARS_MAX = 500
"""Of a reason or an author's name."""
FACTOR_MAX = 1_000
FACTOR_DECIMALS = 6
"""A factor finer than a millionth is a mistake, and coarser ones keep exact products in int64."""
PER_MAX = 10**9
PRICED_UNITS = tuple(unit.name for unit in UNITS if unit.name not in (REPORTED, UNKNOWN, *TOOL_UNITS))
"""Units of models that a rule may name: those that lines are booked by and that have prices. Of tools TOOL_UNITS."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIMES_NS = range(-(2**63) + 1, 2**63)


@dataclass(frozen=True)
class Rule:
    """Which lines of which calls, and what they cost instead. `multiply` or `price_usd` (of `per` units) is given."""

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

    @property
    def is_fixed(self) -> bool:
        """Whether it prices what the book has no price for."""
        return self.price_usd is not None

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
    def text(self) -> str:
        """What it does, for the reason of a line."""
        if self.multiply is not None:
            return f"override {self.override_id}: {_plain(self.multiply)} times the list price"
        assert self.price_usd is not None
        return f"override {self.override_id}: {_plain(self.price_usd)} USD for {self.per}"


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


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@dataclass(frozen=True)
class Overrides:
    """The rules in force, in the order in which they were set. Of several that match a line the one of the highest rank
    holds, of equals the one set last."""

    rules: tuple[Rule, ...] = ()
    ranked: tuple[Rule, ...] = field(init=False, repr=False, compare=False)
    """From the one that gives way to all others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranked", tuple(sorted(self.rules, key=lambda rule: rule.rank)))

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


@dataclass(frozen=True)
class Removal:
    """Rules that end, who says so and why."""

    override_ids: tuple[str, ...]
    reason: str
    author: str


def set_body(rules: Iterable[Rule]) -> bytes:
    """Body of a `price_override.set` event."""
    return canonical({"rules": [_said(rule) for rule in rules]})


def removal_body(removal: Removal) -> bytes:
    """Body of a `price_override.removed` event."""
    return canonical({"ids": list(removal.override_ids), "reason": removal.reason, "author": removal.author})


def read_set(body: bytes) -> tuple[Rule, ...]:
    """Rules of a `price_override.set` event, each with an id of its own. Raises Refused."""
    said = _read(body, {"rules"})["rules"]
    if not isinstance(said, list) or not said:
        raise Refused("price overrides: `rules` must be a list of one or more")
    rules = tuple(rule_of(each) for each in said)
    ids = [rule.override_id for rule in rules]
    twice = next((each for each in ids if ids.count(each) > 1), None) if len(ids) <= RULES_MAX else "more than allowed"
    if twice:
        raise Refused(f"price override {twice}: stands several times: give each its own id")
    return rules


def read_removal(body: bytes) -> Removal:
    """What a `price_override.removed` event says. Raises Refused."""
    said = _read(body, {"ids", "reason", "author"})
    ids = said["ids"]
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise Refused("price overrides: `ids` must be a list of one or more ids")
    return Removal(tuple(ids), _text(said, "reason", "price overrides"), _text(said, "author", "price overrides"))


def _read(body: bytes, names: set[str]) -> dict[str, Any]:
    return object_of(body, "price overrides", names, BODY_BYTES_MAX)


def _said(rule: Rule) -> dict[str, Any]:
    money = {name: _plain(value) for name in ("multiply", "price_usd") if (value := getattr(rule, name)) is not None}
    texts = {name: getattr(rule, name) for name in ("provider", "model", "tool", "unit", "reason", "author")}
    times = {name: getattr(rule, name) for name in ("valid_from_ns", "valid_to_ns")}
    known = {name: value for name, value in (texts | times).items() if value is not None}
    return {"id": rule.override_id, **known, **money, **({"per": rule.per} if rule.is_fixed else {})}


_NAMES = frozenset(
    {"id", "provider", "model", "tool", "unit", "multiply", "price_usd", "per", "valid_from_ns", "valid_to_ns"}
    | {"reason", "author"}
)


def rule_of(said: Any) -> Rule:
    """A rule as an event says it: texts, decimals as text, times in ns since 1970 UTC. Raises Refused naming it."""
    if not isinstance(said, Mapping) or not isinstance(said.get("id"), str) or not _ID.fullmatch(said["id"]):
        raise Refused("price override: an object with an `id` of up to 64 letters, digits, `.`, `_` and `-` expected")
    where = f"price override {said['id']}"
    if unknown := sorted(str(name) for name in said if name not in _NAMES):
        raise Refused(f"{where}: {', '.join(unknown)} is not known: {', '.join(sorted(_NAMES))} are")
    rule = Rule(
        override_id=said["id"],
        provider=_name(said, "provider", where),
        model=_name(said, "model", where),
        tool=_name(said, "tool", where),
        unit=_unit(said, where),
        multiply=_money(said, "multiply", where),
        price_usd=_money(said, "price_usd", where),
        per=_whole(said, "per", where, range(1, PER_MAX + 1)) or 1,
        valid_from_ns=_whole(said, "valid_from_ns", where, _TIMES_NS),
        valid_to_ns=_whole(said, "valid_to_ns", where, _TIMES_NS),
        reason=_text(said, "reason", where),
        author=_text(said, "author", where),
    )
    _refuse_contradiction(rule, where, "per" in said)
    return rule


def _refuse_contradiction(rule: Rule, where: str, has_per: bool) -> None:
    if (rule.multiply is None) == (rule.price_usd is None):
        raise Refused(f"{where}: give either `multiply` or `price_usd`")
    if has_per != rule.is_fixed:
        raise Refused(f"{where}: `price_usd` is of `per` units: give both or none")
    if rule.is_fixed and rule.unit is None:
        units = PRICED_UNITS if rule.tool is None else TOOL_UNITS
        raise Refused(f"{where}: a price is of one unit: give `unit`, one of {', '.join(units)}")
    if rule.provider is rule.model is rule.unit is rule.tool is None:
        raise Refused(f"{where}: give at least one of provider, model, tool and unit that it is for (model `*` is any)")
    _refuse_half_a_tool(rule, where)
    if rule.multiply is not None:
        _refuse_factor(rule.multiply, where)
    if rule.price_usd is not None and to_pico(rule.price_usd) > PRICE_PICO_MAX * rule.per:
        raise Refused(f"{where}: {rule.price_usd} USD for {rule.per}: at most 10^6 USD a unit can be booked")
    if None not in (rule.valid_from_ns, rule.valid_to_ns) and rule.valid_from_ns >= rule.valid_to_ns:  # type: ignore[operator]
        raise Refused(f"{where}: it ends before it begins")


def _refuse_half_a_tool(rule: Rule, where: str) -> None:
    """A rule is for a tool or for models; no list has a price of a tool that could be multiplied."""
    if rule.tool is not None and not rule.is_fixed:
        raise Refused(f"{where}: no list has a price of a tool to multiply: give `price_usd`")
    if (rule.tool is None) == (rule.unit in TOOL_UNITS):
        units = " or ".join(TOOL_UNITS)
        raise Refused(f"{where}: give `tool` (`*` is any) and unit {units} together, or neither")
    if rule.tool is not None and (rule.provider is not None or rule.model is not None):
        raise Refused(f"{where}: it is for a tool, which has neither provider nor model: give `tool` alone")


def _refuse_factor(factor: Decimal, where: str) -> None:
    if factor > FACTOR_MAX or factor != round(factor, FACTOR_DECIMALS):
        raise Refused(f"{where}: multiply {factor}: 0 to {FACTOR_MAX} with up to {FACTOR_DECIMALS} decimals expected")


def _name(said: Mapping[str, Any], name: str, where: str) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_CHARS_MAX:
        raise Refused(f"{where}: {name} {str(value)[:50]!r}: a name of up to {NAME_CHARS_MAX} characters expected")
    return value.strip().lower()


def _unit(said: Mapping[str, Any], where: str) -> str | None:
    value = said.get("unit")
    known = (*PRICED_UNITS, *TOOL_UNITS)
    if value is not None and value not in known:
        raise Refused(f"{where}: unit {str(value)[:50]!r}: one of {', '.join(known)} expected")
    return value if value is None else str(value)


def _text(said: Mapping[str, Any], name: str, where: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_CHARS_MAX:
        raise Refused(f"{where}: {name}: 1 to {TEXT_CHARS_MAX} characters expected")
    return value


def _money(said: Mapping[str, Any], name: str, where: str) -> Decimal | None:
    value = said.get(name)
    if value is None:
        return None
    try:
        amount = Decimal(value) if isinstance(value, str) and len(value) <= 40 else Decimal("NaN")
        if amount.is_finite() and 0 <= amount < 10**18 and amount == round(amount, DECIMALS):
            return amount
    except InvalidOperation:
        pass
    raise Refused(f'{where}: {name} {str(value)[:50]!r}: a decimal number as text expected, e.g. "0.85"')


def _whole(said: Mapping[str, Any], name: str, where: str, among: range) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if type(value) is not int or value not in among:
        raise Refused(f"{where}: {name} {str(value)[:50]!r}: a whole number from {among[0]} to {among[-1]} expected")
    return value
