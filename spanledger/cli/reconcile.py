"""`spanledger reconcile FILE...`: the ledger beside what a provider says was used and what it bills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.errors import Refused
from spanledger.cli import options
from spanledger.cli.output import chosen, emit, say

if TYPE_CHECKING:
    from ledger.books.match import Matcher
    from ledger.books.reconciled import Reconciliation
    from ledger.books.statements.statement import Bucket
    from spanledger.config import Config

SHOWN = (
    *("provider", "day", "model", "ledger_calls", "provider_requests", "ledger_cost_usd", "provider_cost_usd"),
    *("difference_usd", "agrees"),
)
"""Columns of the table; the other formats give all."""
CAUSES_TOLD_MAX = 40
"""Lines below the table; the view `reconciliations` has all."""


class Usd(click.ParamType[Decimal]):
    name = "usd"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            usd = Decimal(str(value))
        except InvalidOperation:
            usd = Decimal("NaN")
        if not usd.is_finite() or usd < 0:
            self.fail(f"{value!r} is no amount of USD: give a number such as 0.01", param, ctx)
        return usd


@click.command("reconcile")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.source
@options.config
@click.option(
    "--tolerance",
    type=Usd(),
    default="0.01",
    show_default=True,
    help="USD by which costs may differ and still agree: providers round.",
)
@click.option("--dry-run", is_flag=True, help="Show what is found, and record nothing.")
@options.output
def command(
    files: tuple[Path, ...],
    data: Path | None,
    url: str | None,
    config_file: Path | None,
    tolerance: Decimal,
    dry_run: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Compare the ledger with what a provider says, by day UTC and model: calls, tokens and cost, and why they differ.

    FILES hold answers of the provider's own API as JSON, saved by you (`curl ... > FILE`): OpenAI's
    /v1/organization/costs (group_by=line_item) and /v1/organization/usage/completions (group_by=model), Anthropic's
    /v1/organizations/cost_report (group_by[]=description) and /usage_report/messages (group_by[]=model). Give all
    pages. Days that they cover whole are compared; the row without a model is all that the provider bills.

    What was found is recorded as an event and stays in the view `reconciliations`. A server at --url is compared with
    --dry-run only.
    """
    from ledger.books.reconciled import Reconciliation, body_of
    from ledger.books.statements.statement import covered
    from queries.reconcile.compare import compared
    from spanledger.cli.prices_change import publish
    from spanledger.cli.source import one_source
    from spanledger.config import load
    from spanledger.publishing import reconciliation_draft

    one_source(data, url)
    if url and not dry_run:
        raise click.UsageError("--url is for reading: give --dry-run, or --data DIR to record what is found")
    buckets, names, remarks = _read(files)
    days = covered(buckets)
    for remark in (*remarks, *days.remarks):
        say(remark)
    first, after = _stretch(days.buckets)
    here = _of_server(url, first, after) if url else _of_files(load(data=data, file=config_file), first, after)
    rows = compared(here.used, days.buckets, here.matcher, tolerance)
    found = Reconciliation(here.as_of_seq, tolerance, names, tuple(rows))
    body = body_of(found)
    _show(found, form, output)
    _tell(found)
    if dry_run or not found.rows:
        say("nothing was recorded")
        return
    say(f"event {publish(load(data=data, file=config_file), reconciliation_draft(body))}: recorded")


def _read(files: tuple[Path, ...]) -> tuple[list["Bucket"], dict[str, str], list[str]]:
    from hashlib import sha256

    from ledger.books.statements.sources import FILE_BYTES_MAX, read

    buckets, names, remarks = list["Bucket"](), dict[str, str](), list[str]()
    for path in files:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Refused(f"{path}: {path.stat().st_size} bytes, at most {FILE_BYTES_MAX} are read of one file")
        body = path.read_bytes()
        try:
            said = read(body)
        except Refused as error:
            raise Refused(f"{path}: {error}") from error
        buckets += said.buckets
        names[sha256(body).hexdigest()] = path.name
        if said.has_more:
            remarks.append(f"{path}: the provider has further pages; days that are only there are not compared")
    return buckets, names, remarks


@dataclass(frozen=True)
class Kept:
    """What a ledger has of the days in question, up to an event, and by which book its models are named."""

    as_of_seq: int
    used: list[dict[str, Any]]
    matcher: "Matcher"


def _stretch(buckets: "Sequence[Bucket]") -> tuple[date, date]:
    """The first day and the first one after; of no buckets no day."""
    days = [bucket.day for bucket in buckets]
    return (min(days), max(days) + timedelta(days=1)) if days else (date.min, date.min)


def _of_files(settings: "Config", first: date, after: date) -> Kept:
    from queries.connect import shown
    from queries.reconcile.usage import usage
    from spanledger.cli.prices import finding
    from spanledger.cli.source import connect

    root = settings.data.root
    with connect(root) as connection, finding(root, None) as found:
        used = usage(connection, first, after).to_pylist()
        return Kept(shown(connection).cursor, used, found("current").matcher)


def _of_server(url: str, first: date, after: date) -> Kept:
    from queries.connect import without_rows
    from queries.reconcile.usage import usage
    from spanledger.cli.lists import page, typed
    from spanledger.cli.prices import finding

    said = page(url, "/api/v1/usage", {"from": first, "to": after})
    with without_rows() as connection, finding(None, url) as found:
        used = typed(said["items"], usage(connection, first, after).schema).to_pylist()
        return Kept(said.get("as_of", -1), used, found("current").matcher)


def _show(found: "Reconciliation", form: str | None, output: Path | None) -> None:
    from ledger.post.reconciling import table_of

    rows = table_of(found)
    if not rows.num_rows or chosen(form, output) != "table":
        emit(rows, form, output)
        return
    emit(rows.select(SHOWN), form, output)
    told = [f"{row.day} {row.provider} {row.model or 'in all'}: {cause}" for row in found.rows for cause in row.causes]
    for line in told[:CAUSES_TOLD_MAX]:
        say(line)
    if len(told) > CAUSES_TOLD_MAX:
        say(f"and {len(told) - CAUSES_TOLD_MAX} more: SELECT provider, day, model, causes FROM reconciliations")


def _tell(found: "Reconciliation") -> None:
    """What it comes to, by the rows of whole days."""
    from queries.wire import decimal_text

    whole = [row for row in found.rows if row.model is None]
    if not whole:
        say("no day is covered whole by these files: nothing was compared")
        return
    agreeing = sum(row.agrees for row in found.rows)
    beyond = sum((row.difference_usd for row in whole if row.difference_usd is not None), Decimal(0))
    known = any(row.difference_usd is not None for row in whole)
    money = f"; the provider bills {decimal_text(beyond)} USD beyond the ledger" if known else ""
    say(f"{agreeing:,} of {len(found.rows):,} rows agree, on {len(whole):,} days{money}")
