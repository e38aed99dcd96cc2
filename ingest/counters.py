"""What the collector counts, as samples that a Prometheus page can print: name with labels -> number."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

NO_LABELS: Mapping[str, object] = MappingProxyType({})


class Counters:
    """Monotonic counts since the start. Adding is one operation of the event loop; reading makes a copy."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1, labels: Mapping[str, object] = NO_LABELS) -> None:
        self._counts[sample(name, labels)] += amount

    def snapshot(self) -> dict[str, int]:
        return dict(self._counts)


def sample(name: str, labels: Mapping[str, object] = NO_LABELS) -> str:
    """`name{label="value",...}`; the labels are ours, never a sender's, so nothing needs escaping."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name
