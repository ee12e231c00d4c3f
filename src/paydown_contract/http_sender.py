"""Send raw requests to one address, byte for byte, and read answers within bounds of time and size.

A socket's own time-out counts from byte to byte, so a server that sends one byte a second keeps its reader for ever.
Here one request and its whole answer share one deadline, kept by a timer that shuts the socket. Of a body that does not
end, no more is read than the largest answer may have.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from paydown_contract.requests.raw_request import Request

LARGEST_ANSWER: Final = 8 * 1024 * 1024


class AnswerTooLong(OSError):
    """The answer did not end in time, or within the size that an answer may have."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it arrived."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class HttpSender:
    """Sends raw requests to one address over a connection that is kept.

    Args:
        base_url: Address of the server, such as http://127.0.0.1:8087.
        timeout_s: Longest time for a request and its whole answer.

    Raises:
        ValueError: The address is not http or https.
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
            AnswerTooLong: The answer has no end, or not in time.
            OSError: The server cannot be reached, or no answer comes.
            HTTPException: What comes is no HTTP.
        """
        try:
            return self._send(request)
        except AnswerTooLong:
            self._connection.close()
            self._connection = self._make()
            raise
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
        if connection.sock is None:
            connection.connect()
        # Kept here, since http.client drops its reference as soon as it knows that the answer is the last one.
        raw = connection.sock
        late = threading.Event()

        def shut() -> None:
            late.set()
            if raw is not None:
                with contextlib.suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)

        deadline = threading.Timer(self._timeout_s, shut)
        deadline.daemon = True
        try:
            connection.putrequest(request.method, self._prefix + request.target(), skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name, value.encode("latin-1"))
            if request.body or request.method != "GET":
                connection.putheader("Content-Length", str(len(request.body)))
            deadline.start()
            connection.endheaders(request.body or None)
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER + 1)
        except (OSError, ValueError, http.client.HTTPException) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise AnswerTooLong(f"no whole answer within {self._timeout_s:g} s") from error
            if isinstance(error, ValueError):  # a length that is no number, for one
                raise http.client.HTTPException(f"no HTTP: {error}") from error
            raise
        finally:
            deadline.cancel()
        if late.is_set():  # without a length, a connection that was shut looks like the end of the body
            raise AnswerTooLong(f"no whole answer within {self._timeout_s:g} s")
        if len(body) > LARGEST_ANSWER:
            raise AnswerTooLong(f"an answer of more than {LARGEST_ANSWER // 1024**2} MiB")
        if not response.isclosed() or response.length:
            raise http.client.IncompleteRead(body)
        return Received(response.status, tuple(response.getheaders()), body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
