"""Values as they leave the ledger: exact in JSON and CSV, harmless on a terminal.

Integers stay numbers, decimals become strings with no trailing zeros, times RFC 3339 in UTC, bytes lower-case hex.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def decimal_text(value: Decimal) -> str:
    """Shortest exact text, never in exponent form: 0.0012, 3, -0.5."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


DISPLAY_PLACES = Decimal("0.000001")
"""A millionth of a dollar: what one token of a cheap model costs. Tables for people stop here; JSON and CSV do not."""


def dollars(value: Decimal) -> str:
    """Money for people: $0.012345, rounded half-even to six places, and never $0 for what is more than nothing."""
    shown = value.quantize(DISPLAY_PLACES, ROUND_HALF_EVEN)
    if value and not shown:
        return "<$0.000001" if value > 0 else ">-$0.000001"
    text = f"{abs(shown):,.6f}"
    return f"-${text}" if shown < 0 else f"${text}"


def dollars_short(value: Decimal) -> str:
    """The same without the zeros that say nothing, but with cents: $25.00, $0.001348."""
    text = dollars(value)
    whole, point, places = text.partition(".")
    return whole + point + places.rstrip("0").ljust(2, "0") if point and "<" not in text and ">" not in text else text


def time_text(value: dt.datetime) -> str:
    """RFC 3339 in UTC. A time without zone is UTC: the ledger holds no other."""
    aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def jsonable(value: object) -> Json:
    """`value` of a query as JSON takes it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dt.datetime):
        return time_text(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return str(value)


def records(columns: Iterable[str], rows: Iterable[tuple[object, ...]]) -> list[dict[str, Json]]:
    """Rows as JSON objects."""
    names = list(columns)
    return [{name: jsonable(cell) for name, cell in zip(names, row, strict=True)} for row in rows]


def harmless(text: str) -> str:
    """`text` with control characters and bidirectional overrides made visible.

    Telemetry is written by strangers: an escape sequence in a span name must not move the reader's cursor.
    """
    return text.translate(_VISIBLE)


_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
_BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029]
_VISIBLE = {code: f"\\u{code:04x}" for code in [*_CONTROLS, *_BIDI]} | {0x09: "  ", 0x0A: " ", 0x0D: " "}
