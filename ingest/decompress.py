"""Decompression under a limit: never is more than `bytes_max` of output held, and a bomb costs no more than that.

Encodings of OTLP/HTTP are identity and gzip; deflate and zstd are taken as well, because collectors send them.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import zstandard

from ingest.status import UnsupportedMedia
from ledger.errors import Refused, TooLarge

MEMBERS_MAX = 4096
"""gzip members or zstd frames in a body. Real ones have one; millions of tiny ones would cost seconds."""

ZSTD_WINDOW_BYTES_MAX = 8 << 20
"""A frame may ask for a window of gigabytes. RFC 8878 recommends that decoders take 8 MiB."""


def decompress(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """`body` without its Content-Encoding. Raises UnsupportedMedia, Refused if corrupt, TooLarge past the limit."""
    if encoding not in DECODERS:
        raise UnsupportedMedia(
            f"Content-Encoding {encoding[:40]!r} is not spoken here; send one of {', '.join(filter(None, DECODERS))}"
        )
    pieces, total = [], 0
    for piece in DECODERS[encoding](body):
        total += len(piece)
        if total > bytes_max:
            raise too_large(bytes_max, "after decompression")
        pieces.append(piece)
    return b"".join(pieces)


def too_large(bytes_max: int, where: str) -> TooLarge:
    """The error for a body over the limit."""
    return TooLarge(
        f"the request is over {bytes_max} bytes {where}; send fewer records in a request (request_bytes_max)"
    )


def _identity(body: bytes) -> Iterator[bytes]:
    yield body


def _gzip(body: bytes) -> Iterator[bytes]:
    """All members of a gzip file one after the other (RFC 1952 2.2)."""
    return _members(body, lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), 16 << 10, zlib.error, "gzip")


def _deflate(body: bytes) -> Iterator[bytes]:
    """zlib's format, as RFC 9110 8.4.1.2 says; or bare deflate, as some clients send under that name."""
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    wbits = zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS
    return _members(body, lambda: zlib.decompressobj(wbits=wbits), 16 << 10, zlib.error, "deflate")


def _zstd(body: bytes) -> Iterator[bytes]:
    """All frames of a zstd body (RFC 8878 3.1). Read step by step: a stream reader takes a cut frame for the end."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    return _members(body, decompressor.decompressobj, 1 << 10, zstandard.ZstdError, "zstd")


def _members(
    body: bytes, open_stream: Callable[[], Any], step_bytes: int, broken: type[Exception], name: str
) -> Iterator[bytes]:
    """Decode `step_bytes` of input at a time, which bounds how far past the limit a bomb gets: deflate unfolds 1032
    times (16 MiB), zstd 4 bytes to 128 KiB (32 MiB)."""
    at = members = 0
    while at < len(body):
        members += 1
        if members > MEMBERS_MAX:
            raise Refused(f"the body has more than {MEMBERS_MAX} {name} members")
        stream = open_stream()
        while not stream.eof:
            if at >= len(body):
                raise Refused(f"the body is not whole: its {name} stream breaks off after {len(body)} bytes")
            piece, at = body[at : at + step_bytes], min(at + step_bytes, len(body))
            try:
                yield stream.decompress(piece)
            except broken as error:
                raise Refused(f"the body is not valid {name}: {error}") from error
        at -= len(stream.unused_data)


DECODERS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zlib": _deflate,
    "zstd": _zstd,
}
"""Content-Encoding, lower case -> pieces of the decoded body."""
