"""What the rules about runs, agents and billing decide, in sentences: word in the tables -> what it tells a reader."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "sole_view": "it bills: it is the only sighting of the call",
    "innermost_view": "it bills: no other model span lies within it, so it is nearest to the provider",
    "outer_view_of_call": "it does not bill: it lies around another model span that reports the same call",
    "outer_view_carries_usage": "it bills: of the spans of this call it alone knows the usage, or more of it",
    "usage_from_outer_view": "it does not bill: the span around it knows the usage, or more of it",
    "knows_most_of_call": "it bills: of several sightings side by side it knows most of the usage",
    "same_response": "it does not bill: another span reports the same response of the provider, and bills",
    "suspected_duplicate": "it does not bill: another library saw what looks like the same call below the same parent, "
    "at the same moment, of the same model and with the same tokens",
    "same_span": "it does not bill: a log record and the span that it was written for report the same call, and the "
    "other bills",
    "same_moment": "it does not bill: a span and a log record of one conversation, or two log records, tell of a "
    "call with the same input tokens at the same moment; neither names the other, and the other bills",
    "last_reading": "it bills: of the readings of one conversation, model and moment it is the last, and has all data "
    "points of those before it",
    "earlier_reading": "it does not bill: data points of the same conversation, model and moment came later, and the "
    "reading that has them all bills",
    "told_by_views": "it does not bill: spans or log records tell of the calls of the same conversation, or instance "
    "of the service, one by one, and bill",
    "outermost_view": "it bills: of the spans of one execution of the tool it is the outermost that names the tool",
    "same_execution": "it does not bill: a span around it, or within it, tells of the same execution of the tool, and "
    "bills",
    "beyond_calls": "it bills: the span of the agent or workflow around the calls knew of more tokens than these "
    "report, when its run was settled",
    "settled_anew": "it does not bill: more came of its trace after it was settled, which is to be settled anew",
}
"""`reason` of a view: why it bills or does not."""

RUN_RULES: Mapping[str, str] = {
    "explicit": "the run that is named by spanledger.run.id",
    "turn": "the run of the turn that the framework names at the topmost agent or, all alike, below it; where there is "
    "no agent, at or above the span",
    "agent": "the run of the topmost agent or workflow at or above the span",
    "conversation": "the run of the conversation that all calls of its trace name, from one silence of more than 15 "
    "minutes to the next; no agent or workflow is in the trace",
    "trace": "the run of the whole trace, for no agent or workflow is above the span",
}
"""`run_rule`: why the span is of this run."""

NO_RUN = "it is of no run: it defines an agent and runs none, or it is read from metrics, which name no run"
"""Of a span without a `run_rule`."""

AGENT_RULES: Mapping[str, str] = {
    "ancestor": "the nearest agent at or above the span",
    "provisional": "the service, for no agent at or above the span is known so far",
}
"""`agent_rule`: why the span is of this agent."""

NO_VIEW = "it is no view of a call: only what models and tools did is billed"
"""Of a span without a reason."""
