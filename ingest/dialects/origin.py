"""Where each column of one span came from: which attribute, of the span or its resource, or which rule.

Nothing is read a second way: a source is asked by reading the span again with a table that has this source alone, so
what is said here is what reading does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.dialects.apply import STATUS_ERROR, read_as
from ingest.dialects.common import COST_CURRENCY, RESOURCE
from ingest.dialects.dialect import CHECKS, TARGETS, Dialect, Inside, Kind, Source
from ingest.sheet import SCALARS, Attributes, Sheet, attributes

ATTRIBUTE, RESOURCE_ATTRIBUTE, NAME, RULE = "attribute", "resource", "name", "rule"
"""Origins: an attribute of the span, one of its resource, the span's name, or a rule over other columns."""

COLUMNS = (*(target for target in TARGETS if target not in CHECKS), "input_basis", "usage_status")
FAILURES = ("error_type", "failed")
"""Targets that say of a span that it failed."""
ABSENT = {"service_name": "unknown_service", "environment": ""}
"""What a column says where nothing was sent."""

CONCLUDED = {
    "operation": {
        "tool": "no attribute says it: it names a tool",
        "chat": "no attribute says it: it names a model and states tokens",
        "other": "no attribute says it",
    },
    "input_basis": {
        "inclusive": "tokens in were sent with those of the cache",
        "exclusive": "tokens in were sent without those of the cache",
        "guessed": "not said if with those of the cache: taken to be",
    },
    "usage_status": {
        "reported": "it states tokens",
        "missing": "an operation of a model that states no tokens",
        "failed": "no tokens, and it failed",
        "not_applicable": "no operation of a model",
    },
}
"""Column -> value -> why a rule gives it."""

ADDED = {
    "input_tokens": "cache and compaction, sent apart, are in it",
    "output_tokens": "reasoning and compaction, sent apart, are in it",
}
"""Column -> why it is more than what was sent."""


@dataclass(frozen=True)
class Origin:
    """One column of a span: its value, and where it came from."""

    column: str
    value: Any
    origin: str
    """ATTRIBUTE, RESOURCE_ATTRIBUTE, NAME or RULE."""
    source: str | None = None
    """The attribute, and what was taken from inside it; None where the origin is none."""
    sent: str | None = None
    """The attribute's text; None where the value is the same, or a part of it."""
    note: str | None = None


def origins(sheet: Sheet, dialect: Dialect) -> list[Origin]:
    """The origin of every column that `dialect` fills for the one record of `sheet`, in the order of COLUMNS."""
    assert len(sheet) == 1, len(sheet)
    span = _Span(sheet, dialect)
    return [origin for column in COLUMNS if (origin := span.origin(column)) is not None]


