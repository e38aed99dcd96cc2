"""The control socket's messages give back what was sent, and no bytes crash the codec."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Incompatible, LedgerError, NotFound, Overloaded, Refused, TooLarge
from ledger.journal import control
from ledger.journal.frame import BadFrame, Draft

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
drafts = st.builds(Draft, texts, st.binary(max_size=300), texts, texts, texts, texts, texts)


def strip(data: bytes) -> bytes:
    """The message without its length, which must be right."""
    assert control.message_bytes(data[:4]) == len(data) - 4
    return data[4:]


@given(drafts)
def test_a_draft_goes_through_the_socket_unchanged(draft: Draft) -> None:
    assert control.decode_append(strip(control.encode_append(draft))) == draft


@given(st.integers(0, 2**63 - 1))
def test_an_event_number_goes_through_the_socket_unchanged(event_seq: int) -> None:
    assert control.decode_reply(strip(control.encode_appended(event_seq))) == event_seq


@pytest.mark.parametrize("kind", [Refused, TooLarge, Overloaded, NotFound, Incompatible, LedgerError])
def test_an_error_keeps_its_class_its_words_and_whether_to_come_again(kind: type[LedgerError]) -> None:
    with pytest.raises(kind, match="three wörds here") as caught:
        control.decode_reply(strip(control.encode_error(kind("three wörds here"))))
    assert type(caught.value) is kind
    assert caught.value.retryable == kind.retryable


def test_an_error_without_a_word_of_its_own_goes_as_its_parent() -> None:
    with pytest.raises(LedgerError, match="why") as caught:
        control.decode_reply(strip(control.encode_error(BadFrame("why"))))
    assert type(caught.value).__name__ == "Corrupt"


def test_an_error_of_a_newer_program_keeps_its_words() -> None:
    message = strip(control.encode_error(Overloaded("wait"))).replace(b"overloaded", b"overcooked")
    with pytest.raises(LedgerError, match="wait") as caught:
        control.decode_reply(message)
    assert caught.value.retryable


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    for message in (data, bytes([control.VERSION, control.APPEND]) + data):
        with suppress(Refused):
            control.decode_append(message)
    for message in (data, bytes([control.VERSION, control.ERROR]) + data):
        with pytest.raises(LedgerError):
            control.decode_reply(message)


def test_a_length_past_the_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        control.message_bytes(control.LENGTH.pack(control.MESSAGE_BYTES_MAX + 1))
    with pytest.raises(Refused):
        control.message_bytes(control.LENGTH.pack(1))


def test_another_version_or_type_is_refused() -> None:
    message = strip(control.encode_append(Draft("config.set", b"{}")))
    with pytest.raises(Refused, match="version 9"):
        control.decode_append(b"\x09" + message[1:])
    with pytest.raises(Refused, match="type 2"):
        control.decode_append(strip(control.encode_appended(1)))
