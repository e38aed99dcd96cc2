"""What a dialect is: a table that says which attributes hold what. Nothing here or in a dialect's file runs a span."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How the value of a target is read."""

    TEXT = "text as it is"
    NAME = "one of few names, made canonical"
    COUNT = "whole number, 0 to 2**53"
    MONEY = "USD, exact"


TARGETS: Mapping[str, Kind] = {
    "operation": Kind.NAME,
    "provider": Kind.NAME,
    "service_tier": Kind.NAME,
    "credential": Kind.NAME,
    "service_name": Kind.TEXT,
    "environment": Kind.TEXT,
    "error_type": Kind.TEXT,
    "agent_name": Kind.TEXT,
    "request_model": Kind.TEXT,
    "response_model": Kind.TEXT,
    "response_id": Kind.TEXT,
    "tool_name": Kind.TEXT,
    "tool_call_id": Kind.TEXT,
    "run_key": Kind.TEXT,
    "turn_id": Kind.TEXT,
    "conversation_id": Kind.TEXT,
    "user_id": Kind.TEXT,
    "team": Kind.TEXT,
    "input": Kind.TEXT,
    "output": Kind.TEXT,
    "input_tokens": Kind.COUNT,
    "output_tokens": Kind.COUNT,
    "total_tokens": Kind.COUNT,
    "cache_read_tokens": Kind.COUNT,
    "cache_write_tokens": Kind.COUNT,
    "cache_write_5m_tokens": Kind.COUNT,
    "cache_write_1h_tokens": Kind.COUNT,
    "reasoning_tokens": Kind.COUNT,
    "audio_input_tokens": Kind.COUNT,
    "audio_output_tokens": Kind.COUNT,
    "image_input_tokens": Kind.COUNT,
    "compaction_input_tokens": Kind.COUNT,
    "compaction_output_tokens": Kind.COUNT,
    "web_searches": Kind.COUNT,
    "code_executions": Kind.COUNT,
    "reported_cost_usd": Kind.MONEY,
    "failed": Kind.NAME,
}
"""Every target a dialect can fill. All are columns of `spans` but CHECKS."""

CHECKS = frozenset({"total_tokens", "failed", "compaction_input_tokens", "compaction_output_tokens"})
"""Targets that only settle what others mean: whether parts are in the whole, whether missing usage is a failure, and
what has to be added to tokens in and out."""

MODEL_OPERATIONS = frozenset({"chat", "completion", "embeddings", "rerank", "image", "speech", "moderation"})
"""Operations that a provider bills by what the model did."""

OPERATIONS = MODEL_OPERATIONS | {
    *("retrieval", "tool", "agent", "workflow", "chain", "plan", "memory", "guardrail", "evaluator", "handoff"),
    *("hook", "transport", "definition", "other"),
}
"""Everything that the column `operation` may say."""


@dataclass(frozen=True)
class Inside:
    """One field of the object written as text in attribute `key`, found by the RE2 `pattern`, its group `v`."""

    key: str
    pattern: str
    names: tuple[str, ...] = ()
    model_only: bool = False
    """Only on spans of a model operation: elsewhere the same attribute holds something else."""

    def __str__(self) -> str:
        return f"{self.key} (inside: {', '.join(self.names)})" if self.names else f"{self.key} (in quotes)"


def first_field(key: str, name: str) -> Inside:
    """Text field `name` where it comes first in the object: cheap, however long the object is."""
    return Inside(key, rf'^\s*{{\s*"{name}"\s*:\s*"(?P<v>[^"\\]+)"', (name,), model_only=True)


def any_field(key: str, *names: str) -> Inside:
    """Text field of one of `names`, anywhere in a short object; the object may be quoted twice, or cut off."""
    return Inside(key, rf'\\?"(?:{"|".join(names)})\\?"\s*:\s*\\?"(?P<v>[^"\\]+)\\?"', names)


