"""OpenTelemetry's semantic conventions for generative AI up to 1.36: gen_ai.system, prompt and completion tokens.

Held by a capture.
"""

from ingest.dialects import otel_genai
from ingest.dialects.dialect import Dialect, also

OTEL_GENAI_LEGACY = Dialect(
    name="otel_genai_legacy",
    version=2,
    scopes=("opentelemetry.instrumentation.openai_v2",),
    marks=("gen_ai.system",),
    fields=also(
        otel_genai.FIELDS,
        {
            "input_tokens": ("gen_ai.usage.prompt_tokens",),
            "output_tokens": ("gen_ai.usage.completion_tokens",),
            "input": ("gen_ai.prompt",),
            "output": ("gen_ai.completion",),
        },
    ),
    operations=otel_genai.OPERATIONS,
    labels=otel_genai.OTEL_GENAI.labels,
    reference="https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-spans.md",
    captures=("otel_genai_legacy/openai_v2_default",),
)
