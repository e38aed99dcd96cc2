"""docs/conformance.md, made of the catalogue of duties and of how their tests ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.duties import DUTIES, MUST, SHOULD, Duty

PAGE = Path(__file__).parents[2] / "docs/conformance.md"
WORDS = {"grpc": "gRPC", "http": "HTTP/protobuf", "json": "HTTP/JSON"}
HEAD = """# OTLP, duty by duty

Made by `.venv/bin/pytest -m conformance tests/conformance --write-conformance` from the catalogue of duties in
`tests/conformance/duties.py` and from how their tests ended. The tier fails when this page is not what the results
give, and when a duty has neither a test nor a reason. The tests send real requests to real servers; those about what
is stored read it back through SQL. The poison is in
`tests/conformance/poison.py`, what is fuzzed in `tests/fuzz/targets.py`.

"""


@dataclass(frozen=True)
class Outcome:
    """How one test of a duty ended."""

    file: str
    test: str
    transport: str
    passed: bool


Results = Mapping[str, Sequence[Outcome]]
"""Duty id -> outcomes of its tests."""


def verdict(duty: Duty, outcomes: Sequence[Outcome]) -> str:
    """yes, NO, or the reason why not."""
    if duty.reason:
        return duty.reason
    return "yes" if outcomes and all(outcome.passed for outcome in outcomes) else "NO"


def missing(results: Results) -> list[str]:
    """What the catalogue asks for and no test covers: duties, or transports of one."""
    gaps = []
    for duty in DUTIES:
        outcomes = results.get(duty.id, ())
        seen = {outcome.transport for outcome in outcomes}
        if bool(outcomes) == bool(duty.reason):
            gaps.append(f"{duty.id}: {'a test and a reason' if outcomes else 'neither a test nor a reason'}")
        elif outcomes and "" not in seen and set(duty.over.split()) - seen:
            gaps.append(f"{duty.id}: no test over {', '.join(sorted(set(duty.over.split()) - seen))}")
    return gaps


def page(results: Results) -> str:
    """The whole page."""
    rows = [
        f"| {duty.id} | {duty.text} | {duty.level} | {', '.join(WORDS[name] for name in duty.over.split())} | "
        f"{verdict(duty, results.get(duty.id, ()))} | {_tests(results.get(duty.id, ()))} |"
        for duty in DUTIES
    ]
    head = ["| id | duty | level | over | done | tests |", "|---|---|---|---|---|---|"]
    return HEAD + _summary(results) + "\n".join([*head, *rows]) + "\n"


def _summary(results: Results) -> str:
    counts = []
    for level in (MUST, SHOULD):
        of_level = [duty for duty in DUTIES if duty.level == level]
        done = sum(verdict(duty, results.get(duty.id, ())) == "yes" for duty in of_level)
        reasons = sum(bool(duty.reason) for duty in of_level)
        counts.append(f"{level}: {done} of {len(of_level)}" + (f", {reasons} with a reason why not" if reasons else ""))
    return "; ".join(counts) + ".\n\n"


def _tests(outcomes: Sequence[Outcome]) -> str:
    names = dict.fromkeys(f"{outcome.file}: {outcome.test}" for outcome in sorted(outcomes, key=_order))
    return "<br>".join(names)


def _order(outcome: Outcome) -> tuple[str, str]:
    return outcome.file, outcome.test
