"""Start the servers of the benchmarks: each is a process on loopback, ended by its own id."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator

from tests.doubles.independent_fake import API_KEY, API_SECRET
from tests.interop.exchange import Sandbox, process
from tests.interop.peer import Target


@contextlib.contextmanager
def fake() -> Iterator[Target]:
    """Run the independent fake as a process of its own, so that its work is not counted as CPU time of a client."""
    command = [sys.executable, "-m", "tests.doubles.independent_fake", "--port", "0"]
    with process(command, says="fake ready at") as (url, _):
        yield Target(url, API_KEY, API_SECRET)


@contextlib.contextmanager
def chosen(name: str) -> Iterator[Target]:
    """Run the server that clients are measured against: "sandbox" or "fake"."""
    if name == "fake":
        with fake() as target:
            yield target
    else:
        with Sandbox.started() as sandbox:
            yield sandbox.target


def free_port() -> int:
    """Return a port that was free a moment ago, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
