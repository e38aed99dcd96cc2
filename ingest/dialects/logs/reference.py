"""The tables of the logs' dialects as Markdown (docs/reference/log-dialects.md), printed by
`python -m ingest.dialects.logs.reference`."""

import sys
from collections.abc import Iterator

from ingest.dialects.dialect import TARGETS
from ingest.dialects.logs import LOG_DIALECTS
from ingest.dialects.logs.log_dialect import LogDialect
from ingest.dialects.reference import CACHE


def tables() -> str:
    """One section a dialect, in order of precedence."""
    return "\n".join(line for dialect in LOG_DIALECTS for line in _dialect(dialect))


def _dialect(dialect: LogDialect) -> Iterator[str]:
    yield from (f"## {dialect.name} (version {dialect.version})", "")
    yield f"- Events whose names begin with: {_list(dialect.events)}; scopes: {_list(dialect.scopes)}; else by the"
    yield f"  attributes: {_list(dialect.marks)}"
    if "input_tokens" in dialect.fields:
        yield f"- Input {CACHE[dialect.input_includes_cache]} unless the numbers show otherwise."
    if not dialect.output_includes_reasoning:
        yield "- Output leaves reasoning out unless the numbers show otherwise."
    for key, operation in dialect.operation_marks.items():
        yield f"- An event that has `{key}` reports `{operation}`."
    for name, operation in dialect.operation_names.items():
        yield f"- Another one whose name begins with `{name}` reports `{operation}`."
    for name, target in dialect.bodies.items():
        yield f"- The body of `{name}` is `{target}`."
    yield from (f"- `{name}` reports a failure." for name in dialect.failures)
    if dialect.durations:
        yield f"- Duration, ms: {_list(dialect.durations)}"
    yield f"- Held by: {_list(dialect.captures) if dialect.captures else 'its documentation alone'}"
    if dialect.reference:
        yield f"- Convention: <{dialect.reference}>"
    yield from ("", "| field | sources, in order |", "|---|---|")
    for target in TARGETS:
        if target in dialect.fields:
            yield f"| {target} | {_list(tuple(str(source) for source in dialect.fields[target]))} |"
    yield ""


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


if __name__ == "__main__":
    sys.stdout.write(tables())
