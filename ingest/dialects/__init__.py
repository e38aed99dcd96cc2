"""The dialects, in order of precedence: of two that recognise a span by its marks, the earlier reads it.

To add one: a file here with a `Dialect`, and its name in this tuple (docs/reference/dialects.md).
"""

from ingest.dialects.dialect import Dialect
from ingest.dialects.openinference import OPENINFERENCE
from ingest.dialects.otel_genai import OTEL_GENAI
from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY
from ingest.dialects.plain import PLAIN

DIALECTS: tuple[Dialect, ...] = (OPENINFERENCE, OTEL_GENAI_LEGACY, OTEL_GENAI, PLAIN)
"""The last one reads what no other recognises."""
