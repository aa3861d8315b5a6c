"""Where outgoing requests may go: never to our own network, whatever a URL pretends to be.

A merchant names the address that we call, so it is an attacker's way into the network behind us
(server-side request forgery). Two walls, both pure:

``destination_of`` reads a URL strictly and refuses what two programs could read differently:
numbers that are an address in disguise, user names, odd ports, control characters, backslashes.

``refusal`` judges an address that a name resolved to. The caller resolves once, judges every
address, and connects to the very address that was judged (never resolves again), so a name that
changes its answer in between gains nothing. Redirects are not followed.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from clearhouse.kernel.errors import ClearhouseError

_PORTS: Final = {"https": 443, "http": 80}
_LONGEST: Final = 2048
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_LOCAL_NAMES: Final = frozenset({"localhost", "local", "localdomain", "internal", "intranet"})
_LOCAL_NAMES_MORE: Final = frozenset({"home.arpa", "test", "invalid", "example", "onion", "lan"})
_BLOCKED_PORTS: Final = frozenset(
    {0, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102}
    | {103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427}
    | {465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989}
    | {990, 993, 995, 1719, 1720, 1723, 2049, 3306, 3389, 3659, 4045, 5060, 5061, 5432, 6000}
    | {6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 9200, 10080, 11211, 27017}
)
"""Ports of other protocols (those that browsers block, and databases): no webhook lives there."""


class DestinationRefused(ClearhouseError):
    """An address that outgoing requests may not be sent to; the message says which rule it broke.

    It never says what an inner name resolved to, which would tell a stranger about our network.
    """


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that was read strictly: ``host`` is a lower-case ASCII name or an address."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host as an address, when the URL names one directly."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


def destination_of(url: str, *, development: bool = False) -> Destination:
    """A URL as a destination. Raises DestinationRefused.

    ``development`` allows plain http and this machine's own names, for trying things out.
    """
    if not url or len(url) > _LONGEST:
        raise DestinationRefused(f"A webhook URL has 1 to {_LONGEST} characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise DestinationRefused(
            "The URL holds spaces, control characters, backslashes or non-ASCII letters.",
            hint="Write international names in their ASCII form (xn--...).",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise DestinationRefused("This is not a URL.") from None
    if parts.scheme not in ({"https", "http"} if development else {"https"}):
        raise DestinationRefused("The URL must begin with https://.")
    if "@" in parts.netloc:
        raise DestinationRefused("The URL must not hold a user name or password.")
    if "%" in parts.netloc or parts.fragment:
        raise DestinationRefused("The URL must not hold an escaped host name or a fragment.")
    host = _host(parts, development=development)
    port = _PORTS[parts.scheme] if port is None else port
    if port in _BLOCKED_PORTS:
        raise DestinationRefused(f"Port {port} belongs to another protocol.")
    found = Destination(url, parts.scheme, host, port)
    if found.address is not None and not development:
        _judge_literal(found.address)
    return found


def refusal(address: IPv4Address | IPv6Address) -> str | None:
    """Why an address may not be connected to, or None where it may.

    Only addresses that the whole internet can reach are allowed; those that carry an IPv4 address
    within (mapped, NAT64, 6to4, Teredo) are judged by both.
    """
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return refusal(inner) or "an IPv4 address in disguise"
        if address.scope_id is not None:
            return "an address of this link"
    if address.is_multicast:
        return "a multicast address"
    if address.is_loopback:
        return "this machine"
    if address.is_link_local:
        return "a link-local address, where clouds keep their metadata"
    if any(address in network for network in _EXTRA if network.version == address.version):
        return "an address for special purposes"
    if not address.is_global or address.is_reserved or address.is_unspecified:
        return "a private or reserved address"
    return None


_EXTRA: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's wire server, a public address that answers inside only
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "100::/64",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
        "fc00::/7",
    )
)
_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE: Final = ip_network("::/96")


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (
        address in _COMPATIBLE and int(address) > 1
    ):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _host(parts: SplitResult, *, development: bool) -> str:
    host = (parts.hostname or "").lower()
    if parts.netloc.startswith("["):
        try:
            address = ip_address(host)
        except ValueError:
            raise DestinationRefused("The URL's address in brackets is none.") from None
        if not isinstance(address, IPv6Address) or address.scope_id is not None:
            raise DestinationRefused("The URL's address in brackets is none.")
        return str(address)
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]) or host.startswith("0x"):
        return _plain_ipv4(host)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise DestinationRefused("The URL's host is not a name of the internet.")
    host = ".".join(labels)
    local = labels[-1] in _LOCAL_NAMES | _LOCAL_NAMES_MORE or host.endswith(".home.arpa")
    if (local or len(labels) == 1) and not development:
        raise DestinationRefused("The URL names a host of an inner network.")
    return host


def _plain_ipv4(host: str) -> str:
    """Four decimal numbers and nothing else: what some programs read as octal is refused."""
    try:
        return str(IPv4Address(host))
    except ValueError:
        raise DestinationRefused(
            "The URL's host is a number in disguise.",
            hint="Write the host's name.",
        ) from None


def _judge_literal(address: IPv4Address | IPv6Address) -> None:
    why = refusal(address)
    if why is not None:
        raise DestinationRefused(f"The URL leads to {why}.")
