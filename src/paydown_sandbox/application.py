"""Put the parts together: an exchange, where it lasts, and what serves it."""

from __future__ import annotations

import json
from pathlib import Path

from paydown_sandbox.control import control_application
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.reading import StateError
from paydown_sandbox.server import Application, Committer
from paydown_sandbox.store import Durability, Store
from paydown_sandbox.websocket import StreamServer

__all__ = ["create_app", "read_json_file"]

_LARGEST_STATE_FILE = 64 * 1024 * 1024


def read_json_file(path: Path) -> object:
    """Read a JSON document from a file, such as a state or a scenario.

    Raises:
        StateError: It cannot be read, is too large, or is not JSON.
    """
    try:
        if path.stat().st_size > _LARGEST_STATE_FILE:
            raise StateError(str(path), "larger than 64 MiB")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise StateError(str(path), error.strerror or "cannot be read") from None
    except (ValueError, RecursionError):
        raise StateError(str(path), "not JSON") from None


def create_app(
    exchange: Exchange | None = None,
    *,
    state: object | None = None,
    data: Path | None = None,
    durability: Durability = "normal",
) -> Application:
    """Make the ASGI application, for a server or for `httpx.ASGITransport`.

    Args:
        exchange: What answers; made from `state` if absent.
        state: A state document (parsed JSON); the demo state if absent.
        data: SQLite file in which the exchange lasts. A file that holds a state wins over `state`.
        durability: "normal" or "full"; see `store`.

    Raises:
        StateError: The state document is wrong.
        StoreError: The file cannot be used.
    """
    exchange = exchange or Exchange(state)
    store: Store | None = None
    if data is not None:
        store = Store(data, durability)
        if store.holds_state:
            store.load(exchange)
        else:
            store.commit(exchange)
    committer = Committer(exchange, store, in_thread=durability == "full")
    streams = StreamServer(exchange, committer.ticked)
    return Application(exchange, committer, control_application(exchange, committer, streams), streams)
