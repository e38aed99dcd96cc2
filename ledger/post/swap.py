"""A ledger made anew takes the place of the one in use, so that after any crash there is one of them, whole.

The steps, each durable before the next: the old one aside, the new one in its place, the old one removed. A crash
between the first two leaves no ledger under its name; whoever posts next finishes the exchange, since the new one was
complete before it began.
"""

from dataclasses import replace

from ledger.journal.disk import Disk
from ledger.paths import DataDir

REBUILT = "ledger.rebuilt"
REPLACED = "ledger.replaced"


def rebuilt(data: DataDir) -> DataDir:
    """Where the new one is made."""
    return replace(data, ledger_name=REBUILT)


def put_in_place(disk: Disk, data: DataDir) -> None:
    """Exchange the ledger in use for the complete one in `rebuilt(data)`."""
    replaced = replace(data, ledger_name=REPLACED)
    disk.remove_tree(replaced.ledger)
    disk.rename(data.ledger, replaced.ledger)
    disk.sync_dir(data.root)
    _finish(disk, data)
    disk.remove_tree(replaced.ledger)


def finish_interrupted(disk: Disk, data: DataDir) -> None:
    """Put the new ledger in place where a crash came between. To be called before the ledger is opened for posting."""
    both = disk.exists(rebuilt(data).ledger) and disk.exists(replace(data, ledger_name=REPLACED).ledger)
    if both and not disk.exists(data.ledger):
        _finish(disk, data)


def remove_leftovers(disk: Disk, data: DataDir) -> None:
    """Remove what an interrupted rebuild left beside the ledger. For the one that holds its lock."""
    for name in {REBUILT, REPLACED} - {data.ledger_name}:
        disk.remove_tree(replace(data, ledger_name=name).ledger)


def _finish(disk: Disk, data: DataDir) -> None:
    disk.rename(rebuilt(data).ledger, data.ledger)
    disk.sync_dir(data.root)
