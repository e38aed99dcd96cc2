"""Logs of no known convention: who and where is read, and they report no call."""

from ingest.dialects.common import COMMON
from ingest.dialects.logs.log_dialect import LogDialect

PLAIN_LOGS = LogDialect(
    name="none",
    version=1,
    fields={target: sources for target, sources in COMMON.items() if target != "failed"},
    durations=(),
)
