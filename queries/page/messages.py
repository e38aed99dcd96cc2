"""Input and output of a step as a person reads them: messages with their roles, JSON indented, the rest as it came.

All of it is text of strangers: it is only ever escaped and shown, never run, linked or rendered.
"""

import json
from dataclasses import dataclass

SHOWN_CHARS_MAX = 65_536
"""More of one text is not shown on the page; the API gives all of it."""
TEXT_KEYS = ("content", "text", "parts", "message", "arguments", "result", "response")


@dataclass(frozen=True)
class Block:
    """One message or text. `cut` is how many characters are not shown."""

    role: str
    text: str
    cut: int = 0


def blocks(content: object) -> list[Block]:
    """`content` of a span as blocks."""
    if not isinstance(content, str) or not content:
        return []
    if len(content) > 4 * SHOWN_CHARS_MAX or content.lstrip()[:1] not in "[{":
        return [_block("", content)]
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return [_block("", content)]
    messages = tree.get("messages", tree) if isinstance(tree, dict) else tree
    if isinstance(messages, list) and messages and all(isinstance(m, dict) and "role" in m for m in messages):
        return [_block(str(message["role"]), _said(message)) for message in messages]
    return [_block("", json.dumps(tree, ensure_ascii=False, indent=2))]


def _block(role: str, text: str) -> Block:
    return Block(role, text[:SHOWN_CHARS_MAX], max(0, len(text) - SHOWN_CHARS_MAX))


def _said(message: dict[str, object]) -> str:
    """The words of a message; where it holds more than words, all of it as JSON."""
    rest = {key: value for key, value in message.items() if key != "role" and value not in (None, "", [])}
    words = [_words(rest[key]) for key in TEXT_KEYS if key in rest]
    if words and all(word is not None for word in words) and len(words) == len(set(rest) - {"finish_reason"}):
        return "\n".join(word for word in words if word is not None)
    return json.dumps(rest, ensure_ascii=False, indent=2)


def _words(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        found = [_words(part) for part in value]
        return "\n".join(word for word in found if word is not None) if found and None not in found else None
    if isinstance(value, dict) and value.get("type", "text") in {"text", "input_text", "output_text"}:
        return next((value[key] for key in ("text", "content") if isinstance(value.get(key), str)), None)
    return None
