"""Bugs that the suite must see: each breaks one promise in one place, and names the tests that must fail for it.

A mutant is applied to the text of a file. The text must stand there exactly once, so that the table cannot rot: whoever
changes the line finds the promise that hangs on it here.
"""

from tests.mutants.books import BOOKS
from tests.mutants.mutant import Mutant

JOURNAL = "tests/ledger/journal"
POWER_CUTS = f"{JOURNAL}/test_power_cuts.py"
POSTING = "tests/ledger/post/test_posting.py"
DIGESTS = "tests/ledger/post/test_histories.py"
STOPS = "tests/ledger/post/test_stops.py"
HISTORIES = ("tests/sim/test_histories.py",)
CRASH_POINTS = ("tests/sim/test_crash_points.py", "-m", "durability")

NAMED = (
    Mutant(
        "sync off",
        "an ack means that the bytes are on the medium",
        "ledger/journal/tail.py",
        "        try:\n            file.sync()\n        except OSError:\n            # The kernel",
        "        try:\n            pass\n        except OSError:\n            # The kernel",
        (f"{POWER_CUTS}::test_acked_events_survive_power_cuts_kills_and_errors",),
    ),
    Mutant(
        "directory sync off",
        "a new journal file keeps its name after a power cut",
        "ledger/journal/tail.py",
        "            self._disk.sync_dir(self._directory)\n",
        "",
        (f"{POWER_CUTS}::test_acked_events_survive_power_cuts_kills_and_errors",),
    ),
    Mutant(
        "ack before sync",
        "an ack leaves after the sync returned",
        "ledger/journal/append.py",
        "            first = self._write(wanted)\n",
        "            first = self._tail.next_event_seq + len(self._prologue)\n"
        "            told, wanted = wanted, []\n"
        "            for n, waiting in enumerate(told):\n"
        "                waiting.future.set_result(first + n)\n"
        "            self._write(told)\n",
        (f"{POWER_CUTS}::test_acked_events_survive_power_cuts_kills_and_errors",),
    ),
    Mutant(
        "dedupe that forgets",
        "a span counts once, however long ago it came first",
        "ledger/post/reload.py",
        "        if not known.num_rows:\n            break\n",
        "        break\n",
        (f"{DIGESTS}::test_a_restart_after_every_commit_gives_equal_digests",),
    ),
    Mutant(
        "checksum off",
        "bytes that are not those written are no frame",
        "ledger/journal/frame.py",
        "    if found != expected:\n",
        "    if False:\n",
        (f"{JOURNAL}/test_frame.py",),
    ),
    Mutant(
        "retry after EIO",
        "after a failed sync a file gets no second one: it would succeed without the bytes",
        "ledger/journal/tail.py",
        "            self._take_back(file)\n            self.close()\n            raise\n",
        "            file.sync()\n",
        (
            f"{POWER_CUTS}::test_acked_events_survive_power_cuts_kills_and_errors",
            f"{JOURNAL}/test_failing_operations.py::test_after_a_failed_sync_nothing_more_is_acked_from_that_file",
        ),
    ),
    Mutant(
        "batch-dependent reversal",
        "rows do not depend on how events were batched: each event of a trace is a round of its own",
        "ledger/post/telemetry.py",
        '        for positions in rounds(self._keys(trace, new), new.own["source_seq"]):\n',
        "        for positions in [np.arange(len(new))]:\n",
        (
            f"{DIGESTS}::test_batches_of_one_seven_and_everything_and_a_memory_of_one_trace_give_equal_digests",
            f"{POSTING}::test_a_root_that_comes_after_a_thousand_booked_calls_has_them_all_and_the_sum_is_unchanged",
        ),
    ),
)
"""Those of the promises that users are told of."""

