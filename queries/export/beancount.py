"""Charges as a journal for beancount 3 (beancount.github.io/docs), which checks it to the last digit.

Every amount has 12 decimals, so what beancount infers as tolerance of a transaction is less than any charge; every
balance says `~ 0`. Balances come from queries of their own, not from the transactions written.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import Any, TextIO

import duckdb

from queries.export.accounts import part
from queries.wire import harmless

VIEWS = (Path(__file__).parent / "beancount.sql").read_text(encoding="utf-8")
ROWS_A_FETCH = 10_000
"""Rows held at a time: a bound on memory."""
TEXT_CHARS_MAX = 200
"""A longer text is cut with an ellipsis in payees, narrations and metadata; accounts are told apart in any case."""
ROUNDING = "Expenses:Rounding"
SAID = {
    "tenant": "tenant",
    "team": "team",
    "environment": "environment",
    "service_name": "service",
    "agent_name": "agent",
    "tool_name": "tool",
}
"""Column -> key of the metadata of a transaction."""
WIDE = Context(prec=60)
"""Sums of DECIMAL(38,12) never reach its precision, so nothing is rounded unasked."""

Row = Mapping[str, Any]
Roundings = Mapping[str | None, list[tuple[dt.date, Decimal]]]


def write(connection: duckdb.DuckDBPyConnection, sink: TextIO, places: int | None = None) -> int:
    """Write `exported` (queries.export.window) to `sink`; gives the number of transactions.

    places: round what a provider is owed for a month, half to even, to so many decimals, and book the difference to
    ROUNDING. None: book what was spent.
    """
    connection.execute(VIEWS)
    roundings = _roundings(connection, places) if places is not None else {}
    sink.write(HEAD)
    _open(connection, sink, bool(roundings))
    count = 0
    for row in _rows(connection, "entries"):
        sink.write(_entry(row))
        count += 1
    for provider, steps in roundings.items():
        for day, difference in steps:
            sink.write(_rounding(provider, day, difference))
            count += 1
    _assert(connection, sink, roundings)
    return count


HEAD = """\
option "title" "Cost of AI agents, by Spanledger"
option "operating_currency" "USD"
option "inferred_tolerance_default" "*:0"
1970-01-01 commodity USD
  precision: 12
"""


def _open(connection: duckdb.DuckDBPyConnection, sink: TextIO, rounded: bool) -> None:
    first: dict[str, dt.date] = {}
    for row in _rows(connection, "items"):
        sink.write(f"{row['day']} open {_expense(row)} USD\n")
        debt = _debt(row["provider"])
        first[debt] = min(first.get(debt, row["day"]), row["day"])
    for account, day in sorted(first.items()):
        sink.write(f"{day} open {account} USD\n")
    if rounded:
        sink.write(f"{min(first.values())} open {ROUNDING} USD\n")


def _entry(row: Row) -> str:
    lines = [f"\n{row['day']} * {_text(row['provider'] or 'unknown')} {_text(row['item'] or 'unknown')}"]
    lines += [f"  {key}: {_text(row[name])}" for name, key in SAID.items() if row[name] is not None]
    return "\n".join([*lines, *_postings(_expense(row), _debt(row["provider"]), row["cost_usd"])])


def _rounding(provider: str | None, day: dt.date, difference: Decimal) -> str:
    head = f"\n{day} * {_text(provider or 'unknown')} {_text(f'Rounded, {day:%Y-%m}')}"
    return "\n".join([head, *_postings(ROUNDING, _debt(provider), difference)])


def _postings(expense: str, debt: str, amount_usd: Decimal) -> list[str]:
    return [f"  {expense}  {amount_usd:f} USD", f"  {debt}  {_negative(amount_usd):f} USD", ""]


def _assert(connection: duckdb.DuckDBPyConnection, sink: TextIO, roundings: Roundings) -> None:
    """A balance of each account at the end of each day that touched it: beancount looks at the start of the next."""
    sink.write("\n")
    for row in _rows(connection, "spent"):
        sink.write(_balance(row["day"], _expense(row), row["spent_usd"]))
    for row in _rows(connection, "owed"):
        steps = roundings.get(row["provider"], [])
        owed = _sum([row["owed_usd"], *(step for day, step in steps if day <= row["day"])])
        sink.write(_balance(row["day"], _debt(row["provider"]), _negative(owed)))
    if roundings:
        every = [step for steps in roundings.values() for step in steps]
        sink.write(_balance(max(day for day, _ in every), ROUNDING, _sum([step for _, step in every])))


def _balance(day: dt.date, account: str, amount_usd: Decimal) -> str:
    return f"{day + dt.timedelta(days=1)} balance {account}  {amount_usd:f} ~ 0 USD\n"


def _roundings(connection: duckdb.DuckDBPyConnection, places: int) -> Roundings:
    """What rounding adds to each provider's months, and on which day."""
    found: dict[str | None, list[tuple[dt.date, Decimal]]] = defaultdict(list)
    for row in _rows(connection, "months"):
        rounded = row["cost_usd"].quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, WIDE)
        difference = WIDE.subtract(rounded, row["cost_usd"])
        if difference:
            found[row["provider"]].append((row["day"], difference))
    return found


def _expense(row: Row) -> str:
    root = "Expenses:Tools" if row["is_tool"] else "Expenses:AI"
    return f"{root}:{part(row['provider'])}:{part(row['item'])}"


def _debt(provider: str | None) -> str:
    return f"Liabilities:AI:{part(provider)}"


def _negative(amount: Decimal) -> Decimal:
    return WIDE.minus(amount)


def _sum(amounts: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = WIDE.add(total, amount)
    return total


def _text(value: str) -> str:
    """A string of beancount; nothing in it ends the string or moves a terminal's cursor."""
    shown = harmless(value)
    shown = shown if len(shown) <= TEXT_CHARS_MAX else shown[: TEXT_CHARS_MAX - 1] + "…"
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rows(connection: duckdb.DuckDBPyConnection, view: str) -> Iterator[Row]:
    found = connection.execute(f"FROM beancount_{view} ORDER BY ALL")
    names = [column[0] for column in found.description or []]
    while rows := found.fetchmany(ROWS_A_FETCH):
        for row in rows:
            yield dict(zip(names, row, strict=True))
