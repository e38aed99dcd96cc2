"""What a dialect of logs is: a table as for spans, and which events speak it.

The name of a log's event stands where a span has its own name, so `operation_names` goes by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.dialects.dialect import Dialect


@dataclass(frozen=True, eq=False)
class LogDialect(Dialect):
    """One semantic convention of logs. Add a file with one of these, and a line in `__init__.py`."""

    events: tuple[str, ...] = ()
    """Beginnings of event names that speak it. They win over scopes, and these over marks."""
    failures: tuple[str, ...] = ()
    """Events that report a failure by their name alone."""
    bodies: Mapping[str, str] = field(default_factory=dict)
    """Event -> `input` or `output`: which of them its body is, where no attribute says."""
    durations: tuple[str, ...] = ("duration_ms",)
    """Attributes that say how long the call took, ms, the best first."""
