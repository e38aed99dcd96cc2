"""The dialects' tables as Markdown (docs/reference/dialects.md): `python -m ingest.dialects.reference` prints them."""

import sys
from collections.abc import Iterator, Mapping

from ingest.dialects import DIALECTS
from ingest.dialects.common import RESOURCE
from ingest.dialects.dialect import TARGETS, Dialect, Fields
from ingest.dialects.otel_genai import OTEL_GENAI

BASE = OTEL_GENAI
"""Most dialects add to this one; of their tables only the rows that differ are shown."""

SHOWN_MAX = 4
"""Scopes of a dialect in the overview."""

CACHE = {True: "includes cache reads and writes", False: "leaves the cache out", None: "is guessed from the numbers"}


def tables() -> str:
    """An overview, one section a dialect, both in order of precedence, and one for the resource."""
    sections = [*_overview(), *(line for dialect in DIALECTS for line in _dialect(dialect)), *_resource()]
    return "\n".join(sections) + "\n"


def _overview() -> Iterator[str]:
    yield from ("## All", "", "| dialect | scopes | else by the attributes | held by |", "|---|---|---|---|")
    for one in DIALECTS:
        link = f"[{one.name}](#{one.name}-version-{one.version})"
        yield f"| {link} | {_list(one.scopes, SHOWN_MAX)} | {_list(one.marks)} | {_held_by(one)} |"
    yield ""


def _held_by(dialect: Dialect) -> str:
    if dialect is DIALECTS[-1]:
        return "nothing to hold: it reads what no other recognises"
    return ", ".join(f"`{name.split('/')[1]}`" for name in dialect.captures) or "its documentation alone"


def _dialect(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.name} (version {dialect.version})"
    yield ""
    yield f"- Scopes: {_list(dialect.scopes)}"
    yield f"- Else by the attributes: {_list(dialect.marks)}"
    yield f"- Input {CACHE[dialect.input_includes_cache]} unless the numbers show otherwise."
    if not dialect.output_includes_reasoning:
        yield "- Output leaves reasoning out unless the numbers show otherwise."
    yield from _labels(dialect)
    if dialect.reference:
        yield f"- Convention: <{dialect.reference}>"
    yield ""
    yield from _fields(dialect.fields, {} if dialect is BASE else BASE.fields)
    yield from _operations(dialect.operations, {} if dialect is BASE else BASE.operations)


def _labels(dialect: Dialect) -> Iterator[str]:
    for label in dialect.labels:
        rest = f"its name after `{label.prefix.strip()}`" if label.prefix else "its name"
        sources = ", ".join([*(f"`{key}`" for key in label.keys), rest])
        yield f"- `{label.target}` of a span of operation `{label.operation}` that names none: {sources}."
    for prefix, operation in dialect.operation_prefixes.items():
        yield f"- A span whose name starts with `{prefix.strip()}` has operation `{operation}`."
    for key, operation in dialect.operation_marks.items():
        yield f"- A span without a known operation that has `{key}` has `{operation}`."
    for prefix, operation in dialect.operation_names.items():
        yield f"- Another one without a known operation whose name starts with `{prefix.strip()}` has `{operation}`."


def _resource() -> Iterator[str]:
    yield "## From the resource, whatever the dialect"
    yield ""
    yield from _fields(RESOURCE, {})


def _fields(fields: Fields, base: Fields) -> Iterator[str]:
    """The rows of `fields` that `base` has not; those of `base` that are not read at all, too."""
    rows = {target: fields.get(target, ()) for target in TARGETS if fields.get(target) != base.get(target)}
    if base:
        yield f"As `{BASE.name}`{', but:' if rows else '.'}"
        yield ""
    if rows:
        yield from ("| field | sources, in order |", "|---|---|")
        for target, sources in rows.items():
            yield f"| {target} | {', '.join(f'`{source}`' for source in sources) or 'not read'} |"
        yield ""


def _operations(operations: Mapping[str, str], base: Mapping[str, str]) -> Iterator[str]:
    if not operations.items() >= base.items():
        base = {}
    rows = {raw: operation for raw, operation in operations.items() if base.get(raw) != operation}
    if rows:
        yield from (f"| raw operation{', besides' if base else ''} | operation |", "|---|---|")
        yield from (f"| `{raw}` | {operation} |" for raw, operation in rows.items())
        yield ""


def _list(names: tuple[str, ...], shown_max: int = 1_000) -> str:
    more = f" and {len(names) - shown_max} more" if len(names) > shown_max else ""
    return (", ".join(f"`{name.strip()}`" for name in names[:shown_max]) or "none") + more


if __name__ == "__main__":
    sys.stdout.write(tables())
