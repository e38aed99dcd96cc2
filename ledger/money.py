"""Money as integers: pico-dollars (10^-12 USD), the last digit of the ledger's DECIMAL(38,12).

Exact throughout. A number is rounded once, half to even, and only when it has more than 12 decimals. Bulk arithmetic is
int64; positions that could overflow it are computed with Python's integers instead, so the result is exact at any size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from ledger.errors import Refused

Int64s: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

DECIMALS = 12
PICO_PER_USD = 10**DECIMALS
SMALL_MAX = 2**58
"""Largest magnitude kept in int64: 32 of them still add up without overflow, and a call has fewer lines than that."""

_PICO = Decimal(1).scaleb(-DECIMALS)
_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)


def to_pico(usd: Decimal) -> int:
    """Pico-dollars of `usd`, half to even beyond 12 decimals."""
    if not usd.is_finite():
        raise Refused(f"{usd} is no amount of money: give a finite decimal number of USD")
    return int(_EXACT.scaleb(usd.quantize(_PICO, context=_EXACT), DECIMALS))


def from_pico(pico: int) -> Decimal:
    """Dollars of `pico`, with all 12 decimals."""
    return _EXACT.scaleb(Decimal(pico), -DECIMALS)


def of_double(value: float) -> Decimal:
    """Dollars that a sender meant by a double: its shortest text, to 12 decimals. 0.1 is 0.1, not
    0.1000000000000000055."""
    return from_pico(to_pico(Decimal(repr(float(value)))))


def round_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` as an integer, half to even. The denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


@dataclass(frozen=True)
class Amounts:
    """Integers in bulk: `small` by position, and the few that int64 cannot hold in `wide` (their `small` is 0)."""

    small: Int64s
    wide: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.small)

    def __getitem__(self, position: int) -> int:
        return self.wide.get(position, int(self.small[position]))


def product(count: Int64s, price: Int64s, rest: Int64s, per: Int64s) -> Amounts:
    """`count * (price + rest / per)` by position, rounded once, half to even. Counts, prices and rests are not
    negative."""
    estimate = count.astype(np.float64) * np.maximum(price.astype(np.float64) + 1, rest.astype(np.float64))
    unsafe = np.flatnonzero(estimate >= SMALL_MAX)
    if len(unsafe):
        count = count.copy()
        exact = {int(i): _product(int(count[i]), int(price[i]), int(rest[i]), int(per[i])) for i in unsafe}
        count[unsafe] = 0
        return Amounts(_small_product(count, price, rest, per), MappingProxyType(exact))
    return Amounts(_small_product(count, price, rest, per))


def _product(count: int, price: int, rest: int, per: int) -> int:
    return round_half_even(count * (price * per + rest), per)


def _small_product(count: Int64s, price: Int64s, rest: Int64s, per: Int64s) -> Int64s:
    result = count * price
    part = np.flatnonzero(rest)  # few prices divide unevenly, and the division below is the slow step
    if len(part):
        quotient, left = np.divmod(count[part] * rest[part], per[part])
        floor = result[part] + quotient
        twice = 2 * left
        result[part] = floor + ((twice > per[part]) | ((twice == per[part]) & (floor % 2 == 1)))
    return result


def decimals(amounts: Amounts, known: Bools, kind: pa.DataType) -> pa.Array:
    """Arrow decimals of 128 bits whose unscaled integers are `amounts`; NULL where not `known`."""
    words = np.empty((len(amounts), 2), dtype=np.int64)
    words[:, 0] = amounts.small
    words[:, 1] = amounts.small >> 63
    for position, value in amounts.wide.items():
        words[position] = np.frombuffer(value.to_bytes(16, "little", signed=True), dtype=np.int64)
    validity = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(amounts), [validity, pa.py_buffer(words)])


def read_decimals(array: pa.Array | pa.ChunkedArray) -> tuple[Amounts, Bools]:
    """The unscaled integers of 128-bit decimals (0 where NULL), and which are not NULL."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    known = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    words = np.frombuffer(array.buffers()[1] or b"", dtype=np.int64)
    words = words[2 * array.offset : 2 * (array.offset + len(array))].reshape(-1, 2)
    fits = known & (words[:, 1] == words[:, 0] >> 63) & (np.abs(words[:, 0] >> 1) < SMALL_MAX // 2)
    wide = {int(i): int.from_bytes(words[i].tobytes(), "little", signed=True) for i in np.flatnonzero(known & ~fits)}
    return Amounts(np.where(fits, words[:, 0], 0), MappingProxyType(wide)), known
