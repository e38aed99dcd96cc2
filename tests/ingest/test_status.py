"""The table of answers: what a sender may do about each error, on both transports."""

import logging

import pytest

from ingest.seldom import INTERVAL_NS, SeldomLog
from ingest.status import MESSAGE_MAX, TABLE, Failure, UnknownPath, UnsupportedMedia
from ledger.errors import Corrupt, LedgerError, Overloaded, Refused, TooLarge
from tests.ingest.doors import unpack

DROPPED = {2, 13, 9, 5, 16, 7}
"""gRPC codes on which a client drops the batch for a passing fault: UNKNOWN, INTERNAL, FAILED_PRECONDITION, ..."""


def test_every_retryable_error_is_unavailable_and_503_and_nothing_else_is() -> None:
    for kind, rule in TABLE.items():
        assert (rule.grpc_code, rule.http_status) == (14, 503) if rule.retryable else rule.grpc_code != 14, kind


def test_no_fault_of_ours_is_answered_by_a_code_that_drops_the_batch() -> None:
    for error in (LedgerError("?"), Overloaded("full"), Corrupt("bad"), RuntimeError("bug"), OSError(5, "EIO")):
        rule = Failure.of(error).rule
        assert rule.retryable
        assert rule.grpc_code not in DROPPED


@pytest.mark.parametrize(
    ("error", "code", "http"),
    [(Refused("x"), 3, 400), (TooLarge("x"), 8, 413), (UnknownPath("x"), 5, 404), (UnsupportedMedia("x"), 3, 415)],
)
def test_errors_of_the_request_are_answered_for_good(error: Exception, code: int, http: int) -> None:
    failure = Failure.of(error)
    assert (failure.rule.grpc_code, failure.rule.http_status, failure.rule.retryable) == (code, http, False)
    assert "google.rpc.retryinfo-bin" not in dict(failure.grpc_trailers())
    assert failure.http_headers() == []


def test_the_delay_lets_six_tries_fill_the_ten_seconds_of_an_exporter() -> None:
    failure = Failure.of(Overloaded("full"))
    (retry,) = unpack(failure.status())
    delay_s = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    assert 5 * delay_s == pytest.approx(9.0)
    assert failure.http_headers() == [(b"retry-after", b"2")]


def test_a_long_message_is_cut_so_that_trailers_stay_within_eight_kib() -> None:
    for character, encoded_bytes in (("x", 1), ("\u20ac", 9)):
        failure = Failure.of(Refused(character * 100_000))
        trailers = sum(len(value) for _, value in failure.grpc_trailers()) * 4 / 3
        assert trailers + encoded_bytes * len(failure.message) < 8 << 10
    assert len(failure.message) == MESSAGE_MAX


def test_the_text_of_a_foreign_error_stays_here() -> None:
    assert "secret" not in Failure.of(ValueError("secret")).message


class Clock:
    now = 0

    def now_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now


def test_what_happens_often_is_said_once_a_minute_with_a_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = SeldomLog(logging.getLogger("test.seldom"), clock)
    for _ in range(5):
        log.warning("a", "it happened")
    clock.now += INTERVAL_NS
    log.warning("a", "it happened")
    log.warning("b", "something else")
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["it happened", "it happened (4 more since the last such line)", "something else"]
