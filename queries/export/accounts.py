"""Names from telemetry as parts of a beancount account, so that no two names become one account.

A part is letters, digits and hyphens and begins with a capital or a digit (beancount's lexer, `parser/lexer.l`). What
else a name holds is written `--` and two hexadecimal digits for each byte of UTF-8, so a name can be read back:

    gpt-4o            Gpt-4o                a lower-case first letter becomes a capital
    claude-3.5        Claude-3--2E5         a hyphen stays where letters or digits are on both sides
    Llama-3           0Llama-3              any other first character has 0 before it
    (none)            0--unknown            what no name is written as
"""

import hashlib
import re
from functools import lru_cache

PART_CHARS_MAX = 120
"""A longer part is cut, and ends in a hash of the whole name."""
HASH_DIGITS = 32
UNKNOWN = "0--unknown"
ODD = re.compile(r"(?<![A-Za-z0-9])-|-(?![A-Za-z0-9])|[^A-Za-z0-9-]")
"""What has to be written in digits: a hyphen at an end or beside such a character too, or `--` could be both."""
CACHED = 10_000


@lru_cache(CACHED)
def part(name: str | None) -> str:
    """The part of an account that stands for `name`, and for no other.

    A name too long for PART_CHARS_MAX ends in `--H` and 128 bits of its SHA-256: two such are as unlikely to meet as
    two of the ledger's own ids.
    """
    if name is None:
        return UNKNOWN
    text = ODD.sub(_digits, name)
    text = text[0].upper() + text[1:] if re.match("[a-z]", name) else text
    text = text if re.match("[a-z1-9]", name) else "0" + text
    if len(text) <= PART_CHARS_MAX:
        return text
    mark = "--H" + hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS]
    return text[: PART_CHARS_MAX - len(mark)] + mark


def _digits(found: re.Match[str]) -> str:
    return "".join(f"--{byte:02X}" for byte in found[0].encode())
