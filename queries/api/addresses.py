"""Where the server on a data directory listens, as it says itself in DATA/run/serve.json."""

import json

from ledger.paths import DataDir


def addresses(data: DataDir) -> dict[str, str]:
    """`otlp_grpc`, `otlp_http`, `api`, `pid`; empty while no server runs."""
    try:
        facts = json.loads(data.serve_json.read_text())
    except (OSError, ValueError):
        return {}
    return {name: str(value) for name, value in facts.items()}
