"""The outcome of a comparison with what a provider says, as the body of an event: what was found stays found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ledger.books.body import canonical, object_of
from ledger.errors import Refused
from ledger.money import from_pico, to_pico

ROWS_MAX = 10_000
STATEMENTS_MAX = 1_000
BODY_BYTES_MAX = 16 << 20
TEXT_CHARS_MAX = 500
COUNT_MAX = 2**63 - 1


@dataclass(frozen=True)
class Compared:
    """One model, or where `model` is None all that a provider bills, on one day UTC: here and there. What one of the
    two does not say is None."""

    provider: str
    day: str
    model: str | None
    ledger_calls: int
    provider_requests: int | None
    ledger_input_tokens: int | None
    provider_input_tokens: int | None
    ledger_output_tokens: int | None
    provider_output_tokens: int | None
    ledger_cost_usd: Decimal | None
    provider_cost_usd: Decimal | None
    agrees: bool
    causes: tuple[str, ...] = ()
    """Why they may differ, the likeliest first."""

    @property
    def difference_usd(self) -> Decimal | None:
        """What the provider bills beyond the ledger; None where one of the two is not known."""
        if self.ledger_cost_usd is None or self.provider_cost_usd is None:
            return None
        return self.provider_cost_usd - self.ledger_cost_usd


@dataclass(frozen=True)
class Reconciliation:
    """`as_of_seq`: the last event that the figures here know of. `statements`: SHA-256, hex -> name of the file."""

    as_of_seq: int
    tolerance_usd: Decimal
    statements: Mapping[str, str]
    rows: tuple[Compared, ...]


def body_of(found: Reconciliation) -> bytes:
    """Body of a `reconciliation.recorded` event: canonical JSON, money as text. Raises Refused beyond its bounds."""
    rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(Compared)} for row in found.rows]
    said = {
        "as_of_seq": found.as_of_seq,
        "tolerance_usd": _plain(found.tolerance_usd),
        "statements": dict(found.statements),
        "rows": rows,
    }
    body = canonical(said)
    read_reconciliation(body)
    return body


def read_reconciliation(body: bytes) -> Reconciliation:
    """What a `reconciliation.recorded` event says. Raises Refused."""
    names = {field.name for field in fields(Reconciliation)}
    said = object_of(body, "reconciliation", names, BODY_BYTES_MAX)
    rows, statements = said["rows"], said["statements"]
    _refuse("rows", rows, isinstance(rows, list) and len(rows) <= ROWS_MAX)
    texts = isinstance(statements, dict) and all(_is_text(each) for pair in statements.items() for each in pair)
    _refuse("statements", statements, texts and len(statements) <= STATEMENTS_MAX)
    _refuse("as_of_seq", said["as_of_seq"], type(said["as_of_seq"]) is int and -1 <= said["as_of_seq"] <= COUNT_MAX)
    tolerance = _usd("tolerance_usd", said["tolerance_usd"])
    if tolerance is None:
        raise Refused("reconciliation: tolerance_usd is missing")
    return Reconciliation(said["as_of_seq"], tolerance, statements, tuple(_compared(row) for row in rows))


def _compared(row: Any) -> Compared:
    names = {field.name for field in fields(Compared)}
    if not isinstance(row, dict) or row.keys() != names:
        raise Refused(f"reconciliation: a row with {', '.join(sorted(names))} expected")
    counts = {name: _count(name, row[name]) for name in names if name.endswith(("_tokens", "_calls", "_requests"))}
    money = {name: _usd(name, row[name]) for name in names if name.endswith("_usd")}
    _refuse("ledger_calls", row["ledger_calls"], row["ledger_calls"] is not None)
    _refuse("provider", row["provider"], _is_text(row["provider"]))
    _refuse("model", row["model"], row["model"] is None or _is_text(row["model"]))
    _refuse("agrees", row["agrees"], isinstance(row["agrees"], bool))
    causes = row["causes"]
    _refuse("causes", causes, isinstance(causes, list) and len(causes) <= 20 and all(map(_is_text, causes)))
    rest = {name: row[name] for name in ("provider", "model", "agrees")}
    return Compared(**rest, **counts, **money, day=_day(row["day"]), causes=tuple(causes))  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _is_text(found: Any) -> bool:
    return isinstance(found, str) and 0 < len(found) <= TEXT_CHARS_MAX


def _count(name: str, found: Any) -> int | None:
    _refuse(name, found, found is None or (type(found) is int and -COUNT_MAX <= found <= COUNT_MAX))
    return found if found is None else int(found)


def _usd(name: str, found: Any) -> Decimal | None:
    if found is None:
        return None
    try:
        value = Decimal(found) if isinstance(found, str) and len(found) <= 64 else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value) > Decimal(10) ** 24:
        raise Refused(f"reconciliation: {name} {str(found)[:50]!r} is no amount of money")
    return from_pico(to_pico(value))


def _day(found: Any) -> str:
    try:
        return date.fromisoformat(found).isoformat()
    except (TypeError, ValueError) as error:
        raise Refused(f"reconciliation: day {str(found)[:50]!r} is none") from error


def _refuse(name: str, value: Any, sound: bool) -> None:
    if not sound:
        raise Refused(f"reconciliation: {name} {str(value)[:50]!r} is none")
