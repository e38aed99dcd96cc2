"""docs/reference/price-book.md names what there is."""

from pathlib import Path

from ledger.books.format import COLUMNS
from ledger.books.reason import TEXTS
from ledger.books.reported import PREFERENCES
from ledger.books.units import STANDARD_TIERS, TIER_CONTEXTS, UNITS

PAGE = (Path(__file__).parents[3] / "docs/reference/price-book.md").read_text()


def test_every_column_unit_tier_and_source_is_in_the_reference() -> None:
    names = [*(column.name for column in COLUMNS), *(unit.name for unit in UNITS), *PREFERENCES]
    names += [*TIER_CONTEXTS, *TIER_CONTEXTS.values()]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert [tier for tier in STANDARD_TIERS if tier and tier not in PAGE] == []


def test_every_remark_is_in_the_reference() -> None:
    assert [text for text in TEXTS.values() if f"- {text}\n" not in PAGE] == []
