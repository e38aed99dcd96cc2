"""What stated costs are good for, as the owner says: choices made by events, over the table in `reported`."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps, loads

from ledger.books.body import canonical, object_of
from ledger.books.reported import POLICIES, PREFERENCES, Preference
from ledger.errors import Refused

SETTING = "cost_source"
"""What the event says that it sets."""
CHOICES_MAX = 1_000
"""Sources with a policy of one's own at once."""
SOURCE_CHARS_MAX = 256
TEXT_CHARS_MAX = 500
BODY_BYTES_MAX = 64 << 10
_NAMES = {"setting", "source", "policy", "reason", "author"}
_CHOSEN = tuple(name for name, preference in POLICIES.items() if preference != Preference.NEVER)


@dataclass(frozen=True)
class Choice:
    """From its event on, costs that the attribute or metric `source` states go by `policy`; None: by the default."""

    source: str
    policy: str | None
    reason: str
    author: str


def choice_body(choice: Choice) -> bytes:
    """Body of a `config.set` event."""
    return canonical({"setting": SETTING, **vars(choice)})


def read_choice(body: bytes) -> Choice:
    """What a `config.set` event says. Raises Refused."""
    said = object_of(body, "setting", _NAMES, BODY_BYTES_MAX)
    if said.pop("setting") != SETTING:
        raise Refused(f"setting: only {SETTING!r} is known")
    for name, chars_max in (("source", SOURCE_CHARS_MAX), ("reason", TEXT_CHARS_MAX), ("author", TEXT_CHARS_MAX)):
        value = said[name]
        if not isinstance(value, str) or not value.strip() or len(value) > chars_max:
            raise Refused(f"cost source: {name} {str(value)[:50]!r}: 1 to {chars_max} characters expected")
    choice = Choice(**said)
    if choice.source == "*":
        raise Refused("cost source *: a policy is for one attribute or metric: name it")
    if choice.policy is not None and choice.policy not in _CHOSEN:
        raise Refused(f"cost source {choice.source}: policy {str(choice.policy)[:50]!r}: one of {', '.join(_CHOSEN)}")
    if PREFERENCES.get(choice.source) == Preference.NEVER:
        raise Refused(f"cost source {choice.source}: it states no amount in USD, so no policy makes it a cost")
    return choice


class CostSources:
    """Which policies were chosen at which event."""

    def __init__(self, state: bytes | None = None) -> None:
        """As `state` said."""
        self._chosen: list[tuple[int, str, str | None]] = [(*each,) for each in loads(state or b"[]")]
        self._kept: dict[int, Mapping[str, Preference]] = {-1: PREFERENCES}

    def state(self) -> bytes:
        return dumps(self._chosen).encode()

    def choose(self, event_seq: int, choice: Choice) -> None:
        """Let `choice` hold from `event_seq` on. Raises Refused past CHOICES_MAX."""
        sources = {source for _, source, _ in self._chosen} | {choice.source}
        if len(sources) > CHOICES_MAX:
            raise Refused(f"cost sources: {len(sources)} would have had a policy, at most {CHOICES_MAX} may")
        self._chosen.append((event_seq, choice.source, choice.policy))

    def at(self, event_seq: int) -> tuple[Mapping[str, Preference], int]:
        """The policies in force at an event, by source, and the event that last changed one (-1: none did)."""
        chosen = self._chosen[: bisect_right(self._chosen, event_seq, key=lambda each: each[0])]
        last = chosen[-1][0] if chosen else -1
        if last not in self._kept:
            self._kept = {-1: PREFERENCES, last: in_force({source: policy for _, source, policy in chosen})}
        return self._kept[last], last


def in_force(chosen: Mapping[str, str | None]) -> Mapping[str, Preference]:
    """The table with what was `chosen` last for each source; None is the default."""
    return {**PREFERENCES, **{source: POLICIES[policy] for source, policy in chosen.items() if policy is not None}}
