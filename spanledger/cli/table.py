"""A plain text table: columns as wide as they need to be, numbers to the right, no colour, no control characters."""

import unicodedata
from collections.abc import Sequence

from queries.wire import harmless

CELL_CHARS_MAX = 60
"""A longer cell is cut with an ellipsis: a prompt in a column would push the figures off the screen."""


def lines(headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """The table as lines. `right` says which columns are figures."""
    cells = [[fit(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(headings, *cells, strict=True)]
    table = [list(headings), ["-" * width for width in widths], *cells]
    return [_line(row, widths, right) for row in table]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, width, to_right in zip(row, widths, right, strict=True):
        space = " " * (width - _width(cell))
        padded.append(space + cell if to_right else cell + space)
    return "  ".join(padded).rstrip()


def fit(cell: str) -> str:
    """`cell` on one line, harmless and cut to CELL_CHARS_MAX."""
    text = harmless(cell)
    return text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…"


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)
