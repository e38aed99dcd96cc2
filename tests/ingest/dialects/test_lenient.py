"""Values written oddly: objects quoted twice, as a Python repr, cut off; flags as text; costs inside objects."""

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects import canonical
from ingest.dialects.dialect import any_field, in_quotes, loose_number_field, number_field
from tests.ingest.dialects.one_span import CHAT, read

counts = st.integers(0, 2**53)
words = st.text(st.characters(categories=["Lu", "Ll"]), max_size=6).filter(lambda word: word != "n")
others = st.dictionaries(words, counts | st.booleans() | st.none() | words | st.lists(words, max_size=2), max_size=4)
WRITERS = {"json": json.dumps, "quoted twice": lambda value: json.dumps(json.dumps(value)), "repr": repr}
writers = st.sampled_from(sorted(WRITERS))


def found(source, text):
    return pc.struct_field(pc.extract_regex(pa.array([text]), source.pattern), "v")[0].as_py()


@given(writers, others, counts, others)
def test_a_number_is_found_in_an_object_however_it_is_written(writer, before, count, after):
    text = WRITERS[writer]({**before, "inner": {**before, "n": count}, **after})
    assert found(loose_number_field("k", "m", "n"), text) == str(count)


@given(writers, others, counts, others, st.integers(0, 200))
def test_of_an_object_that_was_cut_off_a_number_is_whole_or_not_read(writer, before, count, after, length):
    text = WRITERS[writer]({**before, "n": count, **after})[:length]
    assert found(loose_number_field("k", "n"), text) in (None, str(count))
    if writer == "json":
        assert found(number_field("k", "n"), text) in (None, str(count))


@given(st.text() | st.sampled_from(['"n": 7,', '\\"n": 7}', '{"n": 7}', " n", '{\\"n\\": 7}']), counts)
def test_what_a_model_wrote_is_never_taken_for_its_usage(content, count):
    text = json.dumps({"text": content, content + '"n': 7, "usage": {"n": count}})
    assert found(number_field("k", "n"), text) == str(count)
    args = json.dumps({"args": {"n": 7}, "usage": {"m": [{"x": 1}], "n": count}})
    assert found(number_field("k", "n", within="usage"), args) == str(count)


@pytest.mark.parametrize(
    "number", ["-5", "1e9", "7.5", "12345678901234567", "None", "null", "NaN", "Infinity", '"x"', "[7]"]
)
def test_what_is_no_whole_number_is_not_found_inside_either(number):
    text = f'{{"n": {number}, "m": 1}}'
    assert found(loose_number_field("k", "n"), text) is None
    assert found(number_field("k", "n"), text) is None


@given(words.filter(bool), words)
def test_a_text_is_found_in_an_object_that_is_quoted_once_or_twice(value, other):
    text = json.dumps({"o": other, "team": value}, ensure_ascii=False)
    assert found(any_field("k", "team"), text) == value
    assert found(any_field("k", "team"), json.dumps(text, ensure_ascii=False)) == value
    assert found(any_field("k", "group"), text) is None


@given(words.filter(bool))
def test_quotes_around_a_whole_text_are_taken_off_and_others_are_not(text):
    assert found(in_quotes("k"), json.dumps(text, ensure_ascii=False)) == text
    assert found(in_quotes("k"), text) is None


@given(
    st.text()
    | st.recursive(counts | st.floats() | words, lambda inner: st.lists(inner) | st.dictionaries(words, inner)).map(
        json.dumps
    )
)
def test_no_text_is_too_odd_for_any_reader(text):
    for source in (any_field("k", "n"), in_quotes("k"), number_field("k", "n"), loose_number_field("k", "n")):
        found(source, text)
    for reader in (*canonical.OF_KEY.values(), *canonical.OF_TARGET.values()):
        reader(text)


# Costs


@given(st.dictionaries(words.filter(lambda word: word != "total"), st.decimals(0, 1000, places=6), min_size=1))
def test_costs_without_a_total_are_summed_exactly(parts):
    text = json.dumps({name: float(amount) for name, amount in parts.items()})
    assert canonical.cost_of_details(text) == sum(parts.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"input": 0.001, "output": 0.005, "total": 0.006}', "0.006"),
        ('{"input": 0.001, "output": 0.005}', "0.006"),
        ('"{\\"total\\": 0.006}"', "0.006"),
        ('{"total": "0.006"}', "0.006"),
        ('{"total": NaN}', None),
        ('{"input": 0.001, "output": Infinity}', None),
        ('{"input": 0.001, "output": null}', None),
        ('{"input": 0.001, "outp', None),
        ("{}", None),
        ("[0.006]", None),
        ("0.006", None),
        ("[" * 4_000, None),
        ('{"total": 1, "x": "' + "y" * 5_000 + '"}', None),
    ],
)
def test_cost_details(text, expected):
    assert canonical.cost_of_details(text) == (None if expected is None else Decimal(expected))


@given(st.integers(0, 10**12))
def test_micros_are_exact(micros):
    assert canonical.cost_of_micros(str(micros)) == Decimal(micros).scaleb(-6)


# Failures


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"success": False}, "failed"),
        ({"success": "false"}, "failed"),
        ({"success": "False"}, "failed"),
        ({"success": True}, "missing"),
        ({"success": "true"}, "missing"),
        ({"success": ""}, "missing"),
        ({"http.response.status_code": 529}, "failed"),
        ({"http.response.status_code": "429"}, "failed"),
        ({"http.response.status_code": 200}, "missing"),
        ({"error.type": "overloaded"}, "failed"),
    ],
)
def test_a_call_failed_by_what_its_attributes_say(attributes, status):
    request = {"span.type": "llm_request", "model": "claude-sonnet-4-5", **attributes}
    assert read(request, "com.anthropic.claude_code.tracing")["usage_status"] == status


def test_a_level_of_langfuse_is_a_failure():
    generation = {"langfuse.observation.type": "generation", "langfuse.observation.level": "ERROR"}
    assert read(generation)["usage_status"] == "failed"
    assert read({**generation, "langfuse.observation.level": "WARNING"})["usage_status"] == "missing"


def test_a_failure_with_usage_is_reported():
    row = read({**CHAT, "error.type": "timeout", "gen_ai.usage.output_tokens": 3})
    assert row["usage_status"] == "reported"
