"""Whatever stops the poster, wherever: the reopened ledger holds exactly what was committed, and can go on."""

import errno
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache, partial
from itertools import count
from pathlib import Path

import pytest

from ledger.paths import DataDir
from ledger.store import digest
from ledger.store.catalog import Catalog
from ledger.store.snapshot import Snapshot
from tests.ledger.store import failing, rows
from tests.ledger.store.conftest import HandClock

ROOT = Path(__file__).parents[3]


@cache
def digests_at(root, cursor):
    """Of a ledger that was never disturbed."""
    data = DataDir(root / str(cursor))
    with closing(Catalog.open(data, clock=HandClock())) as catalog:
        for seq in range(cursor + 1):
            rows.post_event(seq, days=2).apply(catalog)
    return digest.digests(data)


def files_that_no_manifest_names(data):
    with closing(sqlite3.connect(data.catalog)) as db:
        named = {
            row[0] for table in ("segment", "trace_run", "replaced") for row in db.execute(f"SELECT path FROM {table}")
        }
    there = {str(path.relative_to(data.ledger)) for path in data.ledger.rglob("*.*") if path.is_file()}
    return {path for path in there - named if not path.startswith("catalog.sqlite")}


def check_and_go_on(data, undisturbed, disk_clock):
    with closing(Catalog.open(data, clock=disk_clock, options=failing.OPTIONS)) as catalog:
        assert files_that_no_manifest_names(data) == set()
        if catalog.cursor >= 0:
            assert digest.digests(data) == digests_at(undisturbed, catalog.cursor)
            assert catalog.key_seq(f"key-{catalog.cursor}") == catalog.cursor
            assert catalog.key_seq(f"key-{catalog.cursor + 1}") is None
        failing.work(catalog, disk_clock)
    assert digest.digests(data) == digests_at(undisturbed, failing.EVENTS - 1)
    with closing(Catalog.open(data, clock=disk_clock)) as catalog:
        pairs = rows.joined(rows.post_event(seq, days=2) for seq in range(failing.EVENTS)).traces
        index, seqs = catalog.probe(pairs[0])
        expected = {(hashed, seq) for hashed, seq in zip(*(part.tolist() for part in pairs), strict=True)}
        assert {(int(pairs[0][i]), int(seq)) for i, seq in zip(index, seqs, strict=True)} == expected


def stops_at_steps(first, stride, root):
    for steps in count(first, stride):
        data, clock = DataDir(root / str(steps)), HandClock()
        if not stopped_after(steps, data, clock):
            return steps
        if data.catalog.exists():
            check_and_go_on(data, root / "undisturbed", clock)
    raise AssertionError("count does not end")


def test_a_stop_at_a_step_of_the_disk_or_of_a_commit_loses_nothing(tmp_path):
    assert stops_at_steps(7, 41, tmp_path) > 150, "the workload has become too small to mean anything"


@pytest.mark.durability
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(4))
def test_a_stop_at_every_step_loses_nothing(first, tmp_path):
    stops_at_steps(first, 4, tmp_path)


def stopped_after(steps, data, clock):
    """Run the workload until the countdown ends it, as a crash would; False when it came through."""
    countdown = failing.Countdown(steps)
    connect, disk = (
        partial(sqlite3.connect, factory=failing.stopping_connection(countdown)),
        failing.StoppingDisk(countdown),
    )
    catalog = None
    try:
        catalog = Catalog.open(data, clock=clock, options=failing.OPTIONS, disk=disk, connect=connect)
        failing.work(catalog, clock)
    except failing.Stopped:
        return True
    finally:
        if catalog:
            catalog.abandon()
    return False


