"""The public SQL views, one file each. The order is that of creation: a view comes after those it reads."""

from collections.abc import Mapping
from importlib.resources import files
from itertools import takewhile

BASE: tuple[str, ...] = (
    "base_view_id",
    "base_sightings",
    "base_charge_id",
    "base_messages",
    "base_placements_as_of",
    "base_lines_as_of",
    "base_charges_as_of",
    "base_call_costs_as_of",
    "base_run_heirs_as_of",
    "base_run_costs_as_of",
    "base_run_parts_now",
    "base_runs_of_several_traces",
    "base_settled_as_of",
    "base_runs_now",
    "base_compared_calls",
    "base_model_served",
)
"""What the views are made of, in the schema `base`; may change with every version."""
MACROS: Mapping[str, str] = {
    "calls_as_of": "seq",
    "charges_as_of": "seq",
    "runs_as_of": "seq",
    "repeated_calls": "least",
}
"""Views that take a number, and what it is called: `FROM calls_as_of(41)` is that view as known at event 41."""
VIEWS: tuple[str, ...] = (
    "spans",
    "calls",
    "call_views",
    "charges",
    "runs",
    "run_traces",
    "run_aliases",
    "loops",
    "cost_by_agent",
    "cost_by_model",
    "cost_by_tool",
    "cost_by_credential",
    "model_changes",
    "cost_drifts",
    "logs",
    "metrics",
    "readings",
    "residuals",
    "span_content",
    "conflicts",
    "quarantine",
    "events",
    "price_books",
    "prices",
    "price_overrides",
    "cost_sources",
    "rerates",
    "reconciliations",
    "periods",
    "settlings",
)
"""The stable names. Columns are only ever added."""
ORDER: tuple[str, ...] = (*BASE, *MACROS, *VIEWS)


def statement(name: str) -> str:
    """The text of `name`.sql: its documentation as comments, then one statement."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def documentation(name: str) -> tuple[str, Mapping[str, str]]:
    """What the header of `name`.sql says: on the whole, and on each column."""
    header = takewhile(lambda line: line.startswith("--"), statement(name).splitlines())
    comments = [line[2:].strip() for line in header]
    columns = dict(line[1:].split(": ", 1) for line in comments if line.startswith("@"))
    return "\n".join(line for line in comments if not line.startswith("@")).strip(), columns
