"""Overrides in YAML: what a person may write, and how a mistake is answered."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.rule_events import read_set, set_body
from ledger.books.tiers import Tier
from ledger.errors import Refused
from spanledger.overrides_file import read_overrides, rules

DAY_NS = 86_400 * 10**9

FILE = """
overrides:
  - id: openai-agreement
    match: {provider: openai, model: "gpt-4o*", unit: output_tokens}
    multiply: "0.85"
    valid_from: 1970-01-03
    valid_to: "1970-01-04T00:00:00+02:00"
    reason: agreement 4711
  - id: own-model
    match: {model: our-llama, unit: fresh_input_tokens}
    price_usd: "0.20"
    reason: what the machines cost us
    author: jane
  - id: fee
    match: {provider: acme, unit: requests}
    price_usd: 1
    reason: a dollar a request
  - id: tool
    match: {tool: Web_*, unit: tool_seconds}
    price_usd: "0.05"
    reason: what the sandbox costs us
  - id: steps
    match: {model: our-llama, unit: output_tokens}
    tiers: [{from: 0, price_usd: "0.40"}, {from: 1000, price_usd: 1}]
    tier_rule: graduated
    reason: long answers are dearer
"""


def test_a_file_says_what_it_says(tmp_path: Path) -> None:
    one, two, three, four, five = read_overrides(_written(tmp_path, FILE), "login")
    assert (one.provider, one.model, one.unit, one.multiply) == ("openai", "gpt-4o*", "output_tokens", Decimal("0.85"))
    assert (one.valid_from_ns, one.valid_to_ns) == (2 * DAY_NS, 3 * DAY_NS - 2 * 3_600 * 10**9)
    assert (one.author, two.author) == ("login", "jane")
    assert (two.price_usd, two.per) == (Decimal("0.20"), 1_000_000)
    assert (three.price_usd, three.per) == (Decimal(1), 1)
    assert (four.tool, four.unit, four.price_usd, four.per) == ("web_*", "tool_seconds", Decimal("0.05"), 1)
    assert (five.tiers, five.tier_rule) == ((Tier(0, Decimal("0.40")), Tier(1_000, Decimal(1))), "graduated")
    assert (five.price_usd, five.per) == (None, 1_000_000)
    assert list(read_set(set_body([one, two, three, four, five]))) == [one, two, three, four, five]


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            'multiply: "0.85"',
            "multiply: 0.85",
            r"override 1 \(openai-agreement\): multiply: 0.85 is not in quotes.*\"0.85\"",
        ),
        ('price_usd: "0.20"', "price_usd: 0.20", r"own-model\): price_usd: 0.2 is not in quotes"),
        ('multiply: "0.85"', 'multiply: "85%"', "a decimal number as text expected"),
        ("price_usd: 1", "price_usd: true", "a decimal number in quotes expected"),
        ("valid_from: 1970-01-03", "valid_from: yesterday", "a date or an RFC 3339 time"),
        ("valid_from:", "valid_form:", "valid_form is not known"),
        ("unit: requests", "units: requests", "match: units is not known"),
        ("unit: requests", "unit: request", "unit 'request': one of"),
        ("unit: tool_seconds", "unit: requests", r"\(tool\): price override tool: give `tool`.*together"),
        ("id: fee", "id: own-model", None),
        ('price_usd: "0.40"', "price_usd: 0.40", r"\(steps\): tiers: tier 1: 0.4 is not in quotes"),
        ("{from: 1000,", "{form: 1000,", r"\(steps\): .*tier 2: an object with `from` and `price_usd` expected"),
        ("tiers: [{from: 0", "tiers: [{from: 7", "tiers begin at 7, 1000"),
        ("tier_rule: graduated", "tier_rule: slabs", "tier_rule 'slabs': whole or graduated expected"),
        ("overrides:", "override:", "one key expected, `overrides`"),
        ("overrides:", "overrides: [", "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_rule_and_key(tmp_path: Path, before: str, after: str, words: str | None) -> None:
    assert before in FILE
    file = _written(tmp_path, FILE.replace(before, after))
    if words is None:
        with pytest.raises(Refused, match="stands several times"):
            read_set(set_body(read_overrides(file, "login")))
    else:
        with pytest.raises(Refused, match=words):
            read_overrides(file, "login")


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["overrides", "id", "match", "multiply", "price_usd", "tiers", "unit", "reason", "valid_from"]
            )
            | st.integers(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(tree=trees | trees.map(lambda inner: {"overrides": [inner]}))
def test_whatever_yaml_gives_is_read_or_refused(tree: object) -> None:
    try:
        found = rules(tree, "file", "login")
    except Refused:
        return
    assert found
