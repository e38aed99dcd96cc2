"""Reading one configured value, from YAML (typed) or from text (environment, flags). Raises TypeError or ValueError."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from spanledger.keys import Value

SWITCHES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
PORT_MAX = 65_535


def address(raw: object, as_text: bool) -> str:  # noqa: ARG001 - one shape for the whole table
    if not isinstance(raw, str):
        raise TypeError("not text")
    host, _, port = raw.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
        raise ValueError("not HOST:PORT")
    return raw


def whole(raw: object, as_text: bool) -> int:
    if as_text and isinstance(raw, str):
        return int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise TypeError("not a whole number")
    return raw


def number(raw: object, as_text: bool) -> float:
    if as_text and isinstance(raw, str):
        return float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise TypeError("not a number")
    return float(raw)


def switch(raw: object, as_text: bool) -> bool:
    if isinstance(raw, bool):
        return raw
    if not as_text or not isinstance(raw, str) or raw.lower() not in SWITCHES:
        raise TypeError("not a switch")
    return SWITCHES[raw.lower()]


def money(raw: object, as_text: bool) -> Decimal:  # noqa: ARG001 - one shape for the whole table
    if not isinstance(raw, str):  # an unquoted 0.10 is a binary float before we see it
        raise TypeError("money must be quoted")
    value = Decimal(raw)
    if not value.is_finite():
        raise ValueError("not finite")
    return value


def names(raw: object, as_text: bool) -> tuple[str, ...]:
    if as_text and isinstance(raw, str):
        return tuple(word.strip() for word in raw.split(",") if word.strip())
    if not isinstance(raw, list | tuple) or not all(isinstance(word, str) for word in raw):
        raise TypeError("not a list of words")
    return tuple(raw)


READ: Mapping[str, Callable[[object, bool], Value]] = {
    "address": address,
    "whole": whole,
    "number": number,
    "switch": switch,
    "names": names,
    "money": money,
}
"""How each kind of `spanledger.keys.KINDS` is read. `as_text`: from the environment or a flag, where all is text."""
