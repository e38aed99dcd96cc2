"""What a call is charged for: the disjoint units, the counts that feed each, and whose price each may take.

Units never overlap: a token is in exactly one of them, and the input-side ones sum to the call's `input_tokens`.
The tables here are all there is to it; `charge` applies them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """One unit of charge. Its price is the first that the book has of `own`, else, with a remark, of `else_as`."""

    name: str
    own: tuple[str, ...]
    doc: str
    else_as: tuple[str, ...] = ()


FRESH, CACHE_READ, CACHE_WRITE = "fresh_input_tokens", "cache_read_tokens", "cache_write_tokens"
CACHE_WRITE_5M, CACHE_WRITE_1H = "cache_write_5m_tokens", "cache_write_1h_tokens"
AUDIO_IN, IMAGE_IN = "audio_input_tokens", "image_input_tokens"
OUTPUT, REASONING, AUDIO_OUT = "output_tokens", "reasoning_tokens", "audio_output_tokens"
REQUESTS, WEB_SEARCHES, CODE_EXECUTIONS = "requests", "web_searches", "code_executions"
REPORTED, UNKNOWN = "reported_difference", "unknown"
TOOL_CALLS, TOOL_SECONDS = TOOL_UNITS = "tool_calls", "tool_seconds"
"""Units of a tool's own fee. No price list has prices of them: they are of one's own."""

UNITS: tuple[Unit, ...] = (
    Unit(FRESH, (FRESH,), "tokens in that no other unit of input counts"),
    # Where a provider has no cache price, cached tokens are input tokens like any other (genai-prices reads it so too).
    Unit(CACHE_READ, (CACHE_READ,), "tokens read from the prompt cache", (FRESH,)),
    Unit(CACHE_WRITE, (CACHE_WRITE_5M, CACHE_WRITE), "tokens written to the cache, lifetime unknown", (FRESH,)),
    Unit(CACHE_WRITE_5M, (CACHE_WRITE_5M, CACHE_WRITE), "tokens cached for 5 minutes", (FRESH,)),
    Unit(CACHE_WRITE_1H, (CACHE_WRITE_1H,), "tokens cached for 1 hour", (CACHE_WRITE, FRESH)),
    Unit(AUDIO_IN, (AUDIO_IN,), "audio tokens in, only where priced apart"),
    Unit(IMAGE_IN, (IMAGE_IN,), "image tokens in, only where priced apart"),
    Unit(OUTPUT, (OUTPUT,), "tokens out that no other unit of output counts"),
    Unit(REASONING, (REASONING,), "reasoning tokens out, only where priced apart"),
    Unit(AUDIO_OUT, (AUDIO_OUT,), "audio tokens out, only where priced apart"),
    Unit(REQUESTS, (REQUESTS,), "requests, only where the book has a fee for one"),
    Unit(WEB_SEARCHES, (WEB_SEARCHES,), "searches that the provider ran"),
    Unit(CODE_EXECUTIONS, (CODE_EXECUTIONS,), "code executions that the provider ran"),
    Unit(TOOL_CALLS, (TOOL_CALLS,), "executions of a tool that has a fee"),
    Unit(TOOL_SECONDS, (TOOL_SECONDS,), "seconds of a tool that has a fee by time"),
    Unit(REPORTED, (), "what the telemetry's own figure adds to the computed cost"),
    Unit(UNKNOWN, (), "usage that was not reported; never priced"),
)
"""In the order in which the lines of a call are booked. A unit's number is part of charge ids: add only at the end."""

INPUT_SIDE = (FRESH, CACHE_READ, CACHE_WRITE, CACHE_WRITE_5M, CACHE_WRITE_1H, AUDIO_IN, IMAGE_IN)
"""Units of what goes in; their quantities sum to the call's `input_tokens`."""

POSITION = {unit.name: position for position, unit in enumerate(UNITS)}

MODEL_OPERATIONS = ("chat", "completion", "embeddings", "rerank", "image", "speech", "moderation")
"""Operations that are calls of a model."""

GENERATING_OPERATIONS = ("chat", "completion")
"""Operations that always have tokens in and tokens out: if one count is missing there, it is unknown, not zero."""

COUNT_COLUMNS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "web_searches",
    "code_executions",
)
"""Columns of a view that hold counts."""

QUANTITY_MAX = 10**14 - 1
"""Largest count that QUANTITY holds; a larger one is no usage of one call and is booked as `unknown`."""

PARTS = {TOOL_SECONDS: 10**9}
"""Units that are counted in whole parts, and how many parts one is: seconds in nanoseconds. Others are whole."""

TOOL_NS_MAX = 366 * 86_400 * 10**9
"""Longest that a tool is believed to run: beyond a year a clock was wrong."""

GENAI_UNITS = {
    "input_tokens": FRESH,
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": CACHE_WRITE,
    "cache_write_5m_tokens": "cache_write_5m_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "input_audio_tokens": "audio_input_tokens",
    "input_image_tokens": "image_input_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "output_audio_tokens": "audio_output_tokens",
    "requests": "requests",
    "web_searches": "web_searches",
    "code_executions": "code_executions",
}
"""genai-prices usage key -> unit. Its other units (pages, seconds, characters, ...) stay in the book under their own
name: no telemetry convention reports them yet."""

TIER_CONTEXTS = {
    "batch": "processing=batch",
    "flex": "service_tier=flex",
    "priority": "service_tier=priority",
    "fast": "fast",
}
"""service_tier of a view -> context of the book's prices; any other is looked up in the book under its own name."""

GENAI_CONTEXTS = {
    (("speed", "fast"),): "fast",
    (("service_tier", "fast"),): "fast",
}
"""genai-prices context -> context of the book, where the two differ. Anthropic calls it speed, OpenAI a service tier.
"""

STANDARD_TIERS = frozenset({"", "standard", "default", "auto", "on_demand", "standard_only"})
"""service_tier values that mean the ordinary price. `auto` is a request's wish; the response names what was used."""
