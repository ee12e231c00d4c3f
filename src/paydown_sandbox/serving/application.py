"""Assemble the ASGI application: a sandbox, the file in which it lasts, and the servers of its paths."""

from __future__ import annotations

from pathlib import Path

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.asgi import Application
from paydown_sandbox.serving.committer import Committer
from paydown_sandbox.serving.control.control_api import control_application
from paydown_sandbox.serving.store import Durability, Store
from paydown_sandbox.serving.websocket import StreamServer
from paydown_sandbox.state.strict_json import StateError, parse_json

__all__ = ["create_app", "read_json_file"]

_LARGEST_STATE_FILE = 512 * 1024 * 1024


def read_json_file(path: Path) -> object:
    """Read a JSON document from a file, such as a state or a scenario.

    Raises:
        StateError: The file cannot be read, is too large, or is not JSON.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_fifo():
            raise StateError(str(path), "not a file")
        with path.open("rb") as file:
            raw = file.read(_LARGEST_STATE_FILE + 1)
    except OSError as error:
        raise StateError(str(path), error.strerror or "cannot be read") from None
    if len(raw) > _LARGEST_STATE_FILE:
        raise StateError(str(path), f"larger than {_LARGEST_STATE_FILE // 1024**2} MiB")
    try:
        return parse_json(raw)
    except StateError as error:
        raise StateError(str(path), error.reason) from None


def create_app(
    exchange: Exchange | None = None,
    *,
    state: object | None = None,
    data: Path | None = None,
    durability: Durability = "normal",
) -> Application:
    """Make the ASGI application, for a server or for `httpx.ASGITransport`.

    With `data` the application holds a file open: `close()` it, or let a server do so by the lifespan protocol.

    Args:
        exchange: The sandbox that answers; made from `state` if absent.
        state: A state document (parsed JSON); the demo state if absent.
        data: SQLite file in which the sandbox lasts. A file that holds a state wins over `state`.
        durability: "normal" or "full"; see `store`.

    Raises:
        StateError: The state document is wrong.
        StoreError: The file cannot be used.
    """
    exchange = exchange or Exchange(state)
    store: Store | None = None
    if data is not None:
        store = Store(data, durability)
        try:
            if store.holds_state:
                store.load(exchange)
            else:
                store.commit(exchange)
        except BaseException:
            store.close()
            raise
    committer = Committer(exchange, store, in_thread=durability == "full")
    streams = StreamServer(exchange, committer.ticked)
    return Application(exchange, committer, control_application(exchange, committer, streams), streams)
