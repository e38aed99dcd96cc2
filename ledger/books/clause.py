"""Clauses that say which names mean a provider or a model: equals, starts_with, ends_with, contains, regex, or, and.

They are read as genai-prices reads them: names are compared in lower case, patterns search anywhere in the lower-cased
name, the first of a list that matches is meant.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ledger.errors import Refused

Test: TypeAlias = Callable[[str], bool]

PATTERN_CHARS_MAX = 2_000
"""Longest text in a clause; the seed's longest has some 200."""

DEPTH_MAX = 32
"""Clauses within clauses; the seed's have 3. A bound of our own: Python's depends on how much stack is in use."""


def compile_clause(clause: Any, depth: int = 1) -> Test:
    """A test of lower-cased names. Raises Refused for what is no clause."""
    word, value = _parts(clause, depth)
    if word in _LISTS:
        return _LISTS[word]([compile_clause(part, depth + 1) for part in value])
    return _TESTS[word](value)


def _parts(clause: Any, depth: int) -> tuple[str, Any]:
    if depth > DEPTH_MAX:
        raise Refused(f"price book: clauses are nested deeper than {DEPTH_MAX}")
    if not isinstance(clause, Mapping) or len(clause) != 1:
        raise Refused(
            f"price book: {str(clause)[:100]!r} is no clause: one of {', '.join([*_TESTS, *_LISTS])} expected"
        )
    ((word, value),) = clause.items()
    text = word in _TESTS and isinstance(value, str) and len(value) <= PATTERN_CHARS_MAX
    if not text and not (word in _LISTS and isinstance(value, list)):
        raise Refused(f"price book: clause {str(clause)[:100]!r} has an unknown word or a value of the wrong kind")
    return word, value


def _regex(pattern: str) -> Test:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(f"price book: clause regex {pattern[:100]!r} cannot be read: {error}") from error
    return lambda name: compiled.search(name) is not None


def _text_test(method: Callable[[str, str], bool]) -> Callable[[str], Test]:
    def with_value(value: str) -> Test:
        lowered = value.lower()
        return lambda name: method(name, lowered)

    return with_value


_TESTS: Mapping[str, Callable[[str], Test]] = {
    "equals": _text_test(str.__eq__),
    "starts_with": _text_test(str.startswith),
    "ends_with": _text_test(str.endswith),
    "contains": _text_test(str.__contains__),
    "regex": _regex,
}
_LISTS: Mapping[str, Callable[[list[Test]], Test]] = {
    "or": lambda tests: lambda name: any(test(name) for test in tests),
    "and": lambda tests: lambda name: all(test(name) for test in tests),
}


@dataclass(frozen=True)
class FirstMatch:
    """Position of the first clause of a list that a name satisfies. Equalities are looked up, the rest is tried in
    order."""

    equal: Mapping[str, int]
    tests: Sequence[tuple[int, Test]]

    @classmethod
    def of(cls, clauses: Sequence[Any]) -> "FirstMatch":
        equal: dict[str, int] = {}
        tests: list[tuple[int, Test]] = []
        for position, clause in enumerate(clauses):
            for part, depth in _alternatives(clause, 1):
                word, value = _parts(part, depth)
                if word == "equals":
                    equal.setdefault(value.lower(), position)
                else:
                    tests.append((position, compile_clause(part, depth)))
        return cls(equal, tests)

    def find(self, name: str) -> int | None:
        best = self.equal.get(name)
        for position, test in self.tests:
            if best is not None and position >= best:
                break
            if test(name):
                return position
        return best


def _alternatives(clause: Any, depth: int) -> Sequence[tuple[Any, int]]:
    word, value = _parts(clause, depth)
    return [part for each in value for part in _alternatives(each, depth + 1)] if word == "or" else [(clause, depth)]
