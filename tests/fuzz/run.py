"""`python -m tests.fuzz.run TARGET --seconds N`: fuzz one target with atheris, from its seeds.

A finding ends the run and is written to tests/fuzz/found/TARGET/; once it is mended it stays there as a seed, and
tests/fuzz/test_seeds.py keeps it mended. What was learnt in a run is kept where `--corpus` says.
"""

import argparse
import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["ingest", "ledger"]):  # so that the fuzzer sees which inputs lead on
    from tests.fuzz.seeds import FOUND, seeds
    from tests.fuzz.targets import TARGETS

RSS_MIB_MAX = 2_048
ONE_INPUT_S_MAX = 20
INPUT_BYTES_MAX = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="where new inputs are kept; default: a new temporary folder")
    given = parser.parse_args()
    corpus = given.corpus or Path(mkdtemp(prefix=f"fuzz-{given.target}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(given.target)):
        if len(seed) <= INPUT_BYTES_MAX:
            (corpus / f"seed-{number:04d}").write_bytes(seed)
    (FOUND / given.target).mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": given.seconds,
        "rss_limit_mb": RSS_MIB_MAX,
        "timeout": ONE_INPUT_S_MAX,
        "max_len": INPUT_BYTES_MAX,
        "artifact_prefix": f"{FOUND / given.target}/",
        "print_final_stats": 1,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)], TARGETS[given.target]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
