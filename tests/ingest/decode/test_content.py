"""What is kept of the content of calls, against the plain reading of each text."""

from hashlib import sha256

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.content import input_digests, output_bytes

spans = st.lists(
    st.tuples(st.sampled_from(["chat", "embeddings", "tool", "agent", "other"]), st.none() | st.text(max_size=20))
)


def digest(operation: str, text: str | None) -> int | None:
    if text is None or operation in ("agent", "other"):
        return None
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big", signed=True)


@given(said=spans, skipped=st.integers(0, 3))
def test_a_digest_is_the_first_eight_bytes_of_sha_256_of_a_calls_input(
    said: list[tuple[str, str | None]], skipped: int
) -> None:
    """Also where the columns are pieces of longer ones."""
    operations = pa.array([operation for operation, _ in said], pa.string()).slice(skipped)
    texts = pa.array([text for _, text in said], pa.string()).slice(skipped)
    found = input_digests(operations, texts)
    assert found.to_pylist() == [digest(*one) for one in said[skipped:]]
    assert found.type == pa.int64()


@given(said=spans, skipped=st.integers(0, 3))
def test_the_length_of_a_tools_output_is_in_bytes(said: list[tuple[str, str | None]], skipped: int) -> None:
    operations = pa.array([operation for operation, _ in said], pa.string()).slice(skipped)
    texts = pa.array([text for _, text in said], pa.string()).slice(skipped)
    expected = [None if text is None or name != "tool" else len(text.encode()) for name, text in said[skipped:]]
    assert output_bytes(operations, texts).to_pylist() == expected
