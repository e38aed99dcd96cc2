"""Templates of the page: autoescaped always, undefined names refused, values shown the same way everywhere."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from queries.version import VERSION
from queries.wire import decimal_text, dollars, dollars_short

HERE = Path(__file__).parent
STATIC = HERE / "static"
STYLE_TAG = hashlib.sha256((STATIC / "spanledger.css").read_bytes()).hexdigest()[:12]
"""In the address of the style sheet, so that a browser may keep it for ever."""
ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
UNKNOWN = "unknown"
NOTHING_DUE = "–"
"""No money line was booked: a tool without tariff, a call that failed before it used anything."""


def render(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """The page made by `template`."""
    text = ENVIRONMENT.get_template(template).render(values, version=VERSION, style=STYLE_TAG)
    return HTMLResponse(text, status)


def money(value: object, unpriced: object = 0) -> str:
    """Known cost; where nothing is known but something is unpriced, that is said instead of $0."""
    known = isinstance(value, Decimal) and bool(value)
    if not known and unpriced:
        return UNKNOWN
    if not isinstance(value, Decimal):
        return NOTHING_DUE
    return dollars(value) if known else "$0"


def figure(value: object, unpriced: object = 0) -> str:
    """Money that stands alone, where no column has to line up."""
    return dollars_short(value) if isinstance(value, Decimal) and value else money(value, unpriced)


def count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"


def span_of_time(value: object) -> str:
    """Milliseconds for people: 850 ms, 12.4 s, 3 min 20 s, 2 h 5 min."""
    if not isinstance(value, int | float | Decimal):
        return "–"
    milliseconds = float(value)
    seconds = milliseconds / 1_000
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms" if milliseconds >= 10 or not milliseconds else f"{milliseconds:.1f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3_600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3_600):,} h {int(seconds % 3_600 // 60)} min"


def moment(value: object) -> str:
    """A time in UTC to the second."""
    if not isinstance(value, dt.datetime):
        return "–"
    aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def quantity(value: object) -> str:
    return f"{Decimal(decimal_text(value)):,}" if isinstance(value, Decimal) else "–"


def price(value: object) -> str:
    """A unit price, exact."""
    return f"${decimal_text(value)}" if isinstance(value, Decimal) else "–"


ENVIRONMENT.filters |= {
    "money": money,
    "figure": figure,
    "count": count,
    "duration": span_of_time,
    "moment": moment,
    "quantity": quantity,
    "price": price,
}
