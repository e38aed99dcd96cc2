"""Which dialect reads which span: by scope, else by marks, else the last. Decided for distinct scopes and keys."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from ingest.dialects.dialect import Dialect
from ingest.sheet import Ints, Sheet

Dialects = tuple[Dialect, ...]


def claims_of(sheet: Sheet, dialects: Dialects) -> Ints:
    """For each span the position in `dialects` of the one that reads it."""
    scopes = sheet.scope_name.dictionary_encode()
    by_scope = np.array([_of_scope(name, dialects) for name in scopes.dictionary.to_pylist()], dtype=np.int64)
    claims: Ints = by_scope[scopes.indices.to_numpy(zero_copy_only=False)]
    if (claims < 0).any():
        for number, key in _marks(sheet.attributes.slices, dialects):
            owner = sheet.attributes.owner[sheet.attributes.rows(key)]
            claims[owner[claims[owner] < 0]] = number
        claims[claims < 0] = len(dialects) - 1
    return claims


def _marks(keys: Iterable[str], dialects: Dialects) -> list[tuple[int, str]]:
    """(position of the first dialect that it gives away, key) of those `keys` that are marks, by precedence."""
    found = ((_of_key(key, dialects), key) for key in keys)
    return sorted((number, key) for number, key in found if number >= 0)


@lru_cache(1024)
def _of_scope(name: str, dialects: Dialects) -> int:
    claimed = (n for n, dialect in enumerate(dialects) if any(_speaks(name, scope) for scope in dialect.scopes))
    return next(claimed, -1)


@lru_cache(4096)
def _of_key(key: str, dialects: Dialects) -> int:
    marks = ((n, mark) for n, dialect in enumerate(dialects) for mark in dialect.marks)
    return next((n for n, mark in marks if key == mark or (mark.endswith(".") and key.startswith(mark))), -1)


def _speaks(name: str, scope: str) -> bool:
    """Whether scope `name` is `scope` or below it: `gen_ai` is not the beginning of `gen_ai_tools`."""
    return name.startswith(scope) and (scope.endswith((".", " ")) or name[len(scope) :][:1] in ("", "."))
