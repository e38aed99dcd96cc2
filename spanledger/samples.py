"""The sample traces that come with the program: in a wheel beside this file, in a clone at its top."""

from collections.abc import Iterator
from pathlib import Path

from ledger.errors import NotFound
from spanledger.otlp_files import OtlpFile, recognise

HERE = Path(__file__).parent
PLACES = (HERE / "sample_traces", HERE.parent / "sample_traces")


def sample_directory() -> Path:
    """Where the samples lie. Raises NotFound naming where it looked."""
    for place in PLACES:
        if place.is_dir():
            return place
    raise NotFound(f"no sample traces in {' or '.join(map(str, PLACES))}; install the package again")


def samples() -> Iterator[OtlpFile]:
    """Every sample file, in the order of its name."""
    for path in sorted(sample_directory().glob("*/*.*.binpb")):
        yield recognise(path)