@pytest.mark.parametrize("stride", [37, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
@pytest.mark.parametrize("failures", [1, 3])
def test_a_full_disk_at_every_step_is_lived_through(failures, stride, tmp_path):
    """In commit, flush, merge and removal: the same catalog goes on once there is room, as if nothing had been."""
    for steps in count(9, stride):
        data, clock = DataDir(tmp_path / str(steps)), HandClock()
        countdown = failing.Countdown(10**9, OSError(errno.ENOSPC, "No space left on device"))
        factory = failing.full_connection(countdown)
        catalog = Catalog.open(
            data,
            clock=clock,
            options=failing.OPTIONS,
            disk=failing.StoppingDisk(countdown),
            connect=partial(sqlite3.connect, factory=factory),
        )
        with closing(catalog):
            countdown.left = steps
            failed = [fails(catalog, clock) for _ in range(failures)]
            countdown.left = 10**9
            failing.work(catalog, clock)
        check_and_go_on(data, tmp_path / "undisturbed", clock)
        if not failed[0]:
            break
    assert steps > 60, "the workload has become too small to mean anything"


def fails(catalog, clock):
    try:
        failing.work(catalog, clock)
    except OSError:
        return True
    return False


def test_a_failed_flush_leaves_a_catalog_that_can_go_on(data, clock, tmp_path):
    countdown = failing.Countdown(10_000)
    disk = failing.StoppingDisk(countdown)
    with closing(Catalog.open(data, clock=clock, disk=disk)) as catalog:
        for seq in range(3):
            rows.post_event(seq, days=2).apply(catalog)
        for steps in (0, 1, 5, 20):
            countdown.left = steps
            with pytest.raises(failing.Stopped):
                catalog.flush()
        countdown.left = 10_000
        rows.post_event(3, days=2).apply(catalog)
        catalog.flush()
        assert Snapshot.take(data).hot("spans").num_rows == 0
    assert digest.digests(data) == digests_at(tmp_path / "undisturbed", 3)


CHILD = """
import sys
from pathlib import Path
from ledger.paths import DataDir
from ledger.store.catalog import Catalog
from tests.ledger.store import failing
from tests.ledger.store.conftest import HandClock
failing.EVENTS = 10**6
clock = HandClock()
failing.work(Catalog.open(DataDir(Path(sys.argv[1])), clock=clock, options=failing.OPTIONS), clock, printed=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_loses_nothing_it_committed(seed, tmp_path):
    data = DataDir(tmp_path / "data")
    told = killed_after(data, random.Random(seed).randrange(3, 40))
    with closing(Catalog.open(data, clock=HandClock())) as catalog:
        assert told <= catalog.cursor <= told + 2
        assert digest.digests(data) == digests_at(tmp_path / "undisturbed", catalog.cursor)


def killed_after(data, commits):
    """Kill -9 a posting process once it has told of so many commits; returns the last one told of."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(data.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with child:
        told = [int(child.stdout.readline()) for _ in range(commits)]
        child.kill()
    return told[-1]


READER = """
import sys
from pathlib import Path
from ledger.paths import DataDir
from queries.connect import connect
data = DataDir(Path(sys.argv[1]))
COUNTS = [f"(SELECT COUNT(*) FROM {view})" for view in ("spans", "charges", "events")]
QUERY = "SELECT (FROM base.snapshot), " + ", ".join(COUNTS)
print("ready", flush=True)
for line in sys.stdin:
    with connect(data) as connection:
        cursor, *counts = connection.execute(QUERY).fetchone()
    assert counts == [5 * (cursor + 1), 5 * (cursor + 1), cursor + 1], (cursor, counts)
    print(cursor, flush=True)
"""


def test_readers_in_another_process_see_whole_commits_and_no_error(data, clock):
    with closing(Catalog.open(data, clock=clock, options=failing.OPTIONS)) as catalog:
        reader = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", READER, str(data.root)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        with reader:
            assert reader.stdout.readline() == "ready\n"
            seen = [-1]
            for seq in range(40):
                reader.stdin.write("\n")  # it reads while the next commits, flushes and merges happen
                rows.post_event(seq, days=2).apply(catalog)
                clock.advance(0.1)
                catalog.tidy()
                if seq % 2:
                    seen.append(int(reader.stdout.readline()))
                    seen.append(int(reader.stdout.readline()))
            reader.stdin.close()
        assert reader.returncode == 0
        assert seen == sorted(seen)
        assert seen[-1] >= 30