def number_field(key: str, *names: str, within: str = "") -> Inside:
    """Whole number of one of `names` in an object of JSON; `within`: behind the key of an inner object of that name.

    What stands in quotes within its texts is none. A number that the text was cut off behind is none either: more
    digits may have followed.
    """
    inner = rf'[{{,\s]"{within}"\s*:\s*{{(?s:.*?)' if within else ""
    number = r"(?P<v>[0-9]{1,16})(?:\.0*)?\s*[,}\]]"
    # The first character is the one behind an object's brace or comma, never the backslash of a quote in a text.
    return Inside(key, rf'{inner}[{{,\s]"(?:{"|".join(names)})"\s*:\s*{number}', names)


def loose_number_field(key: str, *names: str) -> Inside:
    """As number_field, in an object that is JSON, JSON quoted twice, or a Python repr, and that no model wrote."""
    quote = r"""\\?["']"""
    number = rf"(?:{quote})?(?P<v>[0-9]{{1,16}})(?:\.0*)?(?:{quote})?\s*[,}}\]]"
    return Inside(key, rf"{quote}(?:{'|'.join(names)}){quote}\s*:\s*{number}", names)


def in_quotes(key: str) -> Inside:
    """The whole text, where it is one text of JSON: Langfuse writes `"search"`, quotes and all."""
    return Inside(key, r'^\s*"(?P<v>[^"\\]+)"\s*$')


Source = str | Inside
Fields = Mapping[str, tuple[Source, ...]]


@dataclass(frozen=True)
class Label:
    """Where spans of `operation` carry `target` when no attribute of `fields` does: `keys`, then the span's name."""

    target: str
    operation: str
    keys: tuple[str, ...] = ()
    prefix: str = ""
    """The span's name counts only behind this prefix; empty: the whole name does."""


@dataclass(frozen=True, eq=False)
class Dialect:
    """One semantic convention. Add a file with one of these, and a line in `__init__.py`."""

    name: str
    version: int
    """Raised whenever the table changes what a span says; kept with every row as `mapping_version`."""
    scopes: tuple[str, ...] = ()
    """Beginnings of instrumentation scope names that speak it. They win over marks."""
    marks: tuple[str, ...] = ()
    """Attribute keys that give it away where the scope does not; one that ends in a dot stands for all below it."""
    fields: Fields = field(default_factory=dict)
    """Target -> sources; of several the first that is there, not empty and readable counts."""
    operations: Mapping[str, str] = field(default_factory=dict)
    """Raw value, lower case, of an `operation` source -> operation."""
    operation_prefixes: Mapping[str, str] = field(default_factory=dict)
    """Beginning of a span's name -> operation, over what the attributes say."""
    operation_marks: Mapping[str, str] = field(default_factory=dict)
    """Key of an attribute that is there -> operation, where no attribute says one."""
    operation_names: Mapping[str, str] = field(default_factory=dict)
    """Beginning of a span's name -> operation, where no attribute says or gives away one."""
    labels: tuple[Label, ...] = ()
    input_includes_cache: bool | None = True
    """Whether tokens in are counted with cache reads and writes; None: not known, guessed from the numbers."""
    output_includes_reasoning: bool = True
    """Whether tokens out are counted with reasoning."""
    reference: str = ""
    """Page of the convention."""
    captures: tuple[str, ...] = ()
    """Files of sample_traces that hold the table; none: it is taken from the documentation, and unproven."""

    def __post_init__(self) -> None:
        assert set(self.fields) <= set(TARGETS), f"{self.name}: {set(self.fields) - set(TARGETS)} is no target"
        by_name = (self.operation_prefixes, self.operation_names, self.operation_marks)
        named = {*self.operations.values(), *(operation for table in by_name for operation in table.values())}
        assert named <= OPERATIONS, f"{self.name}: {named - OPERATIONS} is no operation"


def also(first: Fields, then: Fields) -> Fields:
    """`first`, and behind its sources those of `then` that it does not have."""
    targets = dict.fromkeys((*first, *then))
    return {target: tuple(dict.fromkeys((*first.get(target, ()), *then.get(target, ())))) for target in targets}
