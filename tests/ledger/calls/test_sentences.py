"""Every word that a rule writes into the tables has its sentence."""

from ledger.calls import rules, sentences


def test_every_reason_and_every_rule_has_a_sentence_and_no_sentence_is_left_over() -> None:
    assert set(sentences.REASONS) == set(rules.REASONS) - {None}
    assert set(sentences.RUN_RULES) == set(rules.RUN_RULES) - {None}
    assert set(sentences.AGENT_RULES) == set(rules.AGENT_RULES)


def test_a_sentence_says_first_whether_the_view_bills() -> None:
    bills = {reason for reason, sentence in sentences.REASONS.items() if sentence.startswith("it bills: ")}
    assert bills == {
        *("sole_view", "innermost_view", "outermost_view", "outer_view_carries_usage", "knows_most_of_call"),
        *("last_reading", "beyond_calls"),
    }
    assert all(sentences.REASONS[other].startswith("it does not bill: ") for other in set(sentences.REASONS) - bills)
