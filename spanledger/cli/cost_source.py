"""`spanledger config cost-source`: whether a cost that telemetry states counts, or the computed one, by its source."""

from pathlib import Path

import click

from spanledger.cli import options
from spanledger.cli.output import emit, say

IN_FORCE = "SELECT * EXCLUDE (tenant, chosen_ns) FROM cost_sources ORDER BY NOT is_chosen, source = '*', source"
author = click.option("--author", help="Who says so [default: your login name].")


@click.group("cost-source")
def group() -> None:
    """Choose by its source what a cost is good for that telemetry itself states."""


@group.command("ls")
@options.source
@options.output
def ls(data: Path | None, url: str | None, form: str | None, output: Path | None) -> None:
    """List every source of stated costs with the policy in force, those first that somebody chose."""
    from spanledger.cli.lists import listed

    with listed(data, url, "cost-sources") as connection:
        emit(connection.sql(IN_FORCE).to_arrow_table(), form, output)


@group.command("set")
@click.argument("source")
@click.argument("policy", type=click.Choice(["computed", "reported", "max"]))
@click.option("--reason", required=True, help="Why; kept with the event.")
@author
@options.data
@options.config
def set_(
    source: str, policy: str, reason: str, author: str | None, data: Path | None, config_file: Path | None
) -> None:
    """Let costs that the attribute or metric SOURCE states count by POLICY.

    \b
    computed  the computed cost; what is stated only where no unit of the call has a price
    reported  what is stated, if it is above 0
    max       the greater of the two, where both are known

    It holds for what arrives from then on. What is booked stays as it is until `prices rerate`.
    """
    event_seq = _choose(source, policy, reason, author, data, config_file)
    say(f"event {event_seq}: costs that {source} states count by policy {policy} for what arrives from now on")


@group.command("unset")
@click.argument("source")
@click.option("--reason", required=True, help="Why; kept with the event.")
@author
@options.data
@options.config
def unset(source: str, reason: str, author: str | None, data: Path | None, config_file: Path | None) -> None:
    """Let costs that SOURCE states count by its default again, from now on."""
    from ledger.errors import NotFound
    from spanledger.cli.source import connect
    from spanledger.config import load

    with connect(load(data=data, file=config_file).data.root) as connection:
        chosen = [row[0] for row in connection.sql("SELECT source FROM cost_sources WHERE is_chosen").fetchall()]
    if source not in chosen:
        raise NotFound(f"nobody chose a policy for {source!r}; those chosen are {', '.join(sorted(chosen)) or 'none'}")
    event_seq = _choose(source, None, reason, author, data, config_file)
    say(f"event {event_seq}: costs that {source} states count by the default for what arrives from now on")


def _choose(
    source: str, policy: str | None, reason: str, author: str | None, data: Path | None, config_file: Path | None
) -> int:
    from ledger.books.cost_sources import Choice, choice_body, read_choice
    from spanledger.cli.prices_change import login, publish
    from spanledger.config import load
    from spanledger.publishing import choice_draft

    body = choice_body(Choice(source, policy, reason, author or login()))
    read_choice(body)
    return publish(load(data=data, file=config_file), choice_draft(body))
