"""One span, log record or data point of one event, as it was sent: for whoever asks about it long after it was
posted."""

from ingest.decode.bodies import bodies_of
from ingest.decode.lenient import row_at
from ingest.decode.log_rows import log_sheet
from ingest.decode.metrics import sheet_of_points
from ingest.decode.points import point_rows
from ingest.decode.read_logs import log_at
from ingest.decode.rows import sheet_of
from ingest.decode.table import Source
from ingest.sheet import Sheet
from ledger.errors import NotFound


def span_sheet(event: Source, span_index: int) -> Sheet:
    """The span at `span_index` of `event` with all its attributes. Raises NotFound where there is none that reads."""
    bodies, _, _ = bodies_of("traces", [event])
    row = row_at(bodies[0], span_index)
    if row is None:
        raise NotFound(f"event {event.event_seq} has no span {span_index} that reads")
    return sheet_of([row])


def log_sheet_of(event: Source, log_index: int) -> Sheet:
    """The log record at `log_index` of `event`. Raises NotFound where there is none that reads."""
    bodies, _, _ = bodies_of("logs", [event])
    row = log_at(bodies[0], log_index)
    if row is None:
        raise NotFound(f"event {event.event_seq} has no log record {log_index} that reads")
    return log_sheet([row]).sheet


def point_sheet(event: Source, point_index: int) -> Sheet:
    """The data point at `point_index` of `event`. Raises NotFound where there is none that reads."""
    bodies, _, _ = bodies_of("metrics", [event])
    rows, _ = point_rows(bodies)
    if not 0 <= point_index < len(rows):
        raise NotFound(f"event {event.event_seq} has no data point {point_index} that reads")
    return sheet_of_points(rows[point_index : point_index + 1])
