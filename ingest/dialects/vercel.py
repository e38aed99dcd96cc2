"""Vercel's AI SDK from version 7 on, by @ai-sdk/otel: GenAI. Held by a capture."""

from dataclasses import replace

from ingest.dialects.otel_genai import OTEL_GENAI

VERCEL = replace(
    OTEL_GENAI,
    name="vercel",
    version=1,
    scopes=("gen_ai",),
    marks=(),
    reference="https://ai-sdk.dev/docs/ai-sdk-core/telemetry",
    captures=("otel_genai/vercel_ai_otel",),
)
