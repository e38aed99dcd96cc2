"""Policies about stated costs: what an event may say, and what is in force at which event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.books.cost_sources import Choice, CostSources, choice_body, in_force, read_choice
from ledger.books.reported import POLICIES, PREFERENCES, Preference
from ledger.errors import Refused

SOUND = {"setting": "cost_source", "source": "cost_usd", "policy": "max", "reason": "audit", "author": "jane"}


def test_every_preference_has_a_policy_of_its_own() -> None:
    assert sorted(POLICIES.values()) == sorted(Preference)


def test_an_event_says_what_was_chosen() -> None:
    for policy in ("computed", "reported", "max", None):
        choice = Choice("cost_usd", policy, "audit", "jane")
        assert read_choice(choice_body(choice)) == choice


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"policy": "greatest"}, "cost_usd: policy 'greatest': one of computed, reported, max"),
        ({"policy": "never"}, "policy 'never'"),
        ({"policy": 1}, "policy '1'"),
        ({"source": ""}, "source '': 1 to 256"),
        ({"source": "x" * 257}, "1 to 256"),
        ({"source": "*"}, "name it"),
        ({"source": "github.copilot.nano_aiu"}, "no amount in USD"),
        ({"reason": " "}, "reason"),
        ({"author": None}, "author"),
        ({"setting": "posting.x"}, "only 'cost_source' is known"),
        ({"more": 1}, "an object with author, policy, reason, setting, source expected"),
    ],
)
def test_what_is_no_choice_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    assert read_choice(json.dumps(SOUND).encode()).policy == "max"
    with pytest.raises(Refused, match=words.replace("*", r"\*")):
        read_choice(json.dumps(SOUND | change).encode())


bodies = st.dictionaries(st.sampled_from([*SOUND]), st.none() | st.text("max*", max_size=4)).map(
    lambda said: json.dumps(SOUND | said).encode()
)


@given(body=st.binary(max_size=40) | bodies)
def test_whatever_the_body_it_is_read_or_refused(body: bytes) -> None:
    try:
        read_choice(body)
    except Refused:
        return
    assert json.loads(body)["setting"] == "cost_source"


choices = st.lists(
    st.tuples(st.sampled_from(["cost_usd", "mine"]), st.sampled_from(["computed", "reported", "max", None])), max_size=6
)


@given(chosen=choices, asked=st.integers(-1, 8))
def test_at_an_event_holds_what_was_chosen_last_up_to_it(chosen: list[tuple[str, str | None]], asked: int) -> None:
    kept = CostSources()
    for event_seq, (source, policy) in enumerate(chosen):
        kept.choose(event_seq, Choice(source, policy, "r", "a"))
    last: dict[str, str | None] = {}
    for source, policy in chosen[: asked + 1]:
        last[source] = policy
    expected = PREFERENCES | {source: POLICIES[policy] for source, policy in last.items() if policy}
    for one in (kept, CostSources(kept.state())):
        assert one.at(asked) == (expected, min(asked, len(chosen) - 1))
    assert in_force(last) == expected


def test_more_sources_than_may_have_a_policy_are_refused() -> None:
    kept = CostSources()
    for number in range(1_000):
        kept.choose(number, Choice(f"s{number}", "max", "r", "a"))
    kept.choose(1_000, Choice("s0", None, "r", "a"))
    with pytest.raises(Refused, match="at most 1000"):
        kept.choose(1_001, Choice("one more", "max", "r", "a"))
