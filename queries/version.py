"""Version of the installed program, found without importing it."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("spanledger")
except PackageNotFoundError:  # run from a tree that is not installed
    VERSION = "unknown"
