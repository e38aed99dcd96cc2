"""The command line: `spanledger COMMAND`.

A command's file is imported only when that command runs, so that `--help` is fast.
"""

import importlib
from collections.abc import Sequence

import click

from spanledger import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Show the whole thing on sample traces: what arrived and what it cost."),
    "serve": ("serve", "Take telemetry in and answer questions: collector, poster, API and page."),
    "import": ("import_", "Bring OTLP files into the ledger."),
    "runs": ("runs", "List runs with what they cost."),
    "replay": ("replay", "Go through one run step by step, with the money so far."),
    "cost": ("cost", "Sum up cost by agent, model, tool or key."),
    "loops": ("loops", "List calls that a run made again and again with the same input."),
    "sql": ("sql", "Ask a question in SQL."),
    "why": ("why", "Say why a call was booked as it was, from attribute to price."),
    "prices": ("prices", "Look at prices, publish newer ones, set your own, re-rate."),
    "reconcile": ("reconcile", "Compare the ledger with what a provider says it bills."),
    "periods": ("periods", "Close accounting months, and list those that are."),
    "export": ("export", "Hand costs to finance: FOCUS or beancount."),
    "rebuild": ("rebuild", "Make the ledger again from the journal."),
    "doctor": ("doctor", "Check this installation, end to end."),
    "config": ("config", "Show or check the configuration; choose which stated costs count."),
}
"""Command -> its file in this folder, and its line in `--help`. The function in the file is called `command`."""


class Commands(click.Group):
    """The group of all commands; loads the file of the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"spanledger.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command), cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="spanledger")
def spanledger() -> None:
    """Flight recorder and books for AI agents: OTLP in, an append-only journal, exact cost per agent, model and tool.

    Exit codes: 0 ok, 1 failure, 2 usage, 3 verification failed, 4 auth, 5 cannot reach the server, 6 over budget,
    130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Entry of the program."""
    from spanledger.cli.exits import run

    raise SystemExit(run(spanledger, args))
