"""Identities, made once more from the words of docs/format.md."""

from hashlib import sha256

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.calls import ids


def field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def joined(halves: np.ndarray) -> bytes:
    return b"".join(int(half).to_bytes(8, "big") for half in halves)


@given(st.text(max_size=8), st.text(max_size=8), st.binary(min_size=24, max_size=24))
def test_the_run_of_an_agent_is_named_by_tenant_rule_trace_and_span(tenant: str, rule: str, identity: bytes) -> None:
    keys = np.frombuffer(identity, dtype=">u8").reshape(1, 3).astype(np.uint64)
    expected = sha256(field(tenant.encode()) + field(rule.encode()) + field(identity)).digest()[:16]
    assert joined(ids.hashed(ids.run(tenant, rule), keys)[0]) == expected


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=20))
def test_an_explicit_run_is_named_by_tenant_rule_and_its_text(tenant: str, rule: str, key: str) -> None:
    expected = sha256(field(tenant.encode()) + field(rule.encode()) + field(key.encode())).digest()[:16]
    assert joined(ids.hashed_text(ids.run(tenant, rule), key)) == expected
