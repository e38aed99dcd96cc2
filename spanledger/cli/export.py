"""`spanledger export`: charges in the formats of other programs. A report is a file here, and one in queries/export."""

import click

from spanledger.cli import export_beancount, export_focus

REPORTS = (export_focus.focus, export_beancount.beancount)


@click.group("export")
def command() -> None:
    """Hand costs to finance, in a format that its programs read, to the last digit.

    An export holds the charges that count in the books within its time (accounting_at). Quantities without a known
    cost are in none; stderr says how many there are and how to list them.
    """


for _report in REPORTS:
    command.add_command(_report)
