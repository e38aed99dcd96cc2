"""Decompression: what is taken, what is refused, and that a bomb costs what the limit allows."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.decompress import MEMBERS_MAX, decompress
from ingest.status import UnsupportedMedia
from ledger.errors import Refused, TooLarge

MIB = 1 << 20
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


@given(body=st.binary(max_size=20_000), encoding=st.sampled_from(sorted(PACK)))
def test_what_was_packed_comes_back(body: bytes, encoding: str) -> None:
    assert decompress(PACK[encoding](body), encoding, 20_000) == body


@given(body=st.binary(max_size=2_000), encoding=st.sampled_from(sorted(PACK)))
def test_any_bytes_are_decoded_or_refused(body: bytes, encoding: str) -> None:
    try:
        decompress(body, encoding, 1 << 16)
    except Refused:
        return


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_are_joined(encoding: str) -> None:
    packed = PACK[encoding](b"one ") + PACK[encoding](b"two ") + PACK[encoding](b"three")
    assert decompress(packed, encoding, 100) == b"one two three"


def test_bare_deflate_is_taken_as_deflate() -> None:
    assert decompress(raw_deflate(b"hello " * 100), "deflate", 1000) == b"hello " * 100


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("kept", [1, 5, 40, -9, -1])
def test_a_stream_that_breaks_off_is_refused(encoding: str, kept: int) -> None:
    packed = PACK[encoding](bytes(range(256)) * 40)
    with pytest.raises(Refused, match=encoding):
        decompress(packed[:kept], encoding, MIB)


@pytest.mark.parametrize("encoding", PACK)
def test_the_limit_is_exact(encoding: str) -> None:
    assert len(decompress(PACK[encoding](bytes(1000)), encoding, 1000)) == 1000
    with pytest.raises(TooLarge, match="1000 bytes after decompression"):
        decompress(PACK[encoding](bytes(1001)), encoding, 1000)


def run_length_zstd() -> bytes:
    """Blocks of four bytes that stand for 128 KiB each: the densest a zstd frame can be (RFC 8878 3.1.1.2)."""
    block = (1 << 1 | 0x20000 << 3).to_bytes(3, "little") + b"\0"
    return zstandard.MAGIC_NUMBER.to_bytes(4, "little") + bytes([0x00, 0x38]) + block * 8192


BOMBS = {
    "gzip": ("gzip", lambda: gzip.compress(bytes(64 * MIB), 9)),
    "gzip members": ("gzip", lambda: gzip.compress(bytes(MIB)) * 64),
    "deflate": ("deflate", lambda: zlib.compress(bytes(64 * MIB), 9)),
    "zstd": ("zstd", lambda: zstandard.compress(bytes(64 * MIB))),
    "zstd of run-length blocks": ("zstd", run_length_zstd),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_what_the_limit_allows(name: str) -> None:
    encoding, build = BOMBS[name]
    bomb = build()
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decompress(bomb, encoding, 8 * MIB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB + 2 * 32 * MIB


def test_a_zstd_window_of_gigabytes_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packed.compress(bytes(MIB)) + packed.flush()
    with pytest.raises(Refused, match="zstd"):
        decompress(body, "zstd", 64 * MIB)


def test_millions_of_tiny_members_are_refused() -> None:
    with pytest.raises(Refused, match="members"):
        decompress(gzip.compress(b"") * (MEMBERS_MAX + 1), "gzip", MIB)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "lz4"])
def test_an_unknown_encoding_is_named_with_those_that_are_known(encoding: str) -> None:
    with pytest.raises(UnsupportedMedia, match=r"gzip.*zstd"):
        decompress(b"", encoding, MIB)
