"""The reference pages that are made from the program itself: `python -m spanledger.reference DIRECTORY` writes them.

A test compares them with what stands in docs/reference, so they are never out of date.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from spanledger.cli import COMMANDS, spanledger
from spanledger.cli.exits import CODES_TEXT
from spanledger.keys import KEYS, Key

WIDTH = 100


def cli() -> str:
    """docs/reference/cli.md"""
    root = click.Context(
        spanledger, info_name="spanledger", max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    parts = ["# Command line\n", CLI_RULES, _help(spanledger, root)]
    for name in COMMANDS:
        command = spanledger.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root, max_content_width=WIDTH)
        parts += [f"## {name}\n", _help(command, context), *_below(command, context)]
    return "\n".join(parts)


def _below(command: click.Command, context: click.Context) -> list[str]:
    """Help on the commands of a group, and on those of groups among them."""
    parts = []
    for name, one in command.commands.items() if isinstance(command, click.Group) else ():
        below = click.Context(one, info_name=name, parent=context, max_content_width=WIDTH)
        parts += [_help(one, below), *_below(one, below)]
    return parts


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```\n"


CLI_RULES = f"""\
Data goes to stdout, talk to stderr. `--format` is `table` on a terminal and `jsonl` in a pipe unless given;
`json` is one array of objects; integers are numbers, decimals strings, times RFC 3339 in UTC, ids lower-case hex.
A table rounds money to a millionth of a dollar; the other formats give it exactly. Control characters in telemetry are
shown, never sent to the terminal. A unique prefix of 6 or more digits of an id does.

Read commands take `--data DIR` (the files, also while a server runs on them) or `--url URL` (a running server). `sql`,
`why`, `export`, `prices rerate --dry-run` and `doctor` need the files, and so does whatever changes something.

Exit codes: {CODES_TEXT}.
"""


def configuration() -> str:
    """docs/reference/configuration.md"""
    parts = ["# Configuration\n", CONFIGURATION_RULES]
    for section in dict.fromkeys(key.name.split(".")[0] for key in KEYS):
        parts += [f"## {section}\n", "| key | default | accepted | reason |", "|---|---|---|---|"]
        parts += [_row(key) for key in KEYS if key.name.startswith(section + ".")]
        parts.append("")
    return "\n".join(parts)


def _row(key: Key) -> str:
    default = ", ".join(key.default) if isinstance(key.default, tuple) else str(key.default)
    shown = f"{key.default:,}" if isinstance(key.default, int) and not isinstance(key.default, bool) else default
    unit = f" {key.unit}" if key.low is not None and key.unit else ""
    return f"| `{key.name.split('.')[1]}` | {shown or 'none'}{unit} | {key.accepted} | {key.reason} |"


CONFIGURATION_RULES = """\
One YAML file: `--config`, else `SPANLEDGER_CONFIG`, else `DATA/spanledger.yaml` if it is there. DATA is `--data`,
else `SPANLEDGER_DATA`, else `$XDG_DATA_HOME/spanledger` (`~/.local/share/spanledger`); it is made with mode 0700.

A flag beats a variable, a variable the file, the file the default. The variable of `section.key` is
`SPANLEDGER_SECTION__KEY`, e.g. `SPANLEDGER_LISTEN__API`. A key that does not exist, a wrong type or a value out of
range is refused by name. Money is written in quotes: an unquoted `0.10` is a binary fraction before we see it.
`spanledger config show` prints what is in force and where it came from, `spanledger config check` names the
first fault.

```yaml
listen:
  api: 127.0.0.1:8317
collector:
  memory_bytes_max: 1073741824
```
"""


def api() -> str:
    """docs/reference/api.md"""
    from ledger.paths import DataDir
    from queries.api.app import routed

    paths: dict[str, dict[str, Any]] = routed(DataDir(Path("DATA"))).openapi()["paths"]
    parts = ["# HTTP API\n", API_RULES]
    for path, operations in paths.items():
        for method, operation in operations.items():
            parts += [f"## {method.upper()} {path}\n", operation.get("description", operation["summary"]), ""]
            parts += _parameters(operation.get("parameters", []))
    return "\n".join(parts)


def _parameters(parameters: list[dict[str, Any]]) -> list[str]:
    if not parameters:
        return []
    lines = ["| parameter | in | type | default |", "|---|---|---|---|"]
    for one in parameters:
        schema = one["schema"]
        kinds = schema.get("anyOf", [schema])
        kind = " or ".join(dict.fromkeys(_kind(item) for item in kinds if item.get("type") != "null"))
        note = f"; {one['description']}" if one.get("description") else ""
        lines.append(f"| `{one['name']}` | {one['in']} | {kind}{note} | {schema.get('default', '')} |")
    return [*lines, ""]


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    bounds = [f"{word} {schema[name]}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in schema]
    return " ".join([schema.get("type", "any"), *bounds])


API_RULES = """\
Base: `http://127.0.0.1:8317`; the schema is at `/api/v1/openapi.json`. Lists give
`{"items": [...], "next": cursor or null}`; hand `next` back as `after` (replay: as `from`). Integers are numbers,
decimals strings, times RFC 3339 in UTC, ids lower-case hex; a unique prefix of 6 or more digits of a run id does.
What is not known is `null`, never 0.

Every error is `application/problem+json` (RFC 9457) with `status`, `title` and `detail`: 400 fix the request, 404 not
there, 421 the Host header names this machine otherwise than by address or `localhost` (`listen.hosts` permits names),
403 a page of another origin asks, 503 with `Retry-After` ask again.
"""

PAGES: dict[str, Callable[[], str]] = {"cli.md": cli, "configuration.md": configuration, "api.md": api}


def main(directory: Path) -> None:
    for name, page in PAGES.items():
        (directory / name).write_text(page())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
