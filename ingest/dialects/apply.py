"""The dialects applied to a Sheet, by whole columns: which dialect reads which span, then its table, source by source.

Guarantees: nothing is lost (what no column holds letter for letter stays an attribute), and no value however odd
raises: a source that does not read is as if absent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.dialects import DIALECTS, canonical, usage
from ingest.dialects.columns import CountColumn, NameColumn, TextColumn
from ingest.dialects.common import COST_CURRENCY, RESOURCE
from ingest.dialects.detect import claims_of
from ingest.dialects.dialect import CHECKS, MODEL_OPERATIONS, TARGETS, Dialect, Inside, Kind, Label, Source
from ingest.dialects.held import Filled, held
from ingest.dialects.sharing import Sharing
from ingest.sheet import Attributes, Ints, Mask, Sheet, clipped

STATUS_ERROR = 2

Operations = Mapping[str, str]
"""Raw value, lower case -> operation."""


@dataclass(frozen=True)
class Reading:
    """What the dialects made of a Sheet."""

    columns: dict[str, pa.Array]
    """Columns of `spans`, one value a span."""
    held: Mask
    """Attributes (rows of the Sheet's) that a column holds letter for letter."""
    failed: Mask
    """Spans that say of themselves that they failed."""


def read_dialects(sheet: Sheet) -> Reading:
    """Every column of `spans` that has to be interpreted."""
    return read_as(sheet, DIALECTS, claims_of(sheet, DIALECTS))


def read_as(sheet: Sheet, dialects: Sequence[Dialect], claims: Ints) -> Reading:
    """The same. `claims`: for each span the position in `dialects` of the one that reads it."""
    reader = _Reader(sheet.attributes)
    sharing = Sharing(claims, dialects)
    _read(reader, sharing, sheet)
    _conclude_provider(reader)
    failed = _failed(reader, sheet)
    columns = {**_conclude_usage(reader, sharing, failed), **_arrays(reader), **_inherited(sheet, reader)}
    columns["dialect"] = _constant([dialect.name for dialect in dialects], claims)
    columns["mapping_version"] = pa.array(np.array([dialect.version for dialect in dialects], np.int32)[claims])
    return Reading(columns, held(sheet.attributes, reader.columns(), sharing), failed)


class _Reader:
    """Columns being filled from one set of attributes."""

    def __init__(self, found: Attributes) -> None:
        rows = found.owners
        self.found = found
        self.texts = {target: TextColumn(rows) for target, kind in TARGETS.items() if kind is Kind.TEXT}
        self.names = {target: NameColumn(rows) for target, kind in TARGETS.items() if kind in (Kind.NAME, Kind.MONEY)}
        self.counts = {target: CountColumn(rows) for target, kind in TARGETS.items() if kind is Kind.COUNT}
        self.reported_source = NameColumn(rows)
        filled = pc.fill_null(pc.binary_length(found.text), 0).to_numpy(zero_copy_only=False) > 0
        self.filled: Mask = filled

    def columns(self) -> Mapping[str, Filled]:
        return {**self.texts, **self.names, **self.counts}

    def rows(self, key: str, where: Mask | None) -> Ints:
        """Rows of the attributes `key` that hold something, of the owners `where`."""
        rows = self.found.rows(key)
        if not len(rows):
            return rows
        keep = self.filled[rows] if where is None else self.filled[rows] & where[self.found.owner[rows]]
        return rows if keep.all() else rows[keep]


def _read(reader: _Reader, sharing: Sharing, sheet: Sheet) -> None:
    for dialect, where in sharing.agreeing(lambda one: (one.fields.get("operation"), id(one.operations))):
        _read_field(reader, "operation", dialect.fields.get("operation", ()), where, dialect.operations)
    for dialect, where in sharing:
        _read_operation_otherwise(reader, dialect, where, sheet)
    for target in TARGETS:
        if target != "operation":
            for dialect, where in sharing.agreeing(partial(_sources, target)):
                _read_field(reader, target, _sources(target, dialect), where)
    _conclude_operation(reader)
    for dialect, where in sharing.agreeing(lambda one: one.labels):
        for label in dialect.labels:
            _read_label(reader, label, where, sheet)


def _sources(target: str, dialect: Dialect) -> tuple[Source, ...]:
    return dialect.fields.get(target, ())


def _read_operation_otherwise(reader: _Reader, dialect: Dialect, where: Mask | None, sheet: Sheet) -> None:
    """By the name over what an attribute says; where none does, by an attribute being there, else by the name."""
    operation = reader.names["operation"]
    for prefix, name in dialect.operation_prefixes.items():
        operation.fill_all(_named(sheet, prefix, where) & (operation.code >= 0), name)
    for key, name in dialect.operation_marks.items():
        owner = reader.found.owner[reader.rows(key, where)]
        operation.fill_all(owner[operation.code[owner] < 0], name)
    for prefix, name in dialect.operation_names.items():
        operation.fill_all(_named(sheet, prefix, where) & (operation.code < 0), name)


def _named(sheet: Sheet, prefix: str, where: Mask | None) -> Mask:
    named: Mask = pc.starts_with(sheet.name, prefix).to_numpy(zero_copy_only=False)
    return named if where is None else named & where


def _read_field(
    reader: _Reader, target: str, sources: Sequence[Source], where: Mask | None, operations: Operations | None = None
) -> None:
    fill = FILL[TARGETS[target]]
    for source in reversed(sources):  # the best is written last
        key = source.key if isinstance(source, Inside) else source
        rows = reader.rows(key, where)
        if len(rows):
            inner = _inner(reader, source, rows) if isinstance(source, Inside) else None
            fill(reader, target, key, rows, inner, operations)


Inner = tuple[Ints, pa.StringArray]
"""Owners, and for each the text that was found inside one of its attributes."""


def _inner(reader: _Reader, source: Inside, rows: Ints) -> Inner:
    if source.model_only:
        rows = rows[reader.names["operation"].where(MODEL_OPERATIONS)[reader.found.owner[rows]]]
    extracted = pc.struct_field(pc.extract_regex(reader.found.text.take(pa.array(rows)), source.pattern), "v")
    got = extracted.is_valid().to_numpy(zero_copy_only=False)
    return reader.found.owner[rows[got]], extracted.drop_null()


def _fill_text(reader: _Reader, target: str, _: str, rows: Ints, inner: Inner | None, __: Operations | None) -> None:
    if inner is None:
        reader.texts[target].fill(reader.found, rows)
    else:
        reader.texts[target].fill_inner(*inner)


def _fill_name(
    reader: _Reader, target: str, key: str, rows: Ints, inner: Inner | None, operations: Operations | None
) -> Ints:
    canonical, column = _canonical(target, key, operations), reader.names[target]
    return column.fill(reader.found, rows, canonical) if inner is None else column.fill_inner(*inner, canonical)


def _fill_count(reader: _Reader, target: str, _: str, rows: Ints, inner: Inner | None, __: Operations | None) -> None:
    if inner is None:
        reader.counts[target].fill(reader.found, rows)
    else:
        reader.counts[target].fill_inner(*inner)


def _fill_money(
    reader: _Reader, target: str, key: str, rows: Ints, inner: Inner | None, operations: Operations | None
) -> None:
    reader.reported_source.fill_all(_fill_name(reader, target, key, rows, inner, operations), key)


FILL: dict[Kind, Callable[[_Reader, str, str, Ints, Inner | None, Operations | None], object]] = {
    Kind.TEXT: _fill_text,
    Kind.NAME: _fill_name,
    Kind.COUNT: _fill_count,
    Kind.MONEY: _fill_money,
}


def _canonical(target: str, key: str, operations: Operations | None) -> Callable[[str], Any]:
    if operations is not None:
        return lambda raw: operations.get(raw.strip().lower())
    return canonical.OF_KEY.get(key) or canonical.OF_TARGET[target]


def _conclude_operation(reader: _Reader) -> None:
    """Where no attribute says what a span did: a tool's name makes it a tool, a model with usage a chat."""
    operation = reader.names["operation"]
    tool = reader.texts["tool_name"].known() | reader.texts["tool_call_id"].known()
    model = reader.texts["request_model"].known() | reader.texts["response_model"].known()
    usage_known = reader.counts["input_tokens"].known | reader.counts["output_tokens"].known
    operation.fill_all((operation.code < 0) & tool, "tool")
    operation.fill_all((operation.code < 0) & model & usage_known, "chat")
    operation.fill_all(operation.code < 0, "other")


def _read_label(reader: _Reader, label: Label, where: Mask | None, sheet: Sheet) -> None:
    column = reader.texts[label.target]
    unnamed = reader.names["operation"].where(frozenset({label.operation})) & ~column.known()
    unnamed &= True if where is None else where
    for key in reversed(label.keys):
        column.fill(reader.found, reader.rows(key, unnamed))
    rows = np.flatnonzero(unnamed & ~column.known())
    names = sheet.name.take(pa.array(rows))
    good = pc.starts_with(names, label.prefix).to_numpy(zero_copy_only=False)
    good &= pc.binary_length(names).to_numpy(zero_copy_only=False) > len(label.prefix.encode())
    column.fill_inner(rows[good], pc.utf8_slice_codeunits(names.filter(pa.array(good)), len(label.prefix)))


def _conclude_provider(reader: _Reader) -> None:
    provider = reader.names["provider"]
    for target in ("request_model", "response_model"):
        rows = reader.texts[target].picked[(provider.code < 0) & (reader.texts[target].picked >= 0)]
        provider.fill(reader.found, rows, canonical.provider_of_model)


def _failed(reader: _Reader, sheet: Sheet) -> Mask:
    failed: Mask = (reader.names["failed"].code >= 0) | (sheet.status_code == STATUS_ERROR)
    failed |= reader.texts["error_type"].known()
    return failed


def _conclude_usage(reader: _Reader, sharing: Sharing, failed: Mask) -> dict[str, pa.Array]:
    dialects, claims = sharing.dialects, sharing.claims
    says = np.array([-1 if d.input_includes_cache is None else d.input_includes_cache for d in dialects])[claims]
    operation = reader.names["operation"]
    apart = np.array([not dialect.output_includes_reasoning for dialect in dialects])[claims]
    basis = usage.normalise(reader.counts, operation, says == 1, says == -1, apart)
    status = usage.usage_status(reader.counts, operation, failed)
    return {
        **usage.arrays(reader.counts),
        "input_basis": basis.array(pa.string()),
        "usage_status": status.array(pa.string()),
    }


def _arrays(reader: _Reader) -> dict[str, pa.Array]:
    foreign = reader.found.rows(COST_CURRENCY)
    currency = reader.found.text.take(pa.array(foreign))
    foreign = foreign[pc.not_equal(currency, pa.scalar("USD", pa.string())).to_numpy(zero_copy_only=False)]
    for column in (reader.names["reported_cost_usd"], reader.reported_source):
        column.code[reader.found.owner[foreign]] = -1
    texts = {target: column.array(reader.found) for target, column in reader.texts.items()}
    names = {
        target: column.array(pa.decimal128(38, 12) if TARGETS[target] is Kind.MONEY else pa.string())
        for target, column in reader.names.items()
        if target not in CHECKS
    }
    return {**texts, **names, "reported_source": reader.reported_source.array(pa.string())}


def _inherited(sheet: Sheet, reader: _Reader) -> dict[str, pa.Array]:
    """What the resource says, where the span does not."""
    resource = _Reader(sheet.resources)
    for target, sources in RESOURCE.items():
        _read_field(resource, target, sources, None)
    row = pa.array(sheet.resource)
    columns = {
        target: pc.coalesce(reader.texts[target].array(reader.found), clipped(column.array(sheet.resources)).take(row))
        for target, column in resource.texts.items()
        if target in RESOURCE
    }
    columns["service_name"] = pc.fill_null(columns["service_name"], "unknown_service")
    columns["environment"] = pc.fill_null(columns["environment"], "")
    return columns


def _constant(names: list[str], code: Ints) -> pa.StringArray:
    return pa.array(names, pa.string()).take(pa.array(code))
