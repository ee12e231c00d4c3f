"""Write a raw request as a curl line that can be shown: key and signature are masked."""

import re
from typing import Final

from paydown_contract.requests.raw_request import Request

_SHOWN: Final = 4
_SIGNATURE: Final = re.compile(r"(?<![A-Za-z0-9_])((?:signature|sign)=)([^&\s'\"]*)", re.IGNORECASE)


def as_curl(request: Request, base_url: str, secrets: tuple[str, ...] = ()) -> str:
    """Write a request as one curl line without secrets.

    The values of headers with "key" or "auth" in their names, every signature and each secret are cut to their first
    four characters.

    Args:
        request: The request as raw bytes.
        base_url: Address of the server, such as http://127.0.0.1:8087.
        secrets: Further texts to cut.
    """
    target = _masked(request.target(), secrets)
    parts = ["curl", "-i", "-X", request.method, _quoted(base_url.rstrip("/") + target)]
    for name, value in request.headers:
        private = re.search("key|auth", name, re.IGNORECASE) is not None
        parts += ["-H", _quoted(f"{name}: {_cut(value) if private else _masked(value, secrets)}")]
    if request.body:
        body = _masked(request.body.decode("utf-8", "backslashreplace"), secrets)
        parts += ["--data-raw", _quoted(body)]
    return " ".join(parts)


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, _cut(secret))
    return _SIGNATURE.sub(lambda match: match[1] + _cut(match[2]), text)


def _cut(value: str) -> str:
    """Keep the first characters of a secret; a value of eight characters or less is no secret and stays whole."""
    return value if len(value) <= 2 * _SHOWN else value[:_SHOWN] + "…"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
