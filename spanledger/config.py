"""The configuration: one YAML file, the environment and flags, checked against `spanledger.keys` and then frozen.

Precedence: flag > SPANLEDGER_* > file > default. An unknown key or a wrong type is refused by name: a setting that is
silently ignored is worse than a start that fails.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import InvalidOperation
from pathlib import Path
from types import MappingProxyType

from ledger.errors import Refused
from ledger.paths import DataDir
from spanledger.keys import KEYS, Key, Value
from spanledger.values import READ

DEFAULT = "default"
"""Origin of a value that nobody set: the part's own default stands."""


@dataclass(frozen=True)
class Config:
    """Settings in force: the data directory, a value for every key, and where each came from."""

    data: DataDir
    file: Path | None
    values: Mapping[str, Value]
    origins: Mapping[str, str]

    def names(self, key: str) -> tuple[str, ...]:
        value = self.values[key]
        assert isinstance(value, tuple), key
        return value


def data_root(flag: Path | None, environ: Mapping[str, str]) -> Path:
    """--data > SPANLEDGER_DATA > $XDG_DATA_HOME/spanledger (~/.local/share/spanledger)."""
    if flag is not None:
        return flag.absolute()
    if environ.get("SPANLEDGER_DATA"):
        return Path(environ["SPANLEDGER_DATA"]).absolute()
    home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", str(Path.home()))) / ".local" / "share")
    return Path(home).absolute() / "spanledger"


def load(
    *,
    data: Path | None = None,
    file: Path | None = None,
    flags: Mapping[str, str | bool | None] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read and check everything. `flags` maps key names to what the command line gave (None: not given).

    Raises Refused naming the key, where it was set, what it was and what is accepted.
    """
    root = DataDir(data_root(data, environ))
    path = _file(file, environ, root)
    given = {"file": _from_file(path) if path else {}, "environment": _from_environment(environ)}
    given["flag"] = {name: value for name, value in (flags or {}).items() if value is not None}
    values: dict[str, Value] = {key.name: key.default for key in KEYS}
    origins = {key.name: DEFAULT for key in KEYS}
    for origin, settings in given.items():
        for name, raw in settings.items():
            key = _key(name, origin, path)
            values[name] = _checked(key, raw, _place(key, origin, path), as_text=origin != "file")
            origins[name] = origin if origin != "file" else str(path)
    return Config(root, path, MappingProxyType(values), MappingProxyType(origins))


def make_data_directory(data: DataDir) -> None:
    """Make DATA with mode 0700: prompts and answers are nobody else's business."""
    data.root.mkdir(mode=0o700, parents=True, exist_ok=True)


def _file(flag: Path | None, environ: Mapping[str, str], data: DataDir) -> Path | None:
    named = flag or (Path(environ["SPANLEDGER_CONFIG"]) if environ.get("SPANLEDGER_CONFIG") else None)
    if named is None:
        return data.config_file if data.config_file.is_file() else None
    if not named.is_file():
        raise Refused(f"configuration file {named}: no such file")
    return named.absolute()


def _from_file(path: Path) -> dict[str, object]:
    import yaml  # only where there is a file: 20 ms of start-up

    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: not YAML: {error}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise Refused(f"{path}: the top level is {type(tree).__name__}, expected sections such as `listen:`")
    found: dict[str, object] = {}
    for section, body in tree.items():
        if not isinstance(body, dict):
            raise Refused(f"{path}: section {section!r} holds {type(body).__name__}, expected keys with values")
        found.update({f"{section}.{name}": value for name, value in body.items()})
    return found


RESERVED = frozenset({"SPANLEDGER_DATA", "SPANLEDGER_CONFIG", "SPANLEDGER_DECODER"})
"""Variables with this prefix that are not keys."""


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    names = {key.variable: key.name for key in KEYS}
    found: dict[str, object] = {}
    for variable, value in environ.items():
        if variable in names:
            found[names[variable]] = value
        elif variable.startswith("SPANLEDGER_") and variable not in RESERVED:
            raise Refused(f"environment variable {variable}: no such key; `spanledger config show` lists them")
    return found


def _key(name: str, origin: str, path: Path | None) -> Key:
    for key in KEYS:
        if key.name == name:
            return key
    place = str(path) if origin == "file" else origin
    raise Refused(f"{place}: unknown key {name!r}{_nearest(name)}; `spanledger config show` lists them")


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, [key.name for key in KEYS], 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _place(key: Key, origin: str, path: Path | None) -> str:
    return {"file": f"{path}: {key.name}", "environment": key.variable}.get(origin, f"flag for {key.name}")


def _checked(key: Key, raw: object, place: str, *, as_text: bool) -> Value:
    try:
        value = READ[key.kind](raw, as_text)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise Refused(f"{place}: {raw!r} is not accepted; give {key.accepted}") from error
    if (
        isinstance(value, int | float)
        and key.low is not None
        and key.high is not None
        and not key.low <= value <= key.high
    ):
        raise Refused(f"{place}: {raw!r} is out of range; give {key.accepted}")
    return value
