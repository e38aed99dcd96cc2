"""Where a span belongs, and which span said so: itself, one above it, or another view of its call."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.calls.roles import AGENT, ROLE_OF, WORKFLOW
from ledger.calls.sentences import AGENT_RULES, NO_RUN, RUN_RULES
from queries.runs import Row

NO_RULE = {"conversation": "conversation_id", "user": "user_id", "team": "team"}
"""What no rule decides: own or inherited -> its column."""


@dataclass(frozen=True)
class Placed:
    """One thing that a span belongs to."""

    what: str
    """agent, run, conversation, user or team."""
    value: str | None
    rule: str | None
    explained: str
    by: str
    """Whose word it is: self, ancestor, other view, ancestor of other view, service, trace or nobody."""
    trace_id: str | None = None
    span_id: str | None = None
    name: str | None = None
    levels: int | None = None
    """Spans from the view up to the one whose word it is."""


def placed(row: Row, chains: Sequence[Sequence[Row]]) -> list[Placed]:
    """`row`: the placement. `chains`: the span and those above it, and the same of each other view of its call."""
    return [_agent(row, chains), _run(row, chains), *(_inherited(what, row, chains) for what in NO_RULE)]


def _agent(row: Row, chains: Sequence[Sequence[Row]]) -> Placed:
    rule = str(row["agent_rule"])
    found = _sayer(chains, "agent", row["agent"]) if rule == "ancestor" else None
    return _of("agent", row["agent"], rule, AGENT_RULES[rule], found, "service")


def _run(row: Row, chains: Sequence[Sequence[Row]]) -> Placed:
    if row["run_rule"] is None:
        return _of("run", None, None, NO_RUN, None, "nobody")
    rule = str(row["run_rule"])
    if rule == "conversation":
        return _of("run", row["run"], rule, RUN_RULES[rule], _sayer(chains, rule, row[rule]), "trace")
    found = {"explicit": _explicit, "turn": _turn, "agent": _topmost}.get(rule, lambda _: None)(chains)
    return _of("run", row["run"], rule, RUN_RULES[rule], found, "trace")


def _inherited(what: str, row: Row, chains: Sequence[Sequence[Row]]) -> Placed:
    value = row[what]
    if value is None:
        return Placed(what, None, None, f"no span at or above it names a {what}", "nobody")
    found = _sayer(chains, what, value)
    return _of(what, value, None, f"the nearest span at or above it that names a {what}", found, "nobody")


Sayer = tuple[str, Row]
"""Whose word it is, and that span."""


def _sayer(chains: Sequence[Sequence[Row]], what: str, value: object) -> Sayer | None:
    """The nearest span that says `what`, of the first chain in which it says `value`."""
    for nth, chain in enumerate(chains):
        says = next((span for span in chain if span[what] is not None), None)
        if says is not None and says[what] == value:
            return _whose(nth, says), says
    return None


def _explicit(chains: Sequence[Sequence[Row]]) -> Sayer | None:
    found = ((_whose(nth, span), span) for nth, chain in enumerate(chains) for span in chain if span["run"] is not None)
    return next(found, None)


def _topmost(chains: Sequence[Sequence[Row]]) -> Sayer | None:
    for nth, chain in enumerate(chains):
        tops = [span for span in chain if ROLE_OF.get(str(span["operation"])) in (AGENT, WORKFLOW)]
        if tops:
            return _whose(nth, tops[-1]), tops[-1]
    return None


def _turn(chains: Sequence[Sequence[Row]]) -> Sayer | None:
    """The nearest that names a turn at or above the topmost agent, else any: those below it agree."""
    for nth, chain in enumerate(chains):
        tops = [place for place, span in enumerate(chain) if ROLE_OF.get(str(span["operation"])) in (AGENT, WORKFLOW)]
        says = [span for span in (*chain[tops[-1] if tops else 0 :], *chain) if span["turn"] is not None]
        if says:
            return _whose(nth, says[0]), says[0]
    return None


def _whose(nth: int, span: Row) -> str:
    above = int(str(span["level"])) > 0
    if nth == 0:
        return "ancestor" if above else "self"
    return "ancestor of other view" if above else "other view"


def _of(what: str, value: object, rule: str | None, explained: str, found: Sayer | None, otherwise: str) -> Placed:
    text = None if value is None else str(value)
    if found is None:
        return Placed(what, text, rule, explained, otherwise)
    by, span = found
    trace_id, span_id = (None if span[column] is None else str(span[column]) for column in ("trace_id", "span_id"))
    return Placed(what, text, rule, explained, by, trace_id, span_id, str(span["name"]), int(str(span["level"])))
