"""The words of matching clauses, one by one, and that looking up equalities changes no answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.clause import PATTERN_CHARS_MAX, FirstMatch, compile_clause
from ledger.errors import Refused


@pytest.mark.parametrize(
    ("clause", "matches", "does_not"),
    [
        ({"equals": "GPT-4o"}, "gpt-4o", "gpt-4o-mini"),
        ({"starts_with": "Claude-"}, "claude-3", "the-claude-3"),
        ({"ends_with": "-MINI"}, "gpt-4o-mini", "gpt-4o-mini-x"),
        ({"contains": "Opus"}, "us.anthropic.claude-opus-4", "claude-sonnet"),
        ({"regex": "^o[134]"}, "o3-mini", "gpt-o3"),
        ({"regex": "v2$"}, "model-v2", "model-v2.1"),
        ({"or": [{"equals": "a"}, {"equals": "b"}]}, "b", "c"),
        ({"and": [{"starts_with": "a"}, {"ends_with": "z"}]}, "a-z", "a-y"),
        ({"or": [{"and": [{"contains": "x"}, {"contains": "y"}]}, {"equals": "q"}]}, "yx", "x"),
    ],
)
def test_a_clause_matches_as_its_word_says(clause: Any, matches: str, does_not: str) -> None:
    test = compile_clause(clause)
    assert (test(matches), test(does_not)) == (True, False)
    assert (FirstMatch.of([clause]).find(matches), FirstMatch.of([clause]).find(does_not)) == (0, None)


@pytest.mark.parametrize(
    "clause",
    [
        None,
        "gpt",
        {},
        {"equals": "a", "contains": "b"},
        {"like": "a"},
        {"equals": 1},
        {"or": "a"},
        {"or": [{"and": [3]}]},
        {"regex": "("},
        {"contains": "x" * (PATTERN_CHARS_MAX + 1)},
    ],
)
def test_what_is_no_clause_is_refused(clause: Any) -> None:
    with pytest.raises(Refused, match="price book"):
        FirstMatch.of([clause])


NAMES = st.text("ab-", min_size=1, max_size=3)
LEAVES = st.tuples(st.sampled_from(["equals", "starts_with", "ends_with", "contains"]), NAMES).map(
    lambda it: {it[0]: it[1]}
)
CLAUSES = st.recursive(
    LEAVES,
    lambda part: st.tuples(st.sampled_from(["or", "and"]), st.lists(part, max_size=3)).map(lambda it: {it[0]: it[1]}),
)


@given(st.lists(CLAUSES, max_size=8), NAMES)
def test_the_first_clause_that_matches_is_found(clauses: list[Any], name: str) -> None:
    in_order = [compile_clause(clause)(name) for clause in clauses]
    assert FirstMatch.of(clauses).find(name) == (in_order.index(True) if True in in_order else None)