OTHERS = (
    Mutant(
        "responses that are forgotten",
        "a call seen in two traces counts once, however long ago the first was seen",
        "ledger/post/telemetry.py",
        "        if len(named):\n",
        "        if False:\n",
        (f"{POSTING}::test_a_gateway_and_its_client_bill_one_response_once_and_on_the_client",),
    ),
    Mutant(
        "floor of recovery ignored",
        "damage in what was synced stops the start and is not cut off",
        "ledger/journal/recover.py",
        "    if floor > found.end:\n",
        "    if False:\n",
        (f"{JOURNAL}/test_recover.py",),
    ),
    Mutant(
        "mark before the sync",
        "readers never see what is not durable",
        "ledger/journal/append.py",
        "            first = self._write(wanted)\n",
        "            last = self._tail.last_event_seq + len(self._prologue) + len(wanted)\n"
        "            self._mark.publish(Mark(self._tail.file_number, self._tail.end, last))\n"
        "            first = self._write(wanted)\n",
        (f"{POWER_CUTS}::test_acked_events_survive_power_cuts_kills_and_errors",),
    ),
    Mutant(
        "recovery that does not write again",
        "pages that a failed sync left in the cache are written before they count",
        "ledger/journal/recover.py",
        "            file.write_at(offset, source.read(offset, min(CHUNK_BYTES, found.end - offset)))\n",
        "            pass\n",
        (f"{POWER_CUTS}::test_frames_that_a_failed_sync_left_in_the_page_cache_are_written_again_before_they_count",),
    ),
    Mutant(
        "sealed copy not compared",
        "a file is replaced by its sealed form only when that gives back every byte",
        "ledger/journal/seal.py",
        "        _compare(disk, aside, source, end, check)\n",
        "",
        (f"{JOURNAL}/test_seal.py",),
    ),
    Mutant(
        "sealed copy not synced",
        "the file that a sealed one replaces goes only when that is on the medium",
        "ledger/journal/seal.py",
        "        _write_sealed(file, plan)\n        file.sync()\n",
        "        _write_sealed(file, plan)\n",
        CRASH_POINTS,
    ),
    Mutant(
        "key of a control event forgotten",
        "a control event takes effect the first time that its key comes",
        "ledger/post/poster.py",
        "            batch.keys[event.key] = event.event_seq\n",
        "",
        (f"{POSTING}::test_a_control_event_whose_key_was_posted_before_has_no_effect",),
    ),
    Mutant(
        "memory kept after a failed commit",
        "a batch that was not committed leaves nothing in memory",
        "ledger/post/poster.py",
        "            if self._is_stale:  # from an attempt that failed\n                self._start_afresh()\n",
        "",
        (f"{STOPS}::test_a_batch_whose_commit_failed_is_posted_whole_by_the_same_poster",),
    ),
    Mutant(
        "last version counts",
        "of two spans under one identity the first in the journal counts",
        "ledger/post/telemetry.py",
        "    first, number = numbered(trace, span)\n",
        "    first, number = numbered(trace[::-1], span[::-1])\n"
        "    first, number = len(span) - 1 - first, number[::-1]\n",
        (f"{POSTING}::test_other_content_under_the_same_identity_is_a_conflict_and_the_first_counts",),
    ),
    Mutant(
        "half up",
        "a line is rounded half to even",
        "ledger/money.py",
        "_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)",
        '_EXACT = Context(prec=76, rounding="ROUND_HALF_UP")',
        ("tests/ledger/test_money.py",),
    ),
    Mutant(
        "hot rows stay after a flush",
        "a flush moves rows and never changes which there are",
        "ledger/store/catalog.py",
        '        self._db.execute("DELETE FROM hot")\n',
        "",
        ("tests/ledger/store/test_catalog.py", "-k", "flush"),
    ),
    Mutant(
        "cursor not committed",
        "rows and cursor are one transaction",
        "ledger/store/catalog.py",
        '                manifest.put_meta(self._db, "cursor", cursor)\n',
        "",
        (f"{DIGESTS}::test_a_restart_after_every_commit_gives_equal_digests",),
    ),
    Mutant(
        "page checksums not verified",
        "a segment with a flipped bit is found, not merged",
        "ledger/store/segment.py",
        "    with pq.ParquetFile(path, page_checksum_verification=True) as file:\n"
        "        for group in range(file.metadata.num_row_groups):\n",
        "    with pq.ParquetFile(path) as file:\n        for group in range(file.metadata.num_row_groups):\n",
        ("tests/ledger/store/test_segment.py", "-k", "merge"),
    ),
    Mutant(
        "merge drops a row group",
        "a merge holds the rows of all its inputs",
        "ledger/store/segment.py",
        "        for group in range(file.metadata.num_row_groups):\n",
        "        for group in range(min(1, file.metadata.num_row_groups)):\n",
        ("tests/ledger/store/test_segment.py", "-k", "merge"),
    ),
    Mutant(
        "orphan removal takes live runs",
        "only files that no manifest names are removed",
        "ledger/store/shelf.py",
        "{part.path for part in self.segments} | {record.path for record, _ in self.runs_on_file}",
        "{part.path for part in self.segments}",
        ("tests/ledger/store/test_crash.py", "-k", "a_stop_at_a_step"),
    ),
    Mutant(
        "orphan removal takes replaced files",
        "a file that left the manifest stays for readers that know it",
        "ledger/store/shelf.py",
        '        known |= {row[0] for row in self._db.execute("SELECT path FROM replaced")}\n',
        "",
        ("tests/ledger/store/test_catalog.py", "-k", "replaced"),
    ),
    Mutant(
        "removal before its swap is durable",
        "a power cut never leaves a manifest that names removed files",
        "ledger/store/shelf.py",
        '        self._db.execute("PRAGMA synchronous = FULL")\n',
        "",
        (*CRASH_POINTS, "-k", "removal"),
    ),
    Mutant(
        "segment not synced",
        "a segment is on the medium before the manifest names it",
        "ledger/store/files.py",
        "            file.sync()\n",
        "            pass\n",
        HISTORIES,
    ),
    Mutant(
        "segment's name not synced",
        "a segment has its name on the medium before the manifest names it",
        "ledger/store/files.py",
        "    disk.sync_dir(path.parent)\n",
        "",
        HISTORIES,
    ),
    Mutant(
        "database without any sync",
        "a power cut takes back whole commits and nothing else",
        "ledger/store/manifest.py",
        '    db.execute("PRAGMA synchronous = NORMAL")\n',
        '    db.execute("PRAGMA synchronous = OFF")\n',
        CRASH_POINTS,
    ),
    Mutant(
        "exchange of ledgers not synced",
        "after a rebuild a power cut leaves one ledger, whole",
        "ledger/post/swap.py",
        "    disk.rename(rebuilt(data).ledger, data.ledger)\n    disk.sync_dir(data.root)\n",
        "    disk.rename(rebuilt(data).ledger, data.ledger)\n",
        CRASH_POINTS,
    ),
    Mutant(
        "footers of files that are gone",
        "a process that rebuilt reads the new files by their own footers",
        "ledger/store/shelf.py",
        "        segment.footer.cache_clear()",
        "        pass",
        ("tests/ledger/post/test_swap.py", "-k", "goes_on"),
    ),
    Mutant(
        "a merge given up is exchanged",
        "the end gives up the merge under way and its file",
        "ledger/store/merger.py",
        "            if self._ending.is_set():\n                raise GivenUp\n            return made\n",
        "            return made\n",
        CRASH_POINTS,
    ),
    *BOOKS,
)
