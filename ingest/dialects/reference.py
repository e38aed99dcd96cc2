"""The dialects' tables as Markdown (docs/reference/dialects.md): `python -m ingest.dialects.reference` prints them."""

import sys
from collections.abc import Iterator

from ingest.dialects import DIALECTS
from ingest.dialects.common import RESOURCE
from ingest.dialects.dialect import TARGETS, Dialect, Fields

CACHE = {True: "includes cache reads and writes", False: "leaves the cache out", None: "is guessed from the numbers"}


def tables() -> str:
    """One section a dialect, in order of precedence, and one for the resource."""
    sections = [*(line for dialect in DIALECTS for line in _dialect(dialect)), *_resource()]
    return "\n".join(sections) + "\n"


def _dialect(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.name} (version {dialect.version})"
    yield ""
    yield f"- Scopes: {_list(dialect.scopes)}"
    yield f"- Else by the attributes: {_list(dialect.marks)}"
    yield f"- Input {CACHE[dialect.input_includes_cache]} unless the numbers show otherwise."
    for label in dialect.labels:
        rest = f"its name after `{label.prefix.strip()}`" if label.prefix else "its name"
        sources = ", ".join([*(f"`{key}`" for key in label.keys), rest])
        yield f"- `{label.target}` of a span of operation `{label.operation}` that names none: {sources}."
    for prefix, operation in dialect.operation_prefixes.items():
        yield f"- A span whose name starts with `{prefix.strip()}` has operation `{operation}`."
    if dialect.reference:
        yield f"- Convention: <{dialect.reference}>"
    yield ""
    yield from _fields(dialect.fields)
    if dialect.operations:
        yield from ("| raw operation | operation |", "|---|---|")
        yield from (f"| `{raw}` | {operation} |" for raw, operation in dialect.operations.items())
        yield ""


def _resource() -> Iterator[str]:
    yield "## From the resource, whatever the dialect"
    yield ""
    yield from _fields(RESOURCE)


def _fields(fields: Fields) -> Iterator[str]:
    yield from ("| field | sources, in order |", "|---|---|")
    for target in TARGETS:
        if target in fields:
            yield f"| {target} | {', '.join(f'`{source}`' for source in fields[target])} |"
    yield ""


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


if __name__ == "__main__":
    sys.stdout.write(tables())
