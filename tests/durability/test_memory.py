"""Collector and poster together stay within 1 GiB, whatever is sent (`python -m bench.memory` has the same storms)."""

import math

import pytest

from bench.memory import measure
from bench.storms import STORMS

pytestmark = [pytest.mark.durability, pytest.mark.long, pytest.mark.timeout(600)]

BYTES_MAX = 1 << 30


@pytest.mark.parametrize("storm", STORMS)
def test_a_storm_stays_within_a_gibibyte_and_is_posted(storm: str) -> None:
    figures = measure(STORMS[storm])
    print(f"{storm} | {figures.row()}")
    assert figures.together <= BYTES_MAX
    assert figures.posted_s < math.inf
