"""What the collector counts, as samples that a Prometheus page can print: name with labels -> number."""

from collections import Counter


class Counters:
    """Monotonic counts since the start. Adding is one operation of the event loop; reading makes a copy."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1, **labels: str | int) -> None:
        self._counts[sample(name, **labels)] += amount

    def snapshot(self) -> dict[str, int]:
        return dict(self._counts)


def sample(name: str, **labels: str | int) -> str:
    """`name{label="value",...}`; the labels are ours, never a sender's, so nothing needs escaping."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name
