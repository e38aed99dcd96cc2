"""The bounds of the journal, each with its unit and its reason."""

from dataclasses import dataclass, fields

from ledger.errors import Refused

MIB = 1 << 20
SHARD_EVENTS_MAX = 1 << 48
SHARD_MAX = (1 << 15) - 1
"""`event_seq` = shard * 2^48 + n must fit a signed 64-bit column."""


@dataclass(frozen=True)
class JournalOptions:
    """Frozen; `validated` names the key that is out of range."""

    shard: int = 0  # which of the collectors that share nothing this is
    file_bytes_max: int = 256 * MIB  # a file is read whole at a start (0.2 s of warm cache) and sealed in one piece
    body_bytes_max: int = 64 * MIB  # the largest body taken: the OTLP server's own request limit
    group_bytes_max: int = 32 * MIB  # one writev and one sync: about 0.1 s of a slow disk, so that no ack waits long
    queue_bytes_max: int = 128 * MIB  # bodies in memory and not yet durable, the group in flight included
    queue_events_max: int = 65_536  # the same bound for small bodies: an entry costs about 1 KiB beside its body
    free_bytes_min: int = 16 * MIB  # stop before the disk is full, so that the catalog can still commit and close
    seal: bool = True  # seal closed files in a background thread of the writer's process
    seal_level: int = 3  # zstd level: 3 keeps up with the sync rate of one core (docs/adr/0001)
    seal_backlog_files_max: int = 8  # closed files that may wait while senders do: 2 GiB that could be a sixth of it
    retry_s: float = 1.0  # how soon a mark or first event that could not be written is tried again
    software: str = ""  # named in the genesis event; empty: the installed version

    def validated(self) -> "JournalOptions":
        """These options, or Refused naming the key and the range it accepts."""
        for name, low, high in self._ranges():
            value = getattr(self, name)
            if not low <= value <= high:
                raise Refused(f"journal option {name} is {value}; it must be between {low} and {high}")
        return self

    def _ranges(self) -> list[tuple[str, float, float]]:
        one_up = {f.name: (f.name, 1, float(1 << 40)) for f in fields(self) if f.name.endswith(("_max", "_s"))}
        own = {
            "shard": ("shard", 0, SHARD_MAX),
            "body_bytes_max": ("body_bytes_max", 1, min(self.queue_bytes_max, (1 << 31) - 1)),
            "retry_s": ("retry_s", 0.001, 3600.0),
            "free_bytes_min": ("free_bytes_min", 0, 1 << 50),
            "seal_level": ("seal_level", 1, 19),
        }
        return list((one_up | own).values())


DEFAULTS = JournalOptions()
