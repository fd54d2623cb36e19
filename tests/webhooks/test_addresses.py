"""Which addresses a webhook may reach."""

from ipaddress import ip_address, ip_network

import pytest

from penstock.errors import Misconfigured
from penstock.settings import Settings, Webhooks
from penstock.webhooks.addresses import is_public, permitted


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_not_for_webhooks(address: str) -> None:
    """Private, shared, loopback, link-local, metadata, multicast, reserved; also in an IPv6 disguise."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_settings_open_a_network_or_a_host() -> None:
    settings = Webhooks(
        webhook_allowed_hosts=("receiver.internal",), webhook_allowed_networks=(ip_network("10.1.0.0/16"),)
    )
    assert permitted("any.example", 8080, ip_address("10.1.2.3"), settings)
    assert not permitted("any.example", 443, ip_address("10.2.0.1"), settings)
    assert permitted("Receiver.internal", 443, ip_address("10.2.0.1"), settings)


@pytest.mark.parametrize(
    ("named", "host", "opened"),
    [
        ("redis.internal", "redis.internal", {80, 443}),
        ("redis.internal:8443", "redis.internal", {8443}),
        ("redis.internal,redis.internal:8443", "redis.internal", {80, 443, 8443}),
        ("redis.internal:*", "redis.internal", {80, 443, 6379, 8443}),
        ("[fd00::1]:8443", "fd00::1", {8443}),
        ("[fd00::1]", "fd00::1", {80, 443}),
    ],
)
def test_an_allowed_host_opens_the_ports_that_are_named(named: str, host: str, opened: set[int]) -> None:
    """Without a port those of https and http: not what else listens there."""
    settings = Settings(webhook_allowed_hosts=named)
    ports = (80, 443, 6379, 8443)
    assert {port for port in ports if permitted(host, port, ip_address("10.2.0.1"), settings)} == opened


@pytest.mark.parametrize("named", ["http://redis.internal", "redis.internal:", "redis.internal/path", "fd00::1"])
def test_what_is_no_host_stops_the_service(named: str) -> None:
    with pytest.raises(Misconfigured, match="PENSTOCK_WEBHOOK_ALLOWED_HOSTS"):
        Settings(webhook_allowed_hosts=named)
