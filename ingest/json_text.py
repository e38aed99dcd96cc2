"""The text of a JSON body to Python objects, whatever the text is.

Guarantees: any bytes end in objects or in a ValueError that names the place, whatever the recursion limit and however
much of the stack is used; time is linear in the text. Text that is no UTF-8 is kept as lone surrogates, which become
U+FFFD where a string is used: one bad name must not cost the batch.
"""

import json
import re
from typing import Any

DIGITS_MAX = 20
"""No integer of OTLP has more (2**64 - 1). Longer ones are never converted: Python needs quadratic time for them."""

DEPTH_MAX = 400
"""Brackets within brackets. No field of OTLP reads values so deep: an array in an array takes three, and the reader of
messages stops long before (json_message.MESSAGE_DEPTH_MAX). Python's own parser stops at about 1,000."""

TOKENS = re.compile(r'"[^"\\]*+(?:\\[\s\S]?[^"\\]*+)*+"?|[\[{}\]]')
"""Strings and brackets. A string that does not end is one all the same, and nothing is tried twice: linear."""


class Unfit(str):
    """A bare number that is no JSON (NaN) or longer than any field holds: refused where it is used, not where it is
    parsed, so that the place can be named and unknown fields stay ignored."""

    __slots__ = ()


def is_utf8(body: bytes) -> bool:
    """Whether `body` is what RFC 8259 asks of JSON between systems."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse(body: bytes) -> Any:
    """The value that `body` says. Raises ValueError with line and column."""
    text = body.decode("utf-8-sig", "surrogateescape")
    try:
        return _loads(text)
    except RecursionError:
        return _loads(_shallow(text))


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer, parse_constant=Unfit)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: {error.msg}") from None


def _integer(digits: str) -> int | Unfit:
    return int(digits) if len(digits) <= DIGITS_MAX else Unfit(digits)


def _shallow(text: str) -> str:
    """`text` with every value that lies deeper than DEPTH_MAX replaced by null."""
    kept, depth, cut_from, done = list[str](), 0, 0, 0
    for token in TOKENS.finditer(text):
        step = _STEPS.get(token[0], 0)
        depth += step
        if step > 0 and depth == DEPTH_MAX + 1:
            cut_from = token.start()
            kept += (text[done:cut_from], "null")
            done = len(text)
        elif step < 0 and depth == DEPTH_MAX and done == len(text):
            done = token.end()
    return "".join([*kept, text[done:]])


_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
