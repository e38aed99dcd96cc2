"""Where a read command gets its rows: the files of a data directory, or a running server by HTTP."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pyarrow as pa

from ledger.errors import LedgerError, NotFound
from ledger.paths import DataDir
from spanledger.cli.exits import Forbidden, Unreachable
from spanledger.config import data_root

if TYPE_CHECKING:
    import duckdb

TIMEOUT_S = 30
"""Longest wait for an answer: a little over the server's own limit on a question."""
ANSWER_BYTES_MAX = 64 * 2**20
"""Largest answer read: a price book may be so large (ledger.books.format), a page of a list is a hundredth of it."""


def directory(data: Path | None) -> DataDir:
    """The data directory to read. Raises NotFound naming it and what to do where there is none."""
    found = DataDir(data_root(data, os.environ))
    if not found.root.is_dir():
        raise NotFound(
            f"no ledger at {found.root}; start one with `spanledger serve --data {found.root}`, "
            "or name another with --data"
        )
    return found


def connect(data: Path | None) -> "duckdb.DuckDBPyConnection":
    """A connection over the views of the ledger as it is now."""
    place = directory(data)
    if not place.catalog.is_file():
        raise NotFound(
            f"{place.root} holds no posted ledger yet; start `spanledger serve --data {place.root}`, "
            f"or import a file with `spanledger import --data {place.root} FILE`"
        )
    from queries.connect import connect as open_views

    return open_views(place)


def one_source(data: Path | None, url: str | None) -> None:
    """Refuse both at once."""
    if data is not None and url is not None:
        raise click.UsageError("--data and --url exclude each other: read files, or ask a server")


def fetch(url: str, path: str, parameters: Mapping[str, object] | None = None) -> dict[str, Any]:
    """JSON of one GET. Raises Unreachable, Forbidden or LedgerError with the server's own words."""
    try:
        said: dict[str, Any] = json.loads(fetch_body(url, path, parameters))
        return said
    except ValueError as error:
        raise LedgerError(f"{url}{path}: the answer is not JSON; is this the API port?") from error


def fetch_body(url: str, path: str, parameters: Mapping[str, object] | None = None) -> bytes:
    """Bytes of one GET. Raises as `fetch` does."""
    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    address = url.rstrip("/") + path + ("?" + urllib.parse.urlencode(given) if given else "")
    if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
        raise click.UsageError(f"--url {url}: give http://HOST:PORT or https://HOST:PORT")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=TIMEOUT_S) as answer:
            return _whole(answer, address)
    except urllib.error.HTTPError as error:
        with error:
            raise _problem(error, address) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(f"{url} does not answer ({reason}); is `spanledger serve` running?") from error
    except HTTPException as error:
        raise Unreachable(f"{address}: no answer of an API ({error!r}); is this its port?") from error


def _whole(answer: HTTPResponse, address: str) -> bytes:
    body = answer.read(ANSWER_BYTES_MAX + 1)
    if len(body) > ANSWER_BYTES_MAX:
        raise LedgerError(f"{address}: the answer has over {ANSWER_BYTES_MAX} bytes; narrow the question")
    if answer.length:  # `read` says nothing of an end that comes too early
        raise Unreachable(f"{address}: the answer broke off after {len(body)} bytes; ask again")
    return body


def _problem(error: urllib.error.HTTPError, address: str) -> LedgerError:
    try:
        detail = json.load(error).get("detail") or error.reason
    except (ValueError, AttributeError):
        detail = error.reason
    kind = {401: Forbidden, 403: Forbidden, 404: NotFound}.get(error.code, LedgerError)
    return kind(f"{address}: {error.code} {detail}")


def arrow_of(items: list[dict[str, Any]]) -> pa.Table:
    """Items of an answer as Arrow, money as decimals again."""
    typed = [{name: _typed(name, value) for name, value in item.items()} for item in items]
    names = list(dict.fromkeys(name for item in typed for name in item))
    columns = {name: [item.get(name) for item in typed] for name in names}
    return pa.table({name: pa.array(column, _type(name)) for name, column in columns.items()})


def _typed(name: str, value: object) -> object:
    if value is None or not name.endswith("_usd"):
        return json.dumps(value) if isinstance(value, dict | list) else value
    return Decimal(str(value))


def _type(name: str) -> pa.DataType | None:
    return pa.decimal128(38, 12) if name.endswith("_usd") else None
