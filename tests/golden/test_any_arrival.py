"""Every sample, in whatever way its records arrive, costs what was worked out by hand, once.

Drawn at random: which way the records lie, which of them come twice, whether as protobuf or OTLP/JSON, over gRPC or
HTTP, how many events a commit takes, how much is remembered, after which event all is stopped and started again, and
after which all that came is settled. In the end it is settled in any case: no sample knows of tokens beyond its calls.
"""

import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decode import decode, same_span
from ledger.books.book import seed_body
from ledger.journal.append import JournalWriter
from ledger.journal.frame import Draft
from ledger.journal.kinds import PRICE_BOOK_PUBLISHED
from ledger.paths import DataDir
from ledger.post.poster import Poster, PosterOptions
from ledger.seams import SystemRng
from spanledger.publishing import settling_draft
from tests.golden.books import JSON, StillClock, rows
from tests.golden.samples import PROMISED, PROTOBUF, Sample
from tests.golden.test_samples import COUNTS, RUNAWAY, TOTALS
from tests.golden.variants import one_record_a_request, otlp_json
from tests.shown import shown

SMALL = [sample for sample in PROMISED if sample.name != RUNAWAY]
"""The runaway loop has 501 spans: cut up it takes longer than all others."""

AGENTS = """
SELECT agent_name, model, sum(cost_usd) AS cost_usd FROM charges GROUP BY ALL HAVING sum(cost_usd) <> 0 ORDER BY ALL
"""


@dataclass(frozen=True)
class Way:
    """One way in which the records of a sample arrive."""

    order: str
    seed: int
    again: float
    """Share of the requests that are sent twice."""
    json: float
    """Share of the requests that are OTLP/JSON."""
    http: float
    """Share of the requests that come over HTTP."""
    whole: bool
    """Whether all comes once more in the end, as it was captured."""
    batch_events_max: int
    open_spans_max: int
    restart_after: int
    settled_after: float
    """Part of the requests after which all of them are settled."""


ways = st.builds(
    Way,
    order=st.sampled_from(["shuffled", "shuffled", "as sent", "backwards", "logs first", "spans first"]),
    seed=st.integers(0, 2**32),
    again=st.sampled_from([0.0, 0.3, 1.0]),
    json=st.sampled_from([0.0, 0.5, 1.0]),
    http=st.sampled_from([0.0, 0.5, 1.0]),
    whole=st.booleans(),
    batch_events_max=st.sampled_from([1, 2, 7, 1024]),
    open_spans_max=st.sampled_from([1, 5, 150_000]),
    restart_after=st.integers(1, 40),
    settled_after=st.floats(0, 1),
)


def arriving(sample: Sample, way: Way) -> list[Draft | None]:
    """Requests; None where what came before is settled."""
    chance = random.Random(way.seed)
    parts = [(one.kind, body) for one in sample.drafts for body in one_record_a_request(one.kind, one.body)]
    parts += chance.sample(parts, int(len(parts) * way.again))
    if way.order == "shuffled":
        chance.shuffle(parts)
    elif way.order == "backwards":
        parts.reverse()
    elif way.order in ("logs first", "spans first"):
        first = "otlp.logs" if way.order == "logs first" else "otlp.traces"
        parts.sort(key=lambda part: part[0] != first)
    whole = [(one.kind, one.body) for one in sample.drafts] if way.whole else []
    drafts: list[Draft | None] = [_dressed(kind, body, chance, way) for kind, body in [*parts, *whole]]
    at = int(len(drafts) * way.settled_after)
    return [*drafts[:at], None, *drafts[at:], None]


def _dressed(kind: str, body: bytes, chance: random.Random, way: Way) -> Draft:
    as_json, transport = chance.random() < way.json, "http" if chance.random() < way.http else "grpc"
    body, content_type = (otlp_json(body, kind), JSON) if as_json else (body, PROTOBUF)
    return Draft(kind=kind, body=body, transport=transport, content_type=content_type)


def keep_with_a_restart(root: Path, drafts: list[Draft | None], way: Way) -> DataDir:
    """The first requests are journaled and posted, everything is closed, opened, and the rest follows."""
    data, clock, last = DataDir(root), StillClock(), 1
    options = PosterOptions(batch_events_max=way.batch_events_max, open_spans_max=way.open_spans_max)
    seed = [Draft(kind=PRICE_BOOK_PUBLISHED, body=seed_body(), key="price_book:seed")]
    for part in (drafts[: way.restart_after], drafts[way.restart_after :]):
        writer = JournalWriter.open(data, clock=clock, rng=SystemRng(), seed=seed)
        try:
            for draft in part:
                last = writer.append(draft or settling_draft(0, last, last))
        finally:
            writer.close()
        poster = Poster(data, decode, same_span, clock=clock, options=options)
        try:
            while poster.step():
                pass
        finally:
            poster.close()
    return data


def check(sample: Sample, way: Way, agents: list[dict[str, object]]) -> None:
    with (
        TemporaryDirectory() as root,
        shown(keep_with_a_restart(Path(root), arriving(sample, way), way)) as connection,
    ):
        (totals,), (counts,) = rows(connection, TOTALS), rows(connection, COUNTS)
        assert rows(connection, AGENTS) == agents
    assert totals == {
        "calls_with_usage": sample.calls_with_usage,
        "unknown_calls": sample.unknown_calls,
        "unpriced_calls": sample.unpriced_calls,
        "input_tokens": sample.input_tokens,
    }
    assert counts == {
        "spans": sample.spans,
        "traces": sample.traces,
        "quarantined": 0,
        "conflicts": 0,
        "cost_usd": sample.cost_usd or Decimal(0),
    }


@pytest.fixture(scope="session")
def agents_of(posted):
    """What each agent spent on each model, of a sample that arrived once and whole."""

    def found(sample: Sample) -> list[dict[str, object]]:
        with shown(posted(sample)) as connection:
            return rows(connection, AGENTS)

    return found


@pytest.mark.parametrize("sample", SMALL, ids=lambda sample: sample.name)
@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=ways)
def test_a_sample_that_arrives_in_any_way_costs_what_was_worked_out_by_hand(sample, way, agents_of):
    check(sample, way, agents_of(sample))


@pytest.mark.long
@pytest.mark.parametrize("sample", SMALL, ids=lambda sample: sample.name)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=ways)
def test_a_sample_that_arrives_in_forty_ways_costs_what_was_worked_out_by_hand(sample, way, agents_of):
    check(sample, way, agents_of(sample))
