"""Sends raw requests to one address, byte for byte."""

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from paydown_contract.oracle import Request


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class HttpSender:
    """Sends raw requests to one address over a connection that is kept.

    Args:
        base_url: Such as http://127.0.0.1:8087.
        timeout_s: Longest wait for an answer.

    Raises:
        ValueError: the address is not http or https.
    """

    def __init__(self, base_url: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is no http address")
        self._prefix = parts.path.rstrip("/")
        self._host, self._port = parts.hostname, parts.port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._connection = self._make()

    def __call__(self, request: Request) -> Received:
        """Send one request and read its answer; a kept connection that was closed meanwhile is opened anew.

        Raises:
            OSError: nothing listens, or no answer comes.
            HTTPException: what comes is no HTTP.
        """
        try:
            return self._send(request)
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection = self._make()
            return self._send(request)

    def _make(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)

    def _send(self, request: Request) -> Received:
        connection = self._connection
        connection.putrequest(request.method, self._prefix + request.target(), skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value.encode("latin-1"))
        if request.body or request.method != "GET":
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        return Received(response.status, tuple(response.getheaders()), response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
