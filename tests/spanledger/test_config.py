"""The configuration: where it comes from, what wins, and what is refused by name."""

import dataclasses
import importlib
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.errors import Refused
from spanledger.config import data_root, load, make_data_directory
from spanledger.keys import KEYS, KINDS
from spanledger.parts import PARTS, options
from spanledger.values import READ


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spanledger.yaml"
    path.write_text(text)
    return path


def test_flag_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    file = written(tmp_path, "listen: {api: '127.0.0.1:1', otlp_grpc: '127.0.0.1:1', otlp_http: '127.0.0.1:1'}")
    environ = {"SPANLEDGER_LISTEN__API": "127.0.0.1:2", "SPANLEDGER_LISTEN__OTLP_GRPC": "127.0.0.1:2"}
    settings = load(data=tmp_path, file=file, flags={"listen.api": "127.0.0.1:3"}, environ=environ)
    assert settings.values["listen.api"] == "127.0.0.1:3"
    assert settings.values["listen.otlp_grpc"] == "127.0.0.1:2"
    assert settings.values["listen.otlp_http"] == "127.0.0.1:1"
    assert settings.values["listen.insecure"] is False
    origins = [settings.origins[f"listen.{name}"] for name in ("api", "otlp_grpc", "otlp_http", "insecure")]
    assert origins == ["flag", "environment", str(file), "default"]


def test_the_file_is_looked_for_where_it_is_documented(tmp_path: Path) -> None:
    named = tmp_path / "named.yaml"
    named.write_text("api: {query_s: 1}")
    written(tmp_path, "api: {query_s: 2}")
    other = tmp_path / "other.yaml"
    other.write_text("api: {query_s: 3}")
    environ = {"SPANLEDGER_CONFIG": str(other)}
    assert load(data=tmp_path, environ={}).values["api.query_s"] == 2
    assert load(data=tmp_path, environ=environ).values["api.query_s"] == 3
    assert load(data=tmp_path, file=named, environ=environ).values["api.query_s"] == 1
    with pytest.raises(Refused, match=r"missing\.yaml: no such file"):
        load(data=tmp_path, file=tmp_path / "missing.yaml", environ={})


def test_the_data_directory_is_flag_then_variable_then_xdg_then_home() -> None:
    environ = {"SPANLEDGER_DATA": "/b", "XDG_DATA_HOME": "/c", "HOME": "/d"}
    assert data_root(Path("/a"), environ) == Path("/a")
    assert data_root(None, environ) == Path("/b")
    assert data_root(None, {"XDG_DATA_HOME": "/c", "HOME": "/d"}) == Path("/c/spanledger")
    assert data_root(None, {"HOME": "/d"}) == Path("/d/.local/share/spanledger")


def test_the_data_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    settings = load(data=tmp_path / "deep" / "data", environ={})
    make_data_directory(settings.data)
    assert settings.data.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen: {apii: '127.0.0.1:1'}", r"unknown key 'listen\.apii' \(did you mean 'listen\.api'\?\)"),
        ("nothing: {at: all}", r"unknown key 'nothing\.at'"),
        ("listen: {api: 8317}", r"listen\.api: 8317 is not accepted; give HOST:PORT"),
        ("listen: {api: 'localhost:99999'}", r"listen\.api"),
        ("listen: {insecure: 'no'}", r"listen\.insecure: 'no' is not accepted; give true or false"),
        ("collector: {request_bytes_max: 64MiB}", r"request_bytes_max: '64MiB' is not accepted; give a whole number"),
        ("collector: {request_bytes_max: 1.5}", r"request_bytes_max: 1\.5"),
        ("collector: {request_bytes_max: true}", r"request_bytes_max: True"),
        ("collector: {request_bytes_max: 5}", r"request_bytes_max: 5 is out of range; give a whole number from 1,024"),
        ("collector: {hold_s: .nan}", r"hold_s: nan"),
        ("collector: 5", "section 'collector' holds int"),
        ("- a", "the top level is list"),
        ("a: [", "not YAML"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_a_fault_in_the_file_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        load(data=tmp_path, file=written(tmp_path, text), environ={})
    assert "spanledger.yaml" in str(refused.value)


@pytest.mark.parametrize("variable", ["SPANLEDGER_LISTEN__APII", "SPANLEDGER_LISTEN_API", "SPANLEDGER_X"])
def test_a_variable_that_names_no_key_is_refused(tmp_path: Path, variable: str) -> None:
    with pytest.raises(Refused, match=f"{variable}: no such key"):
        load(data=tmp_path, environ={variable: "127.0.0.1:1"})


def test_an_unquoted_amount_is_refused_and_a_quoted_one_is_exact() -> None:
    assert READ["money"]("0.10", False) == Decimal("0.10")
    for raw in (0.1, 1, True, "NaN", "Infinity", "ten"):
        with pytest.raises((TypeError, ValueError, ArithmeticError)):
            READ["money"](raw, False)


def test_every_key_has_a_unit_or_needs_none_and_a_reason() -> None:
    assert len({key.name for key in KEYS}) == len(KEYS)
    assert set(READ) == set(KINDS)
    for key in KEYS:
        assert key.reason
        assert key.kind in KINDS
        if key.name.endswith(("_max", "_min", "_s", "_rows", "_bytes")):
            assert key.unit, key.name
            assert key.low is not None, key.name


@pytest.mark.parametrize("part", PARTS)
def test_each_part_gets_its_own_defaults_back(part: str, tmp_path: Path) -> None:
    module, name, fields = PARTS[part]
    own = getattr(importlib.import_module(module), name)()
    assert set(fields) <= {field.name for field in dataclasses.fields(own)}
    settings = load(data=tmp_path, environ={})
    assert options(settings, part) == own
    documented = {field: settings.values[key] for field, key in fields.items()}
    assert documented == {field: getattr(own, field) for field in fields}


def test_every_key_is_used_by_a_part_or_by_the_supervisor() -> None:
    used = {key for _, _, fields in PARTS.values() for key in fields.values()}
    assert {key.name for key in KEYS} - used == {"listen.api"}
