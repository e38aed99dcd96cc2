"""Asking a server, also one that breaks off, has no bound, or is something else."""

import pytest

from ledger.errors import LedgerError
from spanledger.cli import source, spanledger
from spanledger.cli.exits import Unreachable, run
from spanledger.cli.source import fetch, fetch_body
from tests.spanledger.answering import answering, http


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with answering(http(b"PAR1", length=9)) as url, pytest.raises(Unreachable, match="broke off after 4 bytes"):
        fetch_body(url, "/api/v1/price-books/seed")


def test_an_answer_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ANSWER_BYTES_MAX", 8)
    with answering(http(b"8 bytes."), http(b"nine byte")) as url:
        assert fetch_body(url, "/") == b"8 bytes."
        with pytest.raises(LedgerError, match="over 8 bytes"):
            fetch_body(url, "/")


def test_what_is_not_json_or_not_http_is_told_apart() -> None:
    with answering(http(b"<html>"), b"\0\0\x12\4\0\0\0\0\0") as url:
        with pytest.raises(LedgerError, match="not JSON"):
            fetch(url, "/api/v1/info")
        with pytest.raises(Unreachable, match="is this its port"):
            fetch(url, "/api/v1/info")


def test_a_port_that_is_no_number_ends_with_5_and_no_stack_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(spanledger, ["runs", "--url", "http://127.0.0.1:http"]) == 5
    assert "nonnumeric port" in capsys.readouterr().err
