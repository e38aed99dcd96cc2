"""The samples and what they must cost, as `sample_traces/expected.json` says it."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ledger.journal.frame import Draft
from ledger.journal.kinds import OTLP_LOGS, OTLP_METRICS, OTLP_TRACES

FOLDER = Path(__file__).parents[2] / "sample_traces"
KINDS = {"traces": OTLP_TRACES, "logs": OTLP_LOGS, "metrics": OTLP_METRICS}
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Sample:
    name: str
    dialect: str
    promised: bool
    spans: int
    traces: int
    calls_with_usage: int
    unknown_calls: int
    unpriced_calls: int
    input_tokens: int
    cost_usd: Decimal | None

    @property
    def drafts(self) -> list[Draft]:
        """A request for each of its signals."""
        files = {kind: FOLDER / f"{self.name}.{signal}.binpb" for signal, kind in KINDS.items()}
        return [
            Draft(kind=kind, body=path.read_bytes(), transport="grpc", content_type=PROTOBUF)
            for kind, path in files.items()
            if path.exists()
        ]

    @property
    def body(self) -> bytes:
        """Its spans."""
        return (FOLDER / f"{self.name}.traces.binpb").read_bytes()


def samples() -> list[Sample]:
    known = json.loads((FOLDER / "expected.json").read_text())["samples"]
    return [sample(name, one) for name, one in known.items()]


def sample(name: str, one: dict[str, str | int | None]) -> Sample:
    cost = one["cost_usd"]
    counts = ("spans", "traces", "calls_with_usage", "unknown_calls", "unpriced_calls", "input_tokens")
    return Sample(
        name,
        str(one["dialect"]),
        one["read"] == "now",
        *(int(one[key] or 0) for key in counts),
        cost_usd=None if cost is None else Decimal(cost),
    )


SAMPLES = samples()
PROMISED = [sample for sample in SAMPLES if sample.promised]
