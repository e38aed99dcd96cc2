"""Semantic Kernel: GenAI with names of operations of its own. Functions are named with their plugin: `P-get_weather`.

From its documentation; no capture of it is at hand.
"""

from dataclasses import replace

from ingest.dialects.otel_genai_legacy import OTEL_GENAI_LEGACY

SEMANTIC_KERNEL = replace(
    OTEL_GENAI_LEGACY,
    name="semantic_kernel",
    version=1,
    scopes=("semantic_kernel", "Microsoft.SemanticKernel", "agent_runtime "),
    marks=("sk.available_functions",),
    operations={
        **OTEL_GENAI_LEGACY.operations,
        "chat.completions": "chat",
        "chat.streaming_completions": "chat",
        **dict.fromkeys(("text_completions", "text.completions", "text.streaming_completions"), "completion"),
    },
    operation_names={"AutoFunctionInvocationLoop": "chain"},
    reference="https://learn.microsoft.com/en-us/semantic-kernel/concepts/enterprise-readiness/observability/",
    captures=(),
)
