"""A frame gives back what was written, and no bytes can make the parser do anything but refuse."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Corrupt, Incompatible, Refused
from ledger.journal import frame
from ledger.journal import walk as walk_module
from ledger.journal.frame import BadFrame, Draft, encode_head, encode_texts, read_frame, to_event
from ledger.journal.walk import walk, walk_stamps

FILE_ID = bytes(range(16))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
drafts = st.builds(Draft, texts, st.binary(max_size=300), texts, texts, texts, texts, texts)


def encode(draft: Draft, event_seq: int = 7, synced_offset: int = 96) -> bytes:
    head = encode_head(
        encode_texts(draft),
        draft.body,
        event_seq=event_seq,
        received_ns=1_800_000_000_000_000_000,
        synced_offset=synced_offset,
        file_id=FILE_ID,
        raw_sha256=hashlib.sha256(draft.body).digest(),
        salt_secret=bytes(32),
    )
    return head + draft.body


class Memory:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@given(drafts, st.integers(0, 2**63 - 1), st.binary(max_size=20), st.binary(max_size=20))
def test_a_frame_gives_back_what_was_written(draft: Draft, event_seq: int, before: bytes, after: bytes) -> None:
    data = before + encode(draft, event_seq) + after
    found = read_frame(data, len(before))
    event = to_event(found, file_number=3, offset=1234)
    assert Draft(*(getattr(event, name) for name in Draft.__slots__)) == draft
    assert (event.event_seq, event.file_number, event.offset) == (event_seq, 3, 1234)
    assert event.raw_sha256 == hashlib.sha256(draft.body).digest()
    assert found.stamp.file_id == FILE_ID
    assert event.frame_bytes == len(data) - len(before) - len(after)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_and_never_crash_the_parser(data: bytes) -> None:
    with pytest.raises(BadFrame):
        read_frame(data, 0)
    with pytest.raises(BadFrame):
        read_frame(frame.MAGIC + data, 0)


@given(drafts, st.data())
def test_no_flipped_bit_goes_unseen(draft: Draft, data: st.DataObject) -> None:
    whole = bytearray(encode(draft))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadFrame):
        read_frame(bytes(whole), 0)


@given(drafts, st.data())
def test_a_frame_that_is_cut_short_is_bad_at_every_length(draft: Draft, data: st.DataObject) -> None:
    whole = encode(draft)
    with pytest.raises(BadFrame):
        read_frame(whole[: data.draw(st.integers(0, len(whole) - 1))], 0)


@given(st.lists(drafts, max_size=20), st.integers(1, 200))
def test_walking_gives_every_frame_whatever_the_chunk(many: list[Draft], chunk_bytes: int) -> None:
    encoded = [encode(draft, n) for n, draft in enumerate(many)]
    found = list(walk(Memory(b"".join(encoded)), 0, sum(map(len, encoded)), chunk_bytes + frame.PREFIX.size))
    assert [one.frame.body for one in found] == [draft.body for draft in many]
    assert [one.end - one.offset for one in found] == [len(one) for one in encoded]


@given(st.binary(max_size=2_000), st.integers(1, 200))
def test_walking_over_any_bytes_ends(data: bytes, chunk_bytes: int) -> None:
    def frames() -> Iterator[object]:
        try:
            yield from walk(Memory(data), 0, len(data), chunk_bytes)
        except BadFrame:
            return

    assert len(list(frames())) <= len(data)


@given(st.lists(drafts, min_size=1, max_size=4), st.data(), st.integers(frame.FRAME_BYTES_MIN, 600))
def test_frames_read_in_pieces_are_judged_like_whole_ones(
    many: list[Draft], data: st.DataObject, piece_bytes: int
) -> None:
    written = bytearray(b"".join(encode(draft, n) for n, draft in enumerate(many)))
    if data.draw(st.booleans(), "damaged"):
        written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.sampled_from([len(written), len(written) - 1]))
    source = Memory(bytes(written))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk_module, "PIECE_BYTES", piece_bytes)
        in_pieces = judged((place.offset, place.stamp) for place in walk_stamps(source, 0, end))
    assert in_pieces == judged((found.offset, found.frame.stamp) for found in walk(source, 0, end))


def judged(stamps: Iterator[tuple[int, frame.Stamp]]) -> tuple[list[tuple[int, frame.Stamp]], type[Exception] | None]:
    """What was found before the end or the first bad frame, and which of both it was."""
    seen = []
    try:
        for stamp in stamps:
            seen.append(stamp)
    except (BadFrame, Incompatible) as error:
        return seen, type(error)
    return seen, None


def test_a_frame_of_a_newer_version_is_incompatible_not_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(frame, "VERSION", 2)
        data = encode(Draft("config.set", b"{}"))
    with pytest.raises(Incompatible, match="frame version 2"):
        read_frame(data, 0)


def test_a_text_that_is_too_long_is_refused_before_it_is_queued() -> None:
    assert encode_texts(Draft("k", b"", key="x" * frame.TEXT_BYTES_MAX))
    with pytest.raises(Refused, match="1025 bytes; at most 1024"):
        encode_texts(Draft("k", b"", key="x" * (frame.TEXT_BYTES_MAX + 1)))


def test_a_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(Refused, match="not Unicode"):
        encode_texts(Draft("k", b"", key="\ud800"))


def test_a_bad_frame_is_a_corruption_to_whoever_does_not_expect_it() -> None:
    assert issubclass(BadFrame, Corrupt)


def test_the_body_is_not_copied_into_the_head() -> None:
    draft = Draft("otlp.traces", bytes(1_000_000))
    texts_bytes = len("otlp.tracesdefaultanonymouscontrolapplication/json")
    assert len(encode(draft)) - len(draft.body) == 136 + texts_bytes
