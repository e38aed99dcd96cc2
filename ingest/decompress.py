"""Decompression under a limit: never is more than `bytes_max` of output held, and a bomb costs no more than that.

Encodings of OTLP/HTTP are identity and gzip; deflate and zstd are taken as well, because collectors send them.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping

import zstandard

from ingest.status import UnsupportedMedia
from ledger.errors import Refused, TooLarge

STEP_BYTES = 1 << 20
"""Output asked for at a time: how far past the limit a bomb can get."""

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
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def too_large(bytes_max: int, where: str) -> TooLarge:
    """The error for a body over the limit."""
    return TooLarge(
        f"the request is over {bytes_max} bytes {where}; send fewer records in a request (request_bytes_max)"
    )


def _identity(body: bytes) -> Iterator[bytes]:
    yield body


def _gzip(body: bytes) -> Iterator[bytes]:
    """All members of a gzip file one after the other (RFC 1952 2.2)."""
    while body:
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        yield from _inflate(member, body, "gzip")
        body = member.unused_data.lstrip(b"\0")


def _deflate(body: bytes) -> Iterator[bytes]:
    """zlib's format, as RFC 9110 8.4.1.2 says; or bare deflate, as some clients send under that name."""
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    wbits = zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS
    yield from _inflate(zlib.decompressobj(wbits=wbits), body, "deflate")


def _inflate(stream: "zlib._Decompress", body: bytes, name: str) -> Iterator[bytes]:
    try:
        while not stream.eof:
            piece = stream.decompress(body, STEP_BYTES)
            body = stream.unconsumed_tail
            if not piece and not body and not stream.eof:
                raise Refused(f"the body is not whole: its {name} stream breaks off")
            yield piece
    except zlib.error as error:
        raise Refused(f"the body is not valid {name}: {error}") from error


def _zstd(body: bytes) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    try:
        with reader.stream_reader(body, read_across_frames=True) as stream:
            while piece := stream.read(STEP_BYTES):
                yield piece
    except zstandard.ZstdError as error:
        raise Refused(f"the body is not valid zstd: {error}") from error


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
