"""Where things lie in a data directory (docs/format.md). The only place that knows the names."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataDir:
    """The directory DATA and the fixed places within it. Nothing is created by looking."""

    root: Path
    ledger_name: str = "ledger"
    """Another name while a ledger is rebuilt beside the one in use."""

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def ledger(self) -> Path:
        return self.root / self.ledger_name

    @property
    def catalog(self) -> Path:
        return self.ledger / "catalog.sqlite"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def durable_mark(self) -> Path:
        return self.run / "durable"

    @property
    def control_socket(self) -> Path:
        return self.run / "control.sock"

    @property
    def serve_json(self) -> Path:
        return self.run / "serve.json"

    @property
    def config_file(self) -> Path:
        return self.root / "spanledger.yaml"
