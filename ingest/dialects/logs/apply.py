"""The dialects of logs applied to a Sheet of log records: as those of spans, and what only logs have."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.dialects.apply import STATUS_ERROR, read_as
from ingest.dialects.columns import CountColumn
from ingest.dialects.detect import claims_of
from ingest.dialects.logs import LOG_DIALECTS
from ingest.dialects.logs.log_dialect import LogDialect
from ingest.sheet import Attributes, Ints, Mask, Sheet, is_valid

SEVERITY_ERROR = 17
"""ERROR; FATAL is above it."""
DURATION_MS_MAX = 2**63 // 10**6 - 1
NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class LogReading:
    """What the dialects made of log records."""

    columns: dict[str, pa.Array]
    """Columns of `logs`, one value a log record."""
    held: Mask
    """Attributes (rows of the Sheet's) that a column holds letter for letter."""
    failed: Mask


def read_log_dialects(sheet: Sheet, body: Attributes) -> LogReading:
    """Every column of `logs` that has to be interpreted. `body`: one attribute a log record."""
    names = sheet.name.dictionary_encode()
    sheet, claims = prepared(sheet)
    reading = read_as(sheet, LOG_DIALECTS, claims)
    columns = {**reading.columns, "body": body.text, "duration_ns": _durations(sheet, claims)}
    for target in ("input", "output"):
        mine = _by_name(claims, names, partial(_is_body_of, target))
        moved = pa.array(mine & columns[target].is_null().to_numpy(zero_copy_only=False))
        columns[target] = pc.if_else(moved, columns["body"], columns[target])
        columns["body"] = pc.if_else(moved, pa.scalar(None, pa.string()), columns["body"])
    return LogReading(columns, reading.held, reading.failed)


def prepared(sheet: Sheet) -> tuple[Sheet, Ints]:
    """`sheet` with a status, as spans have one, and for each log record the position of the dialect that reads it."""
    names = sheet.name.dictionary_encode()
    claims = _claims(sheet, names)
    failures = _by_name(claims, names, lambda one, name: name in one.failures)
    failed = failures | (sheet.kind >= SEVERITY_ERROR)
    return replace(sheet, status_code=np.where(failed, STATUS_ERROR, 0)), claims


def _is_body_of(target: str, dialect: LogDialect, event: str) -> bool:
    return dialect.bodies.get(event) == target


def _claims(sheet: Sheet, names: pa.DictionaryArray) -> Ints:
    """For each log record the position in LOG_DIALECTS of the one that reads it: by its event, else as for spans."""
    by_event = np.array([_of_event(name) for name in names.dictionary.to_pylist()], dtype=np.int64)
    claims: Ints = by_event[names.indices.to_numpy(zero_copy_only=False)]
    return np.where(claims >= 0, claims, claims_of(sheet, LOG_DIALECTS))


def _of_event(name: str) -> int:
    claimed = (n for n, one in enumerate(LOG_DIALECTS) if one.events and name.startswith(one.events))
    return next(claimed, -1)


def _by_name(claims: Ints, names: pa.DictionaryArray, holds: Callable[[LogDialect, str], bool]) -> Mask:
    """Where the record's dialect and event name satisfy `holds`. Most names say nothing to any dialect."""
    found = np.zeros(len(claims), dtype=np.bool_)
    code = names.indices.to_numpy(zero_copy_only=False)
    for at, name in enumerate(names.dictionary.to_pylist()):
        speaking = [number for number, one in enumerate(LOG_DIALECTS) if holds(one, name)]
        if speaking:
            found |= (code == at) & np.isin(claims, speaking)
    return found


def _durations(sheet: Sheet, claims: Ints) -> pa.Int64Array:
    """In ns."""
    found = sheet.attributes
    column, said = CountColumn(found.owners), is_valid(found.text)
    for number in np.unique(claims).tolist():
        for key in reversed(LOG_DIALECTS[number].durations):
            rows = found.rows(key)
            column.fill(found, rows[(claims[found.owner[rows]] == number) & said[rows]])
    known = column.known & (column.value <= DURATION_MS_MAX)
    return pa.array(np.where(known, column.value, 0) * NS_PER_MS, mask=~known)