@dataclass(frozen=True)
class _Span:
    sheet: Sheet
    dialect: Dialect

    @cached_property
    def values(self) -> dict[str, Any]:
        return _read(self.sheet, self.dialect)

    def origin(self, column: str) -> Origin | None:
        value = self.values[column]
        found = self._found(column) if column in TARGETS else None
        if found is None:
            return self._unread(column, value) or _concluded(column, value, self._failure)
        if value is None and column not in COUNTS:
            return None
        sent = None if str(value) == found.sent else found.sent
        return replace(found, value=value, sent=sent, note=found.note or _note(found, value))

    def _found(self, target: str) -> Origin | None:
        ways = (self._of_fields, self._of_operation, self._of_labels, self._of_models, self._of_resource)
        return next((found for way in ways if (found := way(target)) is not None), None)

    def _of_fields(self, target: str) -> Origin | None:
        sources = self.dialect.fields.get(target, ())
        return next((self._origin(target, each) for each in self._there(sources) if self._reads(target, each)), None)

    def _there(self, sources: Sequence[Source]) -> Iterator[Source]:
        return (source for source in sources if _text(self.sheet.attributes, _key(source)))

    def _reads(self, target: str, source: Source) -> bool:
        """Whether `source` alone would give the column a value; of an operation, the one it has."""
        alone = replace(
            self.dialect,
            fields={target: (source,)},
            labels=(),
            operation_prefixes={},
            operation_marks={},
            operation_names=self._said if target != "operation" and TARGETS[target] is not Kind.COUNT else {},
        )
        value = _read(replace(self.sheet, resources=_NO_RESOURCE), alone)[target]
        if target == "operation":
            return bool(value == self.values[target]) and self._maps(source)
        return value is not None and value != ABSENT.get(target)

    def _maps(self, source: Source) -> bool:
        """`other` is also what a span is that says nothing."""
        raw = _text(self.sheet.attributes, _key(source)) or ""
        return isinstance(source, Inside) or raw.strip().lower() in self.dialect.operations

    @cached_property
    def _said(self) -> dict[str, str]:
        """The operation, as a table that gives it to any span; nothing where it is known only after the fields are."""
        by = self._found("operation")
        return {} if by is None else {"": self.values["operation"]}

    def _of_operation(self, target: str) -> Origin | None:
        if target != "operation":
            return None
        name, operation = self.sheet.name[0].as_py(), self.values["operation"]
        for key, given in self.dialect.operation_marks.items():
            if given == operation and _text(self.sheet.attributes, key):
                return Origin(target, None, ATTRIBUTE, key, note="because the attribute is there")
        tables = (self.dialect.operation_prefixes, self.dialect.operation_names)
        prefixes = [prefix for table in tables for prefix, given in table.items() if given == operation]
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        return None if prefix is None else Origin(target, None, NAME, note=f"its name begins with {prefix!r}")

    def _of_labels(self, target: str) -> Origin | None:
        labels = [each for each in self.dialect.labels if each.target == target]
        for label in (each for each in labels if each.operation == self.values["operation"]):
            for key in self._there(label.keys):
                return self._origin(target, key)
            if self.values[target] is not None:
                note = f"what follows {label.prefix!r}" if label.prefix else None
                return Origin(target, None, NAME, note=note)
        return None

    def _of_models(self, target: str) -> Origin | None:
        if target != "provider" or self.values["provider"] is None:
            return None
        for column in ("request_model", "response_model"):
            if (found := self._of_fields(column)) is not None:
                return replace(found, column=target, note="who makes models of this name")
        return None

    def _of_resource(self, target: str) -> Origin | None:
        for key in RESOURCE.get(target, ()):
            if sent := _text(self.sheet.resources, _key(key)):
                return Origin(target, None, RESOURCE_ATTRIBUTE, _key(key), sent)
        return None

    def _unread(self, target: str, value: Any) -> Origin | None:
        currency = _text(self.sheet.attributes, COST_CURRENCY)
        if target != "reported_cost_usd" or value is not None or currency in (None, "USD"):
            return None
        return Origin(target, None, ATTRIBUTE, COST_CURRENCY, currency, "no cost in this currency is read")

    @property
    def _failure(self) -> str | None:
        """What says that the span failed; None if nothing does."""
        if int(self.sheet.status_code[0]) == STATUS_ERROR:
            return "status error"
        for target in FAILURES:
            for source in self._there(self.dialect.fields.get(target, ())):
                alone = replace(self.dialect, fields={target: (source,)})
                if read_as(self.sheet, (alone,), _FIRST).failed[0]:
                    return str(source)
        return None

    def _origin(self, target: str, source: Source) -> Origin:
        inside = isinstance(source, Inside)
        sent = None if inside else _text(self.sheet.attributes, _key(source))
        return Origin(target, None, ATTRIBUTE, str(source), sent, note="a part of the attribute" if inside else None)


COUNTS = frozenset(target for target, kind in TARGETS.items() if kind is Kind.COUNT)
PARTS = ("cache_write_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
"""Of these any two give the third."""


def _concluded(column: str, value: Any, failure: str | None) -> Origin | None:
    if value is None or value == "":
        return None
    if value == ABSENT.get(column):
        return Origin(column, value, RULE, note="nothing says it")
    if column in PARTS:
        return Origin(column, value, RULE, note="from the other counts of cache writes")
    note = CONCLUDED[column][value]
    return Origin(column, value, RULE, note=f"{note}: {failure}" if value == "failed" else note)


def _note(found: Origin, value: Any) -> str | None:
    """Why the value is not the text that was sent."""
    if found.sent is None or str(value) == found.sent:
        return None
    if value is None:
        return "0 tokens in and 0 out: not known"
    if found.column in COUNTS:
        return ADDED.get(found.column, "a whole number") if _number(found.sent) != value else None
    kind = TARGETS[found.column]
    return {Kind.NAME: "made canonical", Kind.MONEY: "as USD", Kind.TEXT: "cut"}.get(kind)


def _number(text: str) -> int | None:
    head = text.strip().split(".")[0]
    return int(head) if head.isdecimal() else None


_FIRST = np.zeros(1, dtype=np.int64)
"""The one span is read by the first of the dialects given."""
_TYPES = dict(zip(SCALARS, (pa.string(), pa.bool_(), pa.int64(), pa.float64()), strict=True))
_NO_RESOURCE = attributes(
    1,
    np.zeros(0, dtype=np.int64),
    pa.array([], pa.string()),
    {name: pa.array([], kind) for name, kind in _TYPES.items()},
    pa.array([], pa.string()),
)


def _read(sheet: Sheet, dialect: Dialect) -> dict[str, Any]:
    columns = read_as(sheet, (dialect,), _FIRST).columns
    return {column: columns[column][0].as_py() for column in COLUMNS}


def _key(source: Source) -> str:
    return source.key if isinstance(source, Inside) else source


def _text(found: Attributes, key: str) -> str | None:
    """The text of attribute `key`; None where it is absent, unset or empty."""
    rows = found.rows(key)
    return (found.text[int(rows[0])].as_py() or None) if len(rows) else None
