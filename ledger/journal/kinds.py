"""The kinds of events, by the words that stand in their frames. A kind is only ever added."""

OTLP_TRACES = "otlp.traces"
OTLP_LOGS = "otlp.logs"
OTLP_METRICS = "otlp.metrics"
GENESIS = "genesis"
PRICE_BOOK_PUBLISHED = "price_book.published"
PRICE_OVERRIDE_SET = "price_override.set"
PRICE_OVERRIDE_REMOVED = "price_override.removed"
RERATE_ORDERED = "rerate.ordered"
RECONCILIATION_RECORDED = "reconciliation.recorded"
PERIOD_CLOSED = "period.closed"
RUN_SETTLED = "run.settled"
CONFIG_SET = "config.set"
RESTART = "restart"
REFUSED = "refused"

KINDS: dict[str, str] = {
    OTLP_TRACES: "an accepted ExportTraceServiceRequest, byte for byte",
    OTLP_LOGS: "an accepted ExportLogsServiceRequest, byte for byte",
    OTLP_METRICS: "an accepted ExportMetricsServiceRequest, byte for byte",
    GENESIS: "the first event of a journal: shard, format and software, canonical JSON",
    PRICE_BOOK_PUBLISHED: "a price book, in force from this event on",
    PRICE_OVERRIDE_SET: "prices of one's own, in force from this event on, canonical JSON",
    PRICE_OVERRIDE_REMOVED: "prices of one's own that end with this event, canonical JSON",
    RERATE_ORDERED: "calls that came before are priced anew by a book, canonical JSON",
    RECONCILIATION_RECORDED: "the ledger was compared with what a provider says: what was found, canonical JSON",
    PERIOD_CLOSED: "an accounting month is closed: what is booked on it later counts in the next, canonical JSON",
    RUN_SETTLED: "what was touched last in a stretch of the journal is taken for over, canonical JSON",
    CONFIG_SET: "a setting that changes posting, canonical JSON",
    RESTART: "the writer found that its predecessor had not closed: what was cut, canonical JSON",
    REFUSED: "a request that could not be parsed and was not taken; rate-limited, canonical JSON",
}
"""What each kind holds."""

TELEMETRY = frozenset({OTLP_TRACES, OTLP_LOGS, OTLP_METRICS})
"""Kinds whose body a sender of telemetry chose."""
