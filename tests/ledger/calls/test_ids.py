"""Identities, made once more from the words of docs/format.md."""

from hashlib import sha256

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.calls import ids

WORD = st.integers(0, 2**64 - 1)


def field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def joined(halves: np.ndarray) -> bytes:
    return b"".join(int(half).to_bytes(8, "big") for half in halves)


@given(st.text(max_size=8), st.binary(min_size=24, max_size=24))
def test_a_view_is_named_by_tenant_trace_and_span(tenant: str, identity: bytes) -> None:
    keys = np.frombuffer(identity, dtype=">u8").reshape(1, 3).astype(np.uint64)
    expected = sha256(field(b"span") + field(tenant.encode()) + field(identity)).digest()[:16]
    assert joined(ids.hashed(ids.span_view(tenant), keys)[0]) == expected


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=20))
def test_an_explicit_run_is_named_by_tenant_rule_and_its_text(tenant: str, rule: str, key: str) -> None:
    expected = sha256(field(tenant.encode()) + field(rule.encode()) + field(key.encode())).digest()[:16]
    assert joined(ids.hashed_text(ids.run(tenant, rule), key)) == expected


@given(WORD, WORD, st.integers(0, 30), st.integers(0, 2**50), st.integers(0, 2**31 - 1))
def test_a_charge_is_named_by_call_unit_event_and_line(high: int, low: int, unit: int, event: int, line: int) -> None:
    def mix(salt: int) -> int:
        state = 0
        for part in (salt, high, low, unit, event, line):
            state = (state ^ part) * 0x9E3779B97F4A7C15 % 2**64
            state ^= state >> 32
        return state

    call = np.array([[high, low]], dtype=np.uint64)
    made = ids.charge_ids(call, np.array([unit]), np.array([event]), np.array([line]))
    assert made[0].as_py() == mix(1).to_bytes(8, "big") + mix(2).to_bytes(8, "big")
