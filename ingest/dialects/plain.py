"""Spans of no known convention: the names that many share are read, the rest stays in `attributes`."""

from ingest.dialects.common import COMMON, GATEWAY
from ingest.dialects.dialect import Dialect, also

PLAIN = Dialect(
    name="none",
    version=2,
    fields=also(also({"tool_name": ("tool.name",), "agent_name": ("agent.name",)}, COMMON), GATEWAY),
    input_includes_cache=None,
)
