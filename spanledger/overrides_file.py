"""Price overrides as a person writes them, in YAML: read strictly, and refused by rule and key.

Money stands in quotes. An unquoted 0.85 is a binary fraction before we see it, so it is refused and never guessed.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ledger.books.override import PRICED_UNITS, Rule
from ledger.books.rule_events import BODY_BYTES_MAX, rule_of
from ledger.errors import Refused

KEYS = (
    *("id", "match", "multiply", "price_usd", "tiers", "tier_rule", "per", "valid_from", "valid_to"),
    *("reason", "author"),
)
MATCH = ("provider", "model", "tool", "unit")
MONEY = ("multiply", "price_usd")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_overrides(path: Path, author: str) -> list[Rule]:
    """The rules under `overrides` in the file at `path`. `author`: of rules that name none. Raises Refused."""
    import yaml  # only here: 20 ms of start-up

    if path.stat().st_size > BODY_BYTES_MAX:
        raise Refused(f"{path}: {path.stat().st_size} bytes, at most {BODY_BYTES_MAX} are read")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused(f"{path}: not YAML: {error}") from error
    return rules(tree, str(path), author)


def rules(tree: Any, where: str, author: str) -> list[Rule]:
    """Rules of what YAML gave."""
    if not isinstance(tree, Mapping) or list(tree) != ["overrides"] or not isinstance(tree["overrides"], list):
        raise Refused(f"{where}: one key expected, `overrides`, with a list of rules")
    if not tree["overrides"]:
        raise Refused(
            f"{where}: the list of overrides is empty; to end rules: `spanledger prices override --remove ID`"
        )
    return [_rule(one, f"{where}: override {number}", author) for number, one in enumerate(tree["overrides"], 1)]


def _rule(one: Any, where: str, author: str) -> Rule:
    if not isinstance(one, Mapping):
        raise Refused(f"{where}: {str(one)[:50]!r}: keys {', '.join(KEYS)} expected")
    where = f"{where} ({one['id']})" if isinstance(one.get("id"), str) else where
    match = one.get("match") or {}
    _refuse_unknown(one, KEYS, where)
    if not isinstance(match, Mapping):
        raise Refused(f"{where}: match: keys {', '.join(MATCH)} expected")
    _refuse_unknown(match, MATCH, f"{where}: match")
    said: dict[str, Any] = {"id": one.get("id"), "author": author, **match}
    said |= {name: one[name] for name in ("tier_rule", "reason", "author") if name in one}
    said |= {name: _money(one[name], f"{where}: {name}") for name in MONEY if name in one}
    said |= {
        f"{name}_ns": _time_ns(one[name], f"{where}: {name}") for name in ("valid_from", "valid_to") if name in one
    }
    if "tiers" in one:
        said["tiers"] = _tiers(one["tiers"], f"{where}: tiers")
    if "price_usd" in one or "tiers" in one:
        said["per"] = one.get("per", _usual_per(match.get("unit")))
    elif "per" in one:
        said["per"] = one["per"]
    try:
        return rule_of(said)
    except Refused as error:
        raise Refused(f"{where}: {error}") from error


def _refuse_unknown(given: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise Refused(f"{where}: {', '.join(unknown)} is not known: {', '.join(known)} are")


def _tiers(value: Any, where: str) -> Any:
    """Tiers as an event says them. What else is wrong with them is told by what reads events."""
    if not isinstance(value, list):
        return value
    return [_tier(each, f"{where}: tier {number}") for number, each in enumerate(value, 1)]


def _tier(value: Any, where: str) -> Any:
    if not isinstance(value, Mapping) or "price_usd" not in value:
        return value
    return {**value, "price_usd": _money(value["price_usd"], where)}


def _usual_per(unit: object) -> int:
    """Prices of tokens are of a million, as on the price lists; others of one."""
    return 10**6 if unit in PRICED_UNITS and str(unit).endswith("_tokens") else 1


def _money(value: Any, where: str) -> str:
    if isinstance(value, float):
        raise Refused(f'{where}: {value} is not in quotes, so it is a binary fraction: write "{value}"')
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refused(f'{where}: {str(value)[:50]!r}: a decimal number in quotes expected, e.g. "0.85"')
    return str(value)


def _time_ns(value: Any, where: str) -> int | None:
    """A date (its first instant, UTC) or a time; one without a zone is UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise Refused(f"{where}: {value[:50]!r}: a date or an RFC 3339 time expected") from error
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(0))
    if not isinstance(value, dt.datetime):
        raise Refused(f"{where}: {str(value)[:50]!r}: a date or an RFC 3339 time expected")
    moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 1_000
