"""Who a client is, as limits count it: addresses from sockets and from proxies that are believed.

A socket that listens on ``::`` sees IPv4 clients as ``::ffff:a.b.c.d``. Such a mapped address counts as the IPv4
address in it, everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from jari.settings import BadSetting

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

IPV6_GROUP_BITS = 64  # whoever has one IPv6 address has the /64 around it
MAPPED_BITS = 96  # of ::ffff:0:0/96
MAX_PORT_DIGITS = 5


def parse_address(text: str) -> Address | None:
    """The address in the text, or None where it is no address. A mapped address becomes IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def address_group(text: str) -> str:
    """What limits count by: an IPv4 address, or the /64 of an IPv6 address."""
    address = parse_address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), IPV6_GROUP_BITS), strict=False))
    return str(address or "unknown")


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose ``X-Forwarded-*`` is believed: the networks of the operator's own proxies."""

    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read addresses and networks with commas between.

        Raises:
            BadSetting: one of them is neither.
        """
        return cls(tuple(_parse_network(part.strip()) for part in text.split(",") if part.strip()))

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)

    def client(self, peer: Address, forwarded_for: Iterable[bytes]) -> Address:
        """The client behind a peer that is a proxy of ours.

        Each proxy appends the address that it saw, so we read from the end. The last address that is no proxy of
        ours is the client's; what the client wrote before it may be anything. Reading stops at what is no address:
        the client then counts as the proxy that passed it on.
        """
        client = peer
        hops = b",".join(forwarded_for).decode("latin1")
        while hops and client in self:
            hops, _, hop = hops.rpartition(",")
            address = _parse_hop(hop.strip())
            if address is None:
                break
            client = address
        return client


def _parse_hop(text: str) -> Address | None:
    """An address with or without a port: ``192.0.2.1:80``, ``[2001:db8::1]:80``, ``2001:db8::1``."""
    host, port = text, ""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None
        port = rest[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) <= MAX_PORT_DIGITS):
        return None
    return None if "%" in host else parse_address(host)  # a zone means something on one machine only


def _parse_network(text: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise BadSetting(
            f"JARI_TRUSTED_PROXIES: {text!r} is neither an address nor a network such as 10.0.0.0/8: correct it."
        ) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= MAPPED_BITS:
        return IPv4Network((int(mapped), network.prefixlen - MAPPED_BITS), strict=False)
    return network
