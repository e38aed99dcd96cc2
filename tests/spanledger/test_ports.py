"""Addresses: taken apart, and refused with the holder's name."""

import os

import pytest

from ledger.errors import Refused
from spanledger.ports import address_of, bind, check_loopback, host_port


def test_a_taken_port_names_port_flag_and_holder() -> None:
    with bind("127.0.0.1:0", "--api") as first:
        first.listen()
        address = address_of(first)
        with pytest.raises(Refused, match=f"{address} is taken by process {os.getpid()} .*--api"):
            bind(address, "--api")


def test_a_host_that_is_not_here_is_refused_by_flag() -> None:
    with pytest.raises(Refused, match=r"--api 192\.0\.2\.1:0"):
        bind("192.0.2.1:0", "--api")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.8.8.8:1"])
def test_loopback_needs_no_permission(address: str) -> None:
    check_loopback(address, "--api", insecure=False)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "192.168.0.1:1", "[::]:1", "example.com:1"])
def test_other_addresses_need_insecure(address: str) -> None:
    with pytest.raises(Refused, match="--insecure"):
        check_loopback(address, "--api", insecure=False)
    check_loopback(address, "--api", insecure=True)


def test_an_address_of_version_six_loses_its_brackets() -> None:
    assert host_port("[::1]:4317") == ("::1", 4317)
