"""What of a span's attributes the map keeps, what a column holds instead, and that nothing is lost between the two."""

import pytest
from hypothesis import given, settings

from ingest.decode import decode
from ingest.decode.walk import read_walk
from ingest.dialects import DIALECTS
from ingest.dialects.held import SHOWN, WHOLE
from queries.views import documentation
from tests.ingest.decode.made import CAPTURES, capture, event, request, requests


def only(made):
    """The one row of a request of one span."""
    (row,) = decode([event(made.SerializeToString())]).spans.to_pylist()
    return row


def sent_attributes(body):
    """Key -> text of every attribute, by position of the span in the request; of a key sent twice the last counts."""
    sheet, refused = read_walk([body])
    assert not refused
    if sheet is None:
        return {}
    spans = {index: {} for index in sheet.index.tolist()}
    found = sheet.attributes
    for owner, key, text in zip(found.owner.tolist(), found.key.to_pylist(), found.text.to_pylist(), strict=True):
        spans[int(sheet.index[owner])][key] = text
    return spans


def says(row, key, text):
    """Whether `row` says that attribute `key` was `text`, in the map or in the column that it is the best source of."""
    attributes = dict(row["attributes"])
    if key in attributes:
        return attributes[key] == text
    fields = next(dialect.fields for dialect in DIALECTS if dialect.name == row["dialect"])
    columns = [name for name, sources in fields.items() if key in (sources if name in WHOLE else sources[:1])]
    return any(row[name] is not None and str(row[name]) == text for name in columns)


def lost(body):
    rows, sent = decode([event(body)]).spans.to_pylist(), sent_attributes(body)
    pairs = [(row, key, text) for row in rows for key, text in sent[row["span_index"]].items()]
    return [(key, text) for row, key, text in pairs if not says(row, key, text)]


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_of_the_attributes_of_the_samples_is_lost(name):
    assert lost(capture(name)) == []


@given(requests())
@settings(max_examples=100)
def test_nothing_of_any_attributes_is_lost(body):
    assert lost(body) == []


def test_what_a_column_holds_letter_for_letter_is_not_kept_twice():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.input.messages": "[]",
    }
    assert only(request({"attributes": attributes}))["attributes"] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gen_ai.operation.name", "generate_content"),  # renamed
        ("gen_ai.provider.name", "OpenAI"),
        ("gen_ai.usage.input_tokens", "7"),  # not sent as an integer
        ("gen_ai.usage.input_tokens", 7.5),
        ("session.id", "c"),  # not the best source of its column
        ("openai.response.service_tier", "flex"),  # its column is not shown with spans
        ("gen_ai.usage.cost.amount", 0.5),
    ],
)
def test_what_no_column_holds_letter_for_letter_is_kept(key, value):
    row = only(request({"attributes": {"gen_ai.operation.name": "chat", key: value}}))
    assert dict(row["attributes"])[key] == str(value)


def test_a_count_that_was_made_inclusive_is_kept_as_it_was_sent():
    counts = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 1, "gen_ai.usage.total_tokens": 9}
    more = {"gen_ai.operation.name": "chat", "gen_ai.usage.cache_read.input_tokens": 3}
    row = only(request({"attributes": {**counts, **more}}))
    attributes = dict(row["attributes"])
    assert row["input_tokens"] == 8
    assert attributes["gen_ai.usage.input_tokens"] == "5"


def test_columns_that_hold_attributes_are_shown_by_the_public_view():
    assert {*SHOWN, *WHOLE} <= set(documentation("spans")[1])
