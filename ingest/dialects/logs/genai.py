"""OpenTelemetry's events for generative AI: `gen_ai.client.inference.operation.details` says all that its span does.

Content comes as arrays and maps, kept as JSON. Held by a capture.
"""

from ingest.dialects.logs.log_dialect import LogDialect
from ingest.dialects.otel_genai import OTEL_GENAI

GENAI_LOGS = LogDialect(
    name="otel_genai",
    version=1,
    scopes=OTEL_GENAI.scopes,
    events=("gen_ai.",),
    marks=OTEL_GENAI.marks,
    fields=OTEL_GENAI.fields,
    operations=OTEL_GENAI.operations,
    operation_names={"gen_ai.": "other"},
    failures=("gen_ai.client.operation.exception",),
    durations=(),
    reference="https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai",
    captures=("otel_genai/otel_genai_openai_content",),
)
