"""Keep API keys: which account each belongs to, its permissions and addresses, and how it signs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from paydown_sandbox.checks.signature import Verifier, make_verifier

__all__ = ["PERMISSIONS", "ApiKey", "KeyRing"]

# A security type on the left is granted by any permission on the right.
_GRANTS: dict[str, frozenset[str]] = {
    "TRADE": frozenset({"TRADE"}),
    "MARGIN": frozenset({"MARGIN", "TRADE"}),  # the page's table lacks MARGIN; a trading key may borrow
    "USER_DATA": frozenset({"USER_DATA"}),
    "USER_STREAM": frozenset({"USER_STREAM", "USER_DATA"}),
    "MARKET_DATA": frozenset({"MARKET_DATA", "USER_DATA", "TRADE", "MARGIN", "USER_STREAM"}),
}
PERMISSIONS = tuple(_GRANTS)

_FORMAT = re.compile(rb"[!-~]{1,256}")


@dataclass(slots=True)
class ApiKey:
    """One key of one account. `repr` shows neither the key nor its secret."""

    api_key: str = field(repr=False)
    type: str
    secret_or_public_key: str = field(repr=False)
    account: str
    permissions: tuple[str, ...]
    ip_allow: tuple[str, ...]
    verifier: Verifier = field(repr=False)
    _networks: tuple[IPv4Network | IPv6Network, ...] = ()
    _types: frozenset[str] = frozenset()

    @classmethod
    def make(
        cls,
        api_key: str,
        key_type: str,
        secret_or_public_key: str,
        account: str,
        permissions: tuple[str, ...],
        ip_allow: tuple[str, ...],
    ) -> ApiKey:
        """Check the parts and build the key.

        Args:
            api_key: The text that a client sends in the header `X-MBX-APIKEY`.
            key_type: "hmac", "rsa" or "ed25519".
            secret_or_public_key: The HMAC secret, or the public key as PEM text.
            account: The id of the account that the key belongs to.
            permissions: Names from `PERMISSIONS`.
            ip_allow: Addresses or networks from which the key may be used; empty for every address.

        Raises:
            ValueError: A part is malformed; the text names it and quotes no secret.
        """
        if _FORMAT.fullmatch(api_key.encode()) is None:
            raise ValueError("api_key: 1 to 256 printable ASCII characters without blanks")
        for name in permissions:
            if name not in _GRANTS:
                raise ValueError(f"permissions: {name!r:.40} is not one of {', '.join(PERMISSIONS)}")
        networks: list[IPv4Network | IPv6Network] = []
        for text in ip_allow:
            try:
                networks.append(ip_network(text, strict=False))
            except ValueError:
                raise ValueError(f"ip_allow: {text!r:.60} is neither an address nor a network") from None
        granted = frozenset(security for security, by in _GRANTS.items() if by.intersection(permissions))
        verifier = make_verifier(key_type, secret_or_public_key)
        return cls(
            api_key,
            key_type,
            secret_or_public_key,
            account,
            permissions,
            ip_allow,
            verifier,
            tuple(networks),
            granted,
        )

    def allows(self, security_type: str) -> bool:
        """Return whether the key's permissions cover operations of this security type."""
        return security_type in self._types

    def allows_ip(self, ip: str) -> bool:
        """Return whether the key may be used from the address `ip`; an empty list allows every address."""
        if not self._networks:
            return True
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class KeyRing:
    """All keys of the sandbox, found by the bytes of the header that carries a key."""

    def __init__(self) -> None:
        self._keys: dict[bytes, ApiKey] = {}

    @staticmethod
    def well_formed(header: bytes) -> bool:
        """Return whether a header value has the form of a key."""
        return _FORMAT.fullmatch(header) is not None

    def add(self, key: ApiKey) -> None:
        """Register a key; its text must be new.

        Raises:
            ValueError: The key is registered already.
        """
        if key.api_key.encode() in self._keys:
            raise ValueError("api_key: registered twice")
        self._keys[key.api_key.encode()] = key

    def find(self, header: bytes) -> ApiKey | None:
        """Return the key with this text, or None. Keys are case sensitive."""
        return self._keys.get(header)

    def of(self, account: str) -> list[ApiKey]:
        """Return the keys of one account, by its id."""
        return [key for key in self._keys.values() if key.account == account]
