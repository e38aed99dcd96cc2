"""Names become parts of accounts that beancount takes, no two the same."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queries.export.accounts import PART_CHARS_MAX, UNKNOWN, part

PART = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")
NAMES = st.text(st.sampled_from("aZ09-./_Hé日") | st.characters(exclude_categories=["Cs"]), max_size=60)


def read_back(text: str) -> str:
    """The name of a part that was not cut, by the words of the module's description."""
    text = text[1:] if text[0] == "0" else text[0].lower() + text[1:]
    return re.sub(rb"--([0-9A-F]{2})", lambda one: bytes.fromhex(one[1].decode()), text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("gpt-4o-2024-08-06", "Gpt-4o-2024-08-06"),
        ("claude-3.5", "Claude-3--2E5"),
        ("Llama-3", "0Llama-3"),
        ("llama-3", "Llama-3"),
        ("o1", "O1"),
        ("4o", "4o"),
        ("0x", "00x"),
        ("", "0"),
        ("-a-", "0--2Da--2D"),
        ("a--b", "A--2D--2Db"),
        ("meta/é", "Meta--2F--C3--A9"),
        ("unknown", "Unknown"),
        (None, "0--unknown"),
    ],
)
def test_a_name_is_written_as_it_says(name: str | None, written: str) -> None:
    assert part(name) == written


@given(NAMES)
@example("--2E")
@example("0--unknown")
@example("a-.")
def test_a_name_can_be_read_back_so_no_two_are_the_same(name: str) -> None:
    written = part(name)
    assert PART.fullmatch(written)
    assert written != UNKNOWN
    assert len(written) <= PART_CHARS_MAX
    if "--H" not in written:
        assert read_back(written) == name


@given(st.text("ab-.", min_size=PART_CHARS_MAX + 1, max_size=400), NAMES)
def test_a_name_that_is_too_long_is_cut_and_is_still_its_own(long: str, short: str) -> None:
    written = part(long)
    assert PART.fullmatch(written)
    assert len(written) == PART_CHARS_MAX
    assert re.search("--H[0-9a-f]{32}$", written)
    assert written not in {part(long + "a"), part(long[:-1] + "c"), part(short)}
