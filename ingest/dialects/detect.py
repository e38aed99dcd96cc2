"""Which dialect reads which span: by scope, else by marks, else the last. Decided for distinct scopes and keys.

Most scopes and keys that exist give nothing away, and telemetry may hold very many: those are told by one look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ingest.dialects.dialect import Dialect
from ingest.sheet import Ints, Sheet

Dialects = tuple[Dialect, ...]


def claims_of(sheet: Sheet, dialects: Dialects) -> Ints:
    """For each span the position in `dialects` of the one that reads it."""
    signs = _signs(dialects)
    scopes = sheet.scope_name.dictionary_encode()
    by_scope = np.array([signs.of_scope(name) for name in scopes.dictionary.to_pylist()], dtype=np.int64)
    claims: Ints = by_scope[scopes.indices.to_numpy(zero_copy_only=False)]
    if (claims < 0).any():
        for number, key in signs.marks(sheet.attributes.slices):
            owner = sheet.attributes.owner[sheet.attributes.rows(key)]
            claims[owner[claims[owner] < 0]] = number
        claims[claims < 0] = len(dialects) - 1
    return claims


@dataclass(frozen=True, eq=False)
class _Signs:
    """The scopes and marks of dialects, by precedence."""

    dialects: Dialects

    def of_scope(self, name: str) -> int:
        """Position of the first dialect that scope `name` speaks, -1 for none."""
        if not name.startswith(self._scopes):
            return -1
        claimed = (n for n, one in enumerate(self.dialects) if any(_speaks(name, scope) for scope in one.scopes))
        return next(claimed, -1)

    def marks(self, keys: Iterable[str]) -> list[tuple[int, str]]:
        """(position of the first dialect that it gives away, key) of those `keys` that are marks, by precedence."""
        marks, families = self._marks, tuple(mark for mark in self._marks if mark.endswith("."))
        return sorted(
            (min(n for mark, n in marks.items() if key == mark or (mark in families and key.startswith(mark))), key)
            for key in keys
            if key in marks or key.startswith(families)
        )

    @cached_property
    def _scopes(self) -> tuple[str, ...]:
        return tuple(scope for one in self.dialects for scope in one.scopes)

    @cached_property
    def _marks(self) -> Mapping[str, int]:
        """Mark -> position of the first dialect that has it."""
        return {mark: n for n, one in reversed([*enumerate(self.dialects)]) for mark in one.marks}


@lru_cache(8)
def _signs(dialects: Dialects) -> _Signs:
    return _Signs(dialects)


def _speaks(name: str, scope: str) -> bool:
    """Whether scope `name` is `scope` or below it: `gen_ai` is not the beginning of `gen_ai_tools`."""
    return name.startswith(scope) and (scope.endswith((".", " ")) or name[len(scope) :][:1] in ("", "."))
