"""The reference pages are what the program says of itself."""

from pathlib import Path

import pytest

from spanledger.reference import PAGES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `python -m spanledger.reference docs/reference`"
