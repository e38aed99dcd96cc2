"""Bodies of events about prices and costs: canonical JSON, an object with the names that its kind has."""

from collections.abc import Collection
from json import dumps, loads
from typing import Any

from ledger.errors import Refused


def canonical(said: Any) -> bytes:
    """`said` in its one spelling: names sorted, no spaces."""
    return dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def object_of(body: bytes, what: str, names: Collection[str], bytes_max: int) -> dict[str, Any]:
    """The object that `body` is, with just these `names`. Raises Refused, saying of `what`."""
    if len(body) > bytes_max:
        raise Refused(f"{what}: {len(body)} bytes, at most {bytes_max} are read")
    try:
        said = loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what}: no JSON: {error}") from error
    if not isinstance(said, dict) or said.keys() != set(names):
        raise Refused(f"{what}: an object with {', '.join(sorted(names))} expected")
    return said
