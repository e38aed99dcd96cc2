"""A moment given by a person: how long ago (`7d`, `24h`, `30m`), a date, or an RFC 3339 time."""

import datetime as dt
import re

from ledger.errors import Refused

UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9}
AGO = re.compile(r"(\d{1,6})([smhdw])")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def since_ns(text: str, now_ns: int, said: str = "since") -> int:
    """Nanoseconds since 1970 UTC of `text`, seen from `now_ns`. `said`: what an error calls it."""
    ago = AGO.fullmatch(text.strip().lower())
    if ago:
        return now_ns - int(ago[1]) * UNITS_NS[ago[2]]
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(f"{said} {text!r}: give a span such as 7d, 24h or 30m, a date, or an RFC 3339 time") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 1_000
