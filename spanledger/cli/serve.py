"""`spanledger serve`: the service, in the foreground, until SIGTERM or Ctrl-C."""

import sys
from pathlib import Path

import click

from ledger.errors import Refused
from spanledger.cli import options
from spanledger.cli.exits import OK


@click.command("serve")
@options.data
@options.config
@click.option(
    "--otlp-grpc", metavar="HOST:PORT", help="OTLP/gRPC address [default: 127.0.0.1:4317]; port 0: a free one."
)
@click.option("--otlp-http", metavar="HOST:PORT", help="OTLP/HTTP address [default: 127.0.0.1:4318].")
@click.option("--api", metavar="HOST:PORT", help="Page and API address [default: 127.0.0.1:8317].")
@click.option(
    "--insecure", is_flag=True, default=None, help="Permit addresses that other machines reach, with no key asked."
)
@click.option(
    "--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Write addresses here once all answer."
)
def command(
    data: Path | None,
    config_file: Path | None,
    otlp_grpc: str | None,
    otlp_http: str | None,
    api: str | None,
    insecure: bool | None,
    ready_file: Path | None,
) -> int:
    """Take telemetry in by OTLP, post it to the ledger, and answer by API and page, until SIGTERM."""
    if sys.platform == "win32":
        raise Refused("serve does not run on Windows itself: use WSL 2 or Docker")
    from spanledger.config import load
    from spanledger.logs import configure
    from spanledger.presence import write_atomic
    from spanledger.supervise import Supervisor

    configure("serve")
    flags = {
        "listen.otlp_grpc": otlp_grpc,
        "listen.otlp_http": otlp_http,
        "listen.api": api,
        "listen.insecure": insecure,
    }
    settings = load(data=data, file=config_file, flags=flags)

    def announce(facts: dict[str, object]) -> None:
        click.echo(
            f"OTLP/gRPC {facts['otlp_grpc']}, OTLP/HTTP {facts['otlp_http']}, page http://{facts['api']}/", err=True
        )
        if ready_file is not None:
            write_atomic(ready_file, facts)

    return Supervisor(settings, announce).run() or OK
