"""The messages on the control socket, as bytes; no sockets here (docs/format.md, "Control socket").

A client sends `append` messages and gets, for each and in the same order, `appended` with the event's number once it
is durable, or `error`. Whatever the bytes, decoding gives a message or raises Refused.
"""

import struct
from collections.abc import Mapping
from types import MappingProxyType

from ledger.errors import Corrupt, Incompatible, LedgerError, Locked, NotFound, Overloaded, Refused, TooLarge
from ledger.journal.frame import Draft, encode_texts

VERSION = 1
LENGTH = struct.Struct("<I")
HEAD = struct.Struct("<BB")
TEXT_LENGTHS = struct.Struct("<6H")
EVENT_SEQ = struct.Struct("<q")
ERROR_HEAD = struct.Struct("<BHI")

APPEND, APPENDED, ERROR = 1, 2, 3

MESSAGE_BYTES_MAX = (64 << 20) + (64 << 10)
"""A body as large as the journal takes, and its texts: a longer length is refused before it is read."""

ERROR_CODES: Mapping[str, type[LedgerError]] = MappingProxyType(
    {
        "refused": Refused,
        "too_large": TooLarge,
        "overloaded": Overloaded,
        "corrupt": Corrupt,
        "locked": Locked,
        "not_found": NotFound,
        "incompatible": Incompatible,
        "failed": LedgerError,
    }
)
"""What stands on the wire for each class; the nearest class above, where a subclass has no word of its own."""


def encode_append(draft: Draft) -> bytes:
    """Raises Refused or TooLarge for what the other side would refuse."""
    texts = encode_texts(draft)
    return _message(APPEND, TEXT_LENGTHS.pack(*map(len, texts)), *texts, draft.body)


def encode_appended(event_seq: int) -> bytes:
    return _message(APPENDED, EVENT_SEQ.pack(event_seq))


def encode_error(error: LedgerError) -> bytes:
    code, text = _code(error).encode(), str(error).encode(errors="replace")[:65_536]
    return _message(ERROR, ERROR_HEAD.pack(error.retryable, len(code), len(text)), code, text)


def message_bytes(prefix: bytes) -> int:
    """How many bytes follow the 4 of `prefix`. Raises TooLarge past the bound, Refused for a message without a head."""
    (length,) = LENGTH.unpack(prefix)
    if length > MESSAGE_BYTES_MAX:
        raise TooLarge(f"control message of {length} bytes; at most {MESSAGE_BYTES_MAX} are taken")
    if length < HEAD.size:
        raise Refused(f"control message of {length} bytes; at least {HEAD.size} are needed")
    return int(length)


def decode_append(message: bytes) -> Draft:
    """The draft in a message without its length. Raises Refused."""
    _check_head(message, APPEND)
    at = HEAD.size + TEXT_LENGTHS.size
    if len(message) < at:
        raise Refused(f"append message of {len(message)} bytes ends within its lengths")
    texts: list[str] = []
    for length in TEXT_LENGTHS.unpack_from(message, HEAD.size):
        if len(message) < at + length:
            raise Refused(f"append message of {len(message)} bytes ends within its texts")
        texts.append(_text(message[at : at + length]))
        at += length
    kind, key, tenant, principal, transport, content_type = texts
    return Draft(kind, message[at:], key, tenant, principal, transport, content_type)


def decode_reply(message: bytes) -> int:
    """The event number in a reply without its length; raises the error that the reply holds."""
    if message[1:2] == bytes([APPENDED]) and len(message) == HEAD.size + EVENT_SEQ.size:
        _check_head(message, APPENDED)
        (event_seq,) = EVENT_SEQ.unpack_from(message, HEAD.size)
        return int(event_seq)
    _check_head(message, ERROR)
    raise _error(message)


def _error(message: bytes) -> LedgerError:
    if len(message) < HEAD.size + ERROR_HEAD.size:
        return Refused(f"error message of {len(message)} bytes ends within its lengths")
    retryable, code_bytes, text_bytes = ERROR_HEAD.unpack_from(message, HEAD.size)
    at = HEAD.size + ERROR_HEAD.size
    if len(message) != at + code_bytes + text_bytes:
        return Refused(f"error message of {len(message)} bytes, its lengths say {at + code_bytes + text_bytes}")
    code = message[at : at + code_bytes].decode(errors="replace")
    error = ERROR_CODES.get(code, LedgerError)(message[at + code_bytes :].decode(errors="replace"))
    error.retryable = bool(retryable)
    return error


def _code(error: LedgerError) -> str:
    codes = {kind: code for code, kind in ERROR_CODES.items()}
    return next(codes[kind] for kind in type(error).__mro__ if kind in codes)


def _message(kind: int, *parts: bytes) -> bytes:
    length = HEAD.size + sum(map(len, parts))
    if length > MESSAGE_BYTES_MAX:
        raise TooLarge(f"control message of {length} bytes; at most {MESSAGE_BYTES_MAX} are taken")
    return b"".join((LENGTH.pack(length), HEAD.pack(VERSION, kind), *parts))


def _check_head(message: bytes, kind: int) -> None:
    if len(message) < HEAD.size:
        raise Refused(f"control message of {len(message)} bytes; at least {HEAD.size} are needed")
    version, found = HEAD.unpack_from(message)
    if version != VERSION:
        raise Refused(f"control message of version {version}; this program speaks {VERSION}")
    if found != kind:
        raise Refused(f"control message of type {found} where {kind} is expected")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"a text of an append message is not UTF-8: {error}") from error
