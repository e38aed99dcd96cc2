"""Where a column came from: told by hand on small spans, and held against what decoding gives on every sample."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ingest.decode import decode
from ingest.decode.one import log_sheet_of, span_sheet
from ingest.dialects import DIALECTS
from ingest.dialects.detect import claims_of
from ingest.dialects.dialect import Dialect
from ingest.dialects.logs import LOG_DIALECTS
from ingest.dialects.logs.apply import prepared
from ingest.dialects.origin import ABSENT, COLUMNS, CONCLUDED, PARTS, Origin, origins
from ingest.sheet import Sheet
from ledger.errors import NotFound
from ledger.journal.frame import Event
from ledger.journal.kinds import OTLP_LOGS
from ledger.schema import ARROW
from tests.golden.samples import FOLDER
from tests.ingest.decode.made import CAPTURES, event, request, requests

CHAT: Mapping[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}


def told(
    attributes: Mapping[str, object], *, resource: Mapping[str, object] | None = None, **fields: object
) -> dict[str, Origin]:
    """The origins of one span, by column."""
    body = request({"attributes": attributes, **fields}, resource=resource).SerializeToString()
    sheet = span_sheet(event(body), 0)
    return {each.column: each for each in origins(sheet, dialect_of(sheet))}


def test_the_attribute_and_its_value_are_named() -> None:
    found = told({**CHAT, "gen_ai.usage.input_tokens": 7})
    assert found["input_tokens"] == Origin("input_tokens", 7, "attribute", "gen_ai.usage.input_tokens")
    assert found["operation"] == Origin("operation", "chat", "attribute", "gen_ai.operation.name")


def test_of_two_sources_the_first_that_reads_counts() -> None:
    first, second = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cached_tokens"
    assert told({**CHAT, second: 5, first: 6})["cache_read_tokens"].source == first
    found = told({**CHAT, second: 5, first: "several"})["cache_read_tokens"]
    assert (found.value, found.source) == (5, second)


def test_what_reading_changed_says_what_was_sent() -> None:
    found = told({"gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "vertex_ai"})
    assert (found["operation"].value, found["operation"].sent) == ("chat", "generate_content")
    provider = found["provider"]
    assert (provider.value, provider.sent, provider.note) == ("gcp.vertex_ai", "vertex_ai", "made canonical")


def test_tokens_in_that_the_cache_was_added_to_say_so() -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 100}
    found = told({**CHAT, **usage})["input_tokens"]
    assert (found.value, found.sent) == (110, "10")
    assert found.note == "cache and compaction, sent apart, are in it"


def test_no_tokens_at_all_are_shown_as_sent_and_unknown() -> None:
    found = told({**CHAT, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0})
    assert (found["input_tokens"].value, found["input_tokens"].sent) == (None, "0")
    assert found["usage_status"].value == "missing"
    kept = told({**CHAT, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 3})["input_tokens"]
    assert (kept.value, kept.source) == (0, "gen_ai.usage.input_tokens")


def test_a_name_that_is_taken_from_the_name_of_the_span_says_so() -> None:
    found = told({"gen_ai.operation.name": "execute_tool"}, name="execute_tool search")["tool_name"]
    assert (found.value, found.origin, found.source) == ("search", "name", None)


def test_what_no_attribute_says_names_the_rule() -> None:
    found = told({"gen_ai.tool.name": "search"})["operation"]
    assert (found.value, found.origin) == ("tool", "rule")
    assert "names a tool" in str(found.note)
    model = told({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"})["provider"]
    assert (model.value, model.source) == ("openai", "gen_ai.request.model")


def test_the_resource_is_named_where_the_span_does_not_say_it() -> None:
    resource: Mapping[str, object] = {"service.name": "shop", "team": "blue"}
    found = told({**CHAT, "team": "red"}, resource=resource)
    assert (found["service_name"].value, found["service_name"].origin) == ("shop", "resource")
    assert (found["team"].value, found["team"].origin) == ("red", "attribute")
    assert told({**CHAT}, resource=resource)["team"].origin == "resource"


def test_a_cost_in_another_currency_is_there_and_not_read() -> None:
    cost: Mapping[str, object] = {"gen_ai.usage.cost.amount": 1.5}
    assert told({**CHAT, **cost})["reported_cost_usd"].value == Decimal("1.5")
    foreign = told({**CHAT, **cost, "gen_ai.usage.cost.currency": "EUR"})["reported_cost_usd"]
    assert (foreign.value, foreign.sent, foreign.note) == (None, "EUR", "no cost in this currency is read")


@pytest.mark.parametrize(
    ("attributes", "status", "why"),
    [({}, 2, "status error"), ({"error.type": "Timeout"}, 0, "error.type")],
)
def test_a_call_that_failed_says_what_says_so(attributes: Mapping[str, object], status: int, why: str) -> None:
    found = told({**CHAT, **attributes}, status=status)["usage_status"]
    assert (found.value, found.note) == ("failed", f"no tokens, and it failed: {why}")


def dialect_of(sheet: Sheet) -> Dialect:
    return DIALECTS[int(claims_of(sheet, DIALECTS)[0])]


def shapes() -> Iterator[tuple[str, Event, dict[str, Any]]]:
    """Of every sample a span of each shape (which columns are known, in which dialect), as decoded."""
    seen = set()
    for name, path in CAPTURES.items():
        sent = event(path.read_bytes())
        for row in decode([sent]).spans.to_pylist():
            shape = (row["dialect"], row["operation"], *(row[column] is None for column in COLUMNS))
            if shape not in seen:
                seen.add(shape)
                yield f"{name} {row['span_index']}", sent, row


def agrees(sent: Event, row: Mapping[str, Any], where: str) -> None:
    """Every column of `row` that is known has an origin, and there the value that decoding gave."""
    sheet = span_sheet(sent, row["span_index"])
    found = {each.column: each for each in origins(sheet, dialect_of(sheet))}
    known = {name: row[name] for name in COLUMNS if row[name] is not None and row[name] != ABSENT.get(name)}
    assert {name: found[name].value for name in known} == known, where
    texts = dict(zip(sheet.attributes.key.to_pylist(), sheet.attributes.text.to_pylist(), strict=True))
    for name, each in found.items():
        assert each.value == row[name], (where, each)
        assert each.origin != "rule" or name in (*CONCLUDED, *PARTS, *ABSENT), (where, each)
        if each.origin == "attribute" and each.note is None:
            assert texts[str(each.source)] == str(each.value), (where, each)


def test_on_every_sample_each_column_that_is_known_has_an_origin_and_the_value_that_decoding_gives() -> None:
    found = [*shapes()]
    for where, sent, row in found:
        agrees(sent, row, where)
    assert len(found) > 50


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_whatever_is_sent_each_column_that_is_known_has_an_origin(body: bytes) -> None:
    sent = event(body)
    for row in decode([sent]).spans.to_pylist():
        agrees(sent, row, str(row["span_index"]))


def test_a_span_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no span 3"):
        span_sheet(event(b""), 3)
    assert set(COLUMNS) <= set(ARROW["spans"].names)


LOGS = sorted(FOLDER.glob("*/*.logs.binpb"))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_of_every_log_record_of_a_sample_each_column_that_is_known_has_an_origin(path: Path) -> None:
    sent = replace(event(path.read_bytes()), kind=OTLP_LOGS)
    for row in decode([sent]).logs.to_pylist():
        sheet, claims = prepared(log_sheet_of(sent, row["log_index"]))
        found = {each.column: each.value for each in origins(sheet, LOG_DIALECTS[int(claims[0])])}
        known = {name: row[name] for name in COLUMNS if row.get(name) is not None and row[name] != ABSENT.get(name)}
        known = {name: value for name, value in known.items() if name not in ("input", "output")}  # may be the body
        assert {name: found[name] for name in known} == known, row["log_index"]


def test_a_log_record_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="event 2 has no log record 3 that reads"):
        log_sheet_of(replace(event(b""), kind=OTLP_LOGS), 3)
