"""The rules that decide about runs, agents and billing, as small numbers inside and words in the tables."""

RUN_EXPLICIT, RUN_BY_AGENT, RUN_BY_TRACE = 1, 2, 3
RUN_RULES = ("", "explicit", "agent", "trace")

AGENT_RULES = ("provisional", "ancestor")

NO_VIEW, SOLE, INNERMOST, AROUND, CARRIES_USAGE, USAGE_FROM_AROUND = range(6)
REASONS = (
    None,
    "sole_view",
    "innermost_view",
    "outer_view_of_call",
    "outer_view_carries_usage",
    "usage_from_outer_view",
)
"""Why a view bills or not: the only sighting; the innermost of several; around another model span that bills (nothing
but transparent spans between them); around one but alone in knowing usage; inside one that alone knows usage."""
