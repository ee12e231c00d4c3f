"""Connections to a served sandbox without a client: a test writes and reads the bytes itself."""

from __future__ import annotations

import socket

from paydown_sandbox import SocketSandbox


def connected(sandbox: SocketSandbox) -> socket.socket:
    """A new connection, which waits much longer than the server."""
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)
