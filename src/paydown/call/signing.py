"""Write parameters as text and sign that text; the returned text must go on the wire unchanged.

The exchange checks the signature against the bytes that arrive. Re-ordering, re-encoding or re-rounding a
parameter after signing breaks it, so nothing downstream may touch the finished text.

    pairs ──encode_pairs()──> "asset=BNB&amount=0.1"
          ──signed()────────> "asset=BNB&amount=0.1&recvWindow=5000&timestamp=1636371437000&signature=9f…"

Every value is percent-encoded once, as UTF-8, before it is signed: only `A-Z a-z 0-9 - _ . ~` stay bare, hex
digits are upper case, a blank is %20 and a comma %2C. The message is the query text directly followed by the
body text. Times are UTC milliseconds on the exchange's clock, never local time.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/general-info
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from paydown.credentials import Credentials

# Nearly all values (assets, amounts, times) need no encoding: one check saves a loop over the bytes.
_BARE: Final = re.compile(r"[A-Za-z0-9\-_.~]*")
_RESERVED: Final = re.compile(r"[^A-Za-z0-9\-_.~]")


def percent_encode(text: str) -> str:
    """Percent-encode one name or value for the exchange.

    The text is taken as UTF-8, hex digits are upper case, and unreserved characters stay bare.

    Raises:
        UnicodeEncodeError: The text holds a lone surrogate, which no UTF-8 text can.
    """
    return text if _BARE.fullmatch(text) else _RESERVED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in found[0].encode("utf-8")])


def encode_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Join names and values as `name=value&name=value`, each encoded once, in the given order."""
    return "&".join([f"{percent_encode(name)}={percent_encode(value)}" for name, value in pairs])


def signed(
    text: str, credentials: Credentials, *, timestamp_ms: int, recv_window: int | None, before: str = ""
) -> str:
    """Append recvWindow, timestamp and, last of all, the signature.

    Args:
        text: Encoded parameters of the query or of the body, without the three that this function owns.
        credentials: Key and secret that sign.
        timestamp_ms: Now, UTC milliseconds on the exchange's clock.
        recv_window: How long the exchange may still accept the request, ms; None leaves it out.
        before: Text that the message starts with: the query text, when `text` is the body.

    Returns:
        The finished text. It is exactly what was signed, plus the signature.
    """
    window = "" if recv_window is None else f"recvWindow={recv_window}&"
    separator = "&" if text else ""
    message = f"{text}{separator}{window}timestamp={timestamp_ms}"
    signature = credentials.sign(f"{before}{message}".encode())
    # Base64 has + / =, which a form reader would take for something else.
    return f"{message}&signature={percent_encode(signature)}"
