"""Which addresses a webhook may reach: public ones, and what the settings allow.

A caller names the URL, so without this the fleet would fetch from networks that only it can reach
(server-side request forgery). What counts is the address that is connected to, see transport.py.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from penstock.settings import Webhooks
from penstock.webhooks.resolver import Address

#: Not for the public, though Python's `is_global` (which differs between its patch releases) may say so.
_SPECIAL_V4 = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments; Oracle Cloud's metadata
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # Azure's metadata and DNS, a public address by its number only
)
#: All that is assigned for global unicast (IANA), and what within it is not for the public.
_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address in disguise
    IPv6Network("3fff::/20"),
)
_NAT64 = IPv6Network("64:ff9b::/96")


#: The ports of https and http: what an allowed host opens that names no port.
_USUAL_PORTS = (443, 80)


def permitted(host: str, port: int, address: Address, settings: Webhooks) -> bool:
    """Whether `address`, to which `host` leads, may be connected to. Hosts allowed at `port` may be anywhere."""
    networks = settings.webhook_allowed_networks
    return allowed(host, port, settings) or any(address in network for network in networks) or is_public(address)


def allowed(host: str, port: int, settings: Webhooks) -> bool:
    """Whether the settings name the host with this port, with `*`, or without a port where `port` is a usual one."""
    named = host.lower()
    if ":" in named:
        named = f"[{named}]"
    spelled = {f"{named}:{port}", f"{named}:*"} | ({named} if port in _USUAL_PORTS else set[str]())
    return not spelled.isdisjoint(settings.webhook_allowed_hosts)


def is_public(address: Address) -> bool:
    """Whether the internet leads there: it is not private, shared, loopback, link-local, multicast or reserved."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _UNICAST_V6 and not any(address in network for network in _SPECIAL_V6)
    return address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL_V4)
