"""What every figure is printed with: the machine, the commit, the command, and median and spread of the rounds."""

import os
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = ("grpcio", "polars", "pyarrow", "duckdb", "ptars")


def header() -> str:
    parts = " · ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return "\n".join(
        (
            f"machine   {processor()}, {os.cpu_count()} cores, {memory_gib():.0f} GiB, {platform.platform(terse=True)}",
            f"software  Python {platform.python_version()} · {parts}",
            f"load      {os.getloadavg()[0]:.2f} before the first round; above 0.3 the machine was busy",
            f"commit    {commit()}",
            f"command   python -m {module()} {shlex.join(sys.argv[1:])}".rstrip(),
            "",
        )
    )


def module() -> str:
    return f"bench.{Path(sys.argv[0]).stem}"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def commit() -> str:
    short = git("rev-parse", "--short", "HEAD")
    return short + (" with local changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def spread(values: Sequence[float]) -> str:
    """Median, and least to most of the rounds."""
    return f"{statistics.median(values):>12,.1f}  ({min(values):,.1f} to {max(values):,.1f}, {len(values)} rounds)"
