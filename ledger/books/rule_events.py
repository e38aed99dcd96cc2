"""Events of one's own prices: their bodies, written and read strictly."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from ledger.books.body import canonical, object_of
from ledger.books.match import NAME_CHARS_MAX
from ledger.books.override import PRICED_UNITS, RULES_MAX, Rule, plain
from ledger.books.rates import PRICE_PICO_MAX
from ledger.books.tiers import TIER_RULES, TIERS_MAX, WHOLE, Tier
from ledger.books.units import QUANTITY_MAX, TOOL_UNITS
from ledger.errors import Refused
from ledger.money import DECIMALS, to_pico

BODY_BYTES_MAX = 4 << 20
TEXT_CHARS_MAX = 500
"""Of a reason or an author's name."""
FACTOR_MAX = 1_000
FACTOR_DECIMALS = 6
"""A factor finer than a millionth is a mistake, and coarser ones keep exact products in int64."""
PER_MAX = 10**9
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIMES_NS = range(-(2**63) + 1, 2**63)


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
    money = {name: plain(value) for name in ("multiply", "price_usd") if (value := getattr(rule, name)) is not None}
    texts = {
        name: getattr(rule, name) for name in ("provider", "model", "tool", "unit", "tier_rule", "reason", "author")
    }
    times = {name: getattr(rule, name) for name in ("valid_from_ns", "valid_to_ns")}
    known = {name: value for name, value in (texts | times).items() if value is not None}
    tiers = {"tiers": tiers_said(rule.tiers)} if rule.tiers else {}
    return {"id": rule.override_id, **known, **money, **tiers, **({"per": rule.per} if rule.is_fixed else {})}


def tiers_said(tiers: Iterable[Tier]) -> list[dict[str, Any]]:
    """Tiers as an event says them."""
    return [{"from": tier.start, "price_usd": plain(tier.price_usd)} for tier in tiers]


_NAMES = frozenset(
    {"id", "provider", "model", "tool", "unit", "multiply", "price_usd", "tiers", "tier_rule", "per"}
    | {"valid_from_ns", "valid_to_ns", "reason", "author"}
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
        tiers=_tiers(said, where),
        tier_rule=_tier_rule(said, where),
    )
    _refuse_contradiction(rule, where, "per" in said)
    return rule


def _refuse_contradiction(rule: Rule, where: str, has_per: bool) -> None:
    if [rule.multiply is None, rule.price_usd is None, not rule.tiers].count(False) != 1:
        raise Refused(f"{where}: give one of `multiply`, `price_usd` and `tiers`")
    if has_per != rule.is_fixed:
        raise Refused(f"{where}: prices are of `per` units: give `per` with `price_usd` or `tiers`, else not")
    if rule.is_fixed and rule.unit is None:
        units = PRICED_UNITS if rule.tool is None else TOOL_UNITS
        raise Refused(f"{where}: a price is of one unit: give `unit`, one of {', '.join(units)}")
    if rule.provider is rule.model is rule.unit is rule.tool is None:
        raise Refused(f"{where}: give at least one of provider, model, tool and unit that it is for (model `*` is any)")
    _refuse_half_a_tool(rule, where)
    if rule.multiply is not None:
        _refuse_factor(rule.multiply, where)
    _refuse_half_a_tier(rule, where)
    for step in rule.steps:
        if step.price_usd is not None and to_pico(step.price_usd) > PRICE_PICO_MAX * rule.per:
            raise Refused(f"{where}: {step.price_usd} USD for {rule.per}: at most 10^6 USD a unit can be booked")
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


def _refuse_half_a_tier(rule: Rule, where: str) -> None:
    if bool(rule.tiers) != (rule.tier_rule is not None):
        raise Refused(f"{where}: give `tiers` and `tier_rule` ({' or '.join(TIER_RULES)}) together, or neither")
    if rule.tool is not None and rule.tier_rule == WHOLE:
        raise Refused(f"{where}: tier rule {WHOLE} goes by the tokens of a request, and a tool has none")


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


def _tier_rule(said: Mapping[str, Any], where: str) -> str | None:
    value = said.get("tier_rule")
    if value is not None and value not in TIER_RULES:
        raise Refused(f"{where}: tier_rule {str(value)[:50]!r}: {' or '.join(TIER_RULES)} expected")
    return value if value is None else str(value)


def _tiers(said: Mapping[str, Any], where: str) -> tuple[Tier, ...]:
    value = said.get("tiers")
    if value is None:
        return ()
    if not isinstance(value, list) or not 2 <= len(value) <= TIERS_MAX:
        raise Refused(f"{where}: tiers: a list of 2 to {TIERS_MAX} expected; one price alone is `price_usd`")
    tiers = tuple(_tier(each, f"{where}: tier {number}") for number, each in enumerate(value, 1))
    starts = [tier.start for tier in tiers]
    if starts[0] != 0 or any(one >= two for one, two in pairwise(starts)):
        raise Refused(f"{where}: tiers begin at {', '.join(map(str, starts))}: the first at 0, and rising, expected")
    return tiers


def _tier(said: Any, where: str) -> Tier:
    if not isinstance(said, Mapping) or set(said) != {"from", "price_usd"}:
        raise Refused(f"{where}: an object with `from` and `price_usd` expected")
    start, usd = _whole(said, "from", where, range(QUANTITY_MAX + 1)), _money(said, "price_usd", where)
    if start is None or usd is None:
        raise Refused(f"{where}: give `from` and `price_usd`")
    return Tier(start, usd)


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
