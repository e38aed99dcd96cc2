"""How much of each unit every call used: the counts that telemetry reports, taken apart into units that never overlap.

Units of input always sum to `input_tokens` where that is known, and no quantity is ever negative: parts that exceed
their whole are not told apart, and the line says so. A count that is missing is not zero: it becomes a line of unit
`unknown`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.books import units
from ledger.books.reason import Reason
from ledger.books.units import POSITION
from ledger.money import Bools, Int64s

_STATED_AS_NONE = ("missing", "failed", "not_applicable")
_NOTHING_OWED = ("failed", "not_applicable")


@dataclass(frozen=True)
class Usage:
    """Quantities by (call, unit), in the parts of each (units.PARTS), which of them are lines, and remarks as (calls,
    unit, reason)."""

    quantity: Int64s
    line: Bools
    remarks: tuple[tuple[Bools, str, Reason], ...]
    input_tokens: Int64s
    is_model: Bools
    is_tool: Bools


class _Counts:
    """The count columns of a batch as numbers, 0 where not reported, and which are reported."""

    def __init__(self, views: pa.Table) -> None:
        self.value: dict[str, Int64s] = {}
        self.known: dict[str, Bools] = {}
        for name in units.COUNT_COLUMNS:
            column = views[name]
            self.value[name] = column.fill_null(0).to_numpy()
            self.known[name] = column.is_valid().to_numpy()

    def any_known(self) -> Bools:
        return _any(self.known.values())

    def any_positive(self) -> Bools:
        return _any(value > 0 for value in self.value.values())

    def impossible(self) -> Bools:
        return _any((value < 0) | (value > units.QUANTITY_MAX) for value in self.value.values())

    def forget(self, rows: Bools) -> None:
        for name, value in self.value.items():
            self.value[name] = np.where(rows, 0, value)
            self.known[name] = self.known[name] & ~rows


def _any(masks: Iterable[Bools]) -> Bools:
    return np.asarray(np.logical_or.reduce(list(masks)))


def usage_of(views: pa.Table, priced_apart: Bools) -> Usage:
    """Takes the counts of each call apart. `priced_apart`: by (call, unit), the price book has a price for it alone."""
    is_model, is_tool = among(views["operation"], units.MODEL_OPERATIONS), among(views["operation"], ("tool",))
    generates = among(views["operation"], units.GENERATING_OPERATIONS)
    counts = _Counts(views)
    impossible = is_model & counts.impossible()
    counts.forget(impossible)
    stated_as_none = among(views["usage_status"], _STATED_AS_NONE)
    # Some gateways write 0 tokens for a stream or a failure whose usage they do not know: that is no report of zero.
    used = is_model & counts.any_known() & (counts.any_positive() | ~stated_as_none)
    missing = is_model & ~used & ~impossible & ~among(views["usage_status"], _NOTHING_OWED)

    quantity = np.zeros((len(views), len(units.UNITS)), np.int64)
    remarks = [*_input_side(counts, priced_apart, quantity), *_output_side(counts, priced_apart, quantity)]
    for name in (units.WEB_SEARCHES, units.CODE_EXECUTIONS):
        quantity[:, POSITION[name]] = counts.value[name]
    quantity[:, POSITION[units.REQUESTS]] = priced_apart[:, POSITION[units.REQUESTS]]

    has_fee, timeless = _tool_side(views, is_tool, priced_apart, quantity)
    no_input = (
        used & ~counts.known["input_tokens"] & (generates | (quantity[:, : POSITION[units.OUTPUT]] > 0).any(axis=1))
    )
    no_output = used & generates & ~counts.known["output_tokens"]
    line = (quantity > 0) & used[:, None]
    line[:, POSITION[units.FRESH]] |= used & ~line.any(axis=1) & ~no_input & ~no_output  # reported as nothing at all
    line[:, _TOOL_POSITIONS] = has_fee
    line[:, POSITION[units.UNKNOWN]] = missing | impossible | no_input | no_output | timeless
    unknown = [(missing, Reason.USAGE_MISSING), (impossible, Reason.COUNT_IMPOSSIBLE)]
    unknown += [(no_input, Reason.INPUT_MISSING), (no_output, Reason.OUTPUT_MISSING)]
    unknown += [(timeless, Reason.DURATION_UNKNOWN)]
    remarks += [(rows, units.UNKNOWN, reason) for rows, reason in unknown]
    return Usage(quantity, line, tuple(remarks), counts.value["input_tokens"], is_model, is_tool)


_Remark = tuple[Bools, str, Reason]


def _input_side(counts: _Counts, priced_apart: Bools, quantity: Int64s) -> list[_Remark]:
    value, whole, whole_known = counts.value, counts.value["input_tokens"], counts.known["input_tokens"]
    read, write_5m, write_1h = (value[name] for name in (units.CACHE_READ, units.CACHE_WRITE_5M, units.CACHE_WRITE_1H))
    lifetimes = write_5m + write_1h
    write = np.where(counts.known["cache_write_tokens"], value["cache_write_tokens"], lifetimes)
    audio = np.where(priced_apart[:, POSITION[units.AUDIO_IN]], value["audio_input_tokens"], 0)
    image = np.where(priced_apart[:, POSITION[units.IMAGE_IN]], value["image_input_tokens"], 0)

    cache_exceeds = whole_known & (read + write > whole)
    media_exceed = whole_known & ~cache_exceeds & (read + write + audio + image > whole)
    lifetimes_exceed = ~cache_exceeds & (lifetimes > write)
    keep_cache, keep_media = ~cache_exceeds, ~cache_exceeds & ~media_exceed
    keep_lifetimes = keep_cache & ~lifetimes_exceed
    parts = {
        units.CACHE_READ: read * keep_cache,
        units.CACHE_WRITE: (write - lifetimes * keep_lifetimes) * keep_cache,
        units.CACHE_WRITE_5M: write_5m * keep_lifetimes,
        units.CACHE_WRITE_1H: write_1h * keep_lifetimes,
        units.AUDIO_IN: audio * keep_media,
        units.IMAGE_IN: image * keep_media,
    }
    for name, part in parts.items():
        quantity[:, POSITION[name]] = part
    quantity[:, POSITION[units.FRESH]] = np.where(whole_known, whole - sum(parts.values()), 0)
    return [
        (cache_exceeds, units.FRESH, Reason.INPUT_PARTS),
        (media_exceed, units.FRESH, Reason.MEDIA_PARTS),
        (lifetimes_exceed, units.CACHE_WRITE, Reason.LIFETIME_PARTS),
        (priced_apart[:, POSITION[units.CACHE_WRITE_1H]], units.CACHE_WRITE, Reason.LIFETIME_UNKNOWN),
    ]


def _output_side(counts: _Counts, priced_apart: Bools, quantity: Int64s) -> list[_Remark]:
    whole, known = counts.value["output_tokens"], counts.known["output_tokens"]
    reasoning = np.where(priced_apart[:, POSITION[units.REASONING]], counts.value["reasoning_tokens"], 0)
    audio = np.where(priced_apart[:, POSITION[units.AUDIO_OUT]], counts.value["audio_output_tokens"], 0)
    exceed = known & (reasoning + audio > whole)
    reasoning, audio = reasoning * ~exceed, audio * ~exceed
    quantity[:, POSITION[units.REASONING]], quantity[:, POSITION[units.AUDIO_OUT]] = reasoning, audio
    quantity[:, POSITION[units.OUTPUT]] = np.where(known, whole - reasoning - audio, 0)
    return [(exceed, units.OUTPUT, Reason.OUTPUT_PARTS)]


_TOOL_POSITIONS = [POSITION[name] for name in units.TOOL_UNITS]


def _tool_side(views: pa.Table, is_tool: Bools, priced_apart: Bools, quantity: Int64s) -> tuple[Bools, Bools]:
    """By (call, unit of tools) whether it is a line, and which calls have a fee by time and no time."""
    has_fee = priced_apart[:, _TOOL_POSITIONS] & is_tool[:, None]
    if not has_fee.any():
        return has_fee, np.zeros(len(views), np.bool_)
    ran_ns = views["duration_ns"].fill_null(-1).to_numpy()
    timeless = has_fee[:, 1] & ((ran_ns < 0) | (ran_ns > units.TOOL_NS_MAX))
    has_fee[:, 1] &= ~timeless
    quantity[:, POSITION[units.TOOL_CALLS]] = has_fee[:, 0]
    quantity[:, POSITION[units.TOOL_SECONDS]] = np.where(has_fee[:, 1], ran_ns, 0)
    return has_fee, timeless


def among(column: pa.ChunkedArray, values: tuple[str, ...]) -> Bools:
    """Which rows of a text column hold one of `values`."""
    return np.asarray(pc.is_in(column, value_set=pa.array(values, column.type)).to_numpy())
