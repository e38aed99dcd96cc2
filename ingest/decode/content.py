"""What is kept of the content of calls beside the content itself, so that no question has to read it all."""

from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sheet import Mask, is_valid
from ledger.calls.roles import MODEL, TOOL, roles

DIGEST_BYTES = 8


def input_digests(operation: pa.StringArray, texts: pa.StringArray) -> pa.Int64Array:
    """Of each call's input the first bytes of SHA-256, signed and big-endian; NULL without input, and for no call.

    Letter for letter: what an agent sends again it sends in the same form, and JSON that is cut off still counts.
    """
    wanted = is_valid(texts) & _calls(operation)
    found = np.zeros(len(texts), dtype=np.int64)
    if wanted.any():
        digests = [sha256(text).digest()[:DIGEST_BYTES] for text in _in_place(texts, wanted)]
        found[wanted] = np.frombuffer(b"".join(digests), dtype=">i8")
    return pa.array(found, mask=~wanted)


def output_bytes(operation: pa.StringArray, texts: pa.StringArray) -> pa.Int64Array:
    """Of each tool's output the length in bytes; NULL without output, or where it is no tool."""
    tools = roles(pa.chunked_array([operation])) == TOOL
    return pc.if_else(pa.array(tools), pc.binary_length(texts), None).cast(pa.int64())


def _in_place(texts: pa.StringArray, wanted: Mask) -> Iterator[memoryview]:
    """The bytes of each text that is `wanted`, where they lie."""
    _, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    whole = memoryview(data)
    pairs = zip(edges[:-1][wanted].tolist(), edges[1:][wanted].tolist(), strict=True)
    return (whole[start:end] for start, end in pairs)


def _calls(operation: pa.StringArray) -> Mask:
    role = roles(pa.chunked_array([operation]))
    calls: Mask = (role == MODEL) | (role == TOOL)
    return calls
