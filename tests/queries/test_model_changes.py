"""What vendors changed: which model answered instead of another, and when it answered first."""

import datetime as dt

import pytest

from tests.ledger.store import rows
from tests.queries.by_hand import usd

DAY_NS = 86_400 * 10**9
FIRST, SECOND_DAY = dt.date(2023, 11, 15), dt.date(2023, 11, 16)
CHANGES = """
SELECT day, request_model, response_model, served, is_new, model_before, calls, cost_usd, unpriced_calls
FROM model_changes ORDER BY first_at
"""


def asked(by_hand, seq, *answers, model="gpt-4o", agent="planner", day=0, cost="0.5"):
    """Calls of one event, a second apart, each with the model that answered."""
    spans = [
        rows.span(
            seq, n, f"{seq}.{n}", request_model=model, response_model=answer,
            start_ns=rows.NOON_NS + day * DAY_NS + seq * 10**9 + n,
        )
        for n, answer in enumerate(answers)
    ]  # fmt: skip
    placed = [rows.placement(seq, span, agent_name=agent) for span in spans]
    by_hand.write(seq, spans=spans, placements=placed, charges=[rows.charge(seq, one, cost) for one in placed])
    return spans


def test_a_version_that_answers_first_is_named_with_the_one_before(by_hand):
    spans = asked(by_hand, 1, "gpt-4o-2024-05-13", "gpt-4o-2024-05-13")
    asked(by_hand, 2, "gpt-4o-2024-08-06", day=1)
    asked(by_hand, 3, "gpt-4o-2024-08-06", agent="other", day=1)
    assert by_hand.ask(CHANGES.replace("ORDER", "WHERE agent_name = 'planner' ORDER")) == [
        (FIRST, "gpt-4o", "gpt-4o-2024-05-13", "version", True, None, 2, usd("1"), 0),
        (SECOND_DAY, "gpt-4o", "gpt-4o-2024-08-06", "version", True, "gpt-4o-2024-05-13", 1, usd("0.5"), 0),
    ]
    changed = "SELECT agent_name FROM model_changes WHERE is_new AND model_before IS NOT NULL"
    assert by_hand.ask(changed) == [("planner",)]
    assert by_hand.ask("SELECT first_call_id FROM model_changes WHERE calls = 2") == [(rows.view_id(spans[0]),)]


def test_what_was_asked_for_and_answered_before_is_no_change_and_another_model_always_is(by_hand):
    asked(by_hand, 1, "gpt-4o", "gpt-4o")
    asked(by_hand, 2, "gpt-4o", "gpt-4o-mini", day=1, cost=None)
    asked(by_hand, 3, "gpt-4o-mini", day=1)
    assert by_hand.ask(CHANGES) == [
        (FIRST, "gpt-4o", "gpt-4o", "same", True, None, 2, usd("1"), 0),
        (SECOND_DAY, "gpt-4o", "gpt-4o-mini", "other", True, "gpt-4o", 2, usd("0.5"), 1),
    ]


SERVED = [
    ("gpt-4o", "gpt-4o", "same"),
    ("openai/gpt-4o", "gpt-4o", "same"),
    ("gpt-4o", "gpt-4o-2024-08-06", "version"),
    ("gpt-4", "gpt-4-0613", "version"),
    ("models/gemini-2.0-flash", "gemini-2.0-flash-001", "version"),
    ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", "version"),
    ("claude-3-5-sonnet", "claude-3-5-sonnet@20240620", "version"),
    ("gpt-4", "gpt-4o", "other"),
    ("claude-3", "claude-3-5", "other"),
    ("gpt.4", "gpt-4-0613", "other"),
    (None, "gpt-4o", None),
]


@pytest.mark.parametrize(("asked_for", "answered", "expected"), SERVED)
def test_a_date_or_number_behind_the_name_is_a_version_of_it(asked_for, answered, expected, by_hand):
    asked(by_hand, 1, answered, model=asked_for)
    assert by_hand.ask("SELECT served FROM model_changes") == [(expected,)]
