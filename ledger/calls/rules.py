"""The rules that decide about runs, agents and billing, as small numbers inside and words in the tables."""

NO_RUN, RUN_EXPLICIT, RUN_BY_TURN, RUN_BY_AGENT, RUN_BY_CONVERSATION, RUN_BY_TRACE = range(6)
RUN_RULES = (None, "explicit", "turn", "agent", "conversation", "trace")
RUN_CODED = (RUN_EXPLICIT, RUN_BY_TURN)
"""Rules under which a run is known by text of the sender's."""
RUN_OF_TRACE = (RUN_BY_CONVERSATION, RUN_BY_TRACE)
"""Rules under which all is of one run that a trace has, but what others name."""

AGENT_RULES = ("provisional", "ancestor")

(
    NO_VIEW, SOLE, INNERMOST, AROUND, CARRIES_USAGE, USAGE_FROM_AROUND, KNOWS_MOST, SAME_RESPONSE, SUSPECTED, SAME_SPAN,
    SAME_MOMENT, LAST_READING, EARLIER_READING, TOLD_BY_VIEWS, OUTERMOST, SAME_EXECUTION, BEYOND_CALLS, SETTLED_ANEW,
) = range(18)  # fmt: skip
REASONS = (
    None,
    "sole_view",
    "innermost_view",
    "outer_view_of_call",
    "outer_view_carries_usage",
    "usage_from_outer_view",
    "knows_most_of_call",
    "same_response",
    "suspected_duplicate",
    "same_span",
    "same_moment",
    "last_reading",
    "earlier_reading",
    "told_by_views",
    "outermost_view",
    "same_execution",
    "beyond_calls",
    "settled_anew",
)
"""Why a view bills or not: the only sighting; the innermost of several; around another model span that bills (nothing
but transparent spans between them); around one and alone in knowing usage, or more of it; inside such a one; of several
side by side the one that knows most; beside one that bills the same response of the provider; beside one that bills
what looks like the same call; a log record of the span that bills, or the span of the log record that does; beside one
that bills a call of the same conversation, tokens and moment, where neither names the other; of several readings of
metrics the last, or one before it; a reading of what spans or log records tell call by call; of the spans of one
execution of a tool the outermost, or another; what a span around calls knew of beyond them when its run was settled, or
did before more came of its trace."""
