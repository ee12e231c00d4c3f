"""Run the sandbox as a process: `paydown sandbox`, or `python -m paydown_sandbox`.

The first line on stdout is `sandbox ready at http://HOST:PORT`, written when connections are accepted.
Port 0 picks a free port. Only loopback addresses are served unless `--allow-remote` is given.
SIGTERM and SIGINT stop it gracefully: requests in flight are answered, and the file is closed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import ipaddress
import json as json_module
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from paydown_sandbox.assumptions_page import unknowns_page
from paydown_sandbox.bundled_document import load_document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.scenario import find_scenario, read_scenario, start_scenario
from paydown_sandbox.serving.application import create_app, read_json_file
from paydown_sandbox.serving.asgi import Application
from paydown_sandbox.serving.browser_guard import BrowserGuard
from paydown_sandbox.serving.store import Durability, StoreError
from paydown_sandbox.state.state_reader import DEMO_API_KEY, DEMO_SECRET
from paydown_sandbox.state.strict_json import StateError

if TYPE_CHECKING:
    import uvicorn

__all__ = ["DEFAULT_PORT", "listen", "main", "make_server", "run"]

DEFAULT_PORT = 8087
_STOP_WITHIN_S = 5


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _warn(text: str) -> None:
    sys.stderr.write(text + "\n")


def _already_stopping(number: int, frame: FrameType | None) -> None:
    """Ignore a signal that has stopped uvicorn already."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(512)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def make_server(
    app: Application,
    on_ready: Callable[[], None],
    *,
    quiet: bool = True,
    bound: str = "127.0.0.1",
    names: Sequence[str] = (),
) -> uvicorn.Server:
    """Make a uvicorn server for the application.

    Args:
        app: The application that is served.
        on_ready: Called once connections are accepted.
        quiet: No warnings on stderr.
        bound: The address that it listens on.
        names: Further names under which its control API is served; see `browser_guard`.
    """
    import uvicorn

    from paydown_sandbox.serving.http_protocol import protocol_for

    app.guard = BrowserGuard(bound, names)
    config = uvicorn.Config(
        cast(Any, app),
        http=cast(Any, protocol_for(app)),
        loop="auto",
        ws="auto",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="critical" if quiet else "warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
        ws_ping_interval=180.0,  # Binance pings every 3 minutes
        ws_ping_timeout=600.0,  # Binance disconnects without a pong within 10 minutes
        ws_max_size=65_536,
        backlog=512,
    )

    class ReadyServer(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            on_ready()

    return ReadyServer(config)


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """Bind a socket, and return it with the URL that reaches it.

    Args:
        host: Address to listen on.
        port: Port; 0 picks a free one.

    Raises:
        OSError: The address cannot be bound.
    """
    listening = _listen(host, port)
    bound = listening.getsockname()
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return listening, f"http://{shown}:{bound[1]}"


def run(
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    data: Path | None = None,
    state: Path | None = None,
    json: bool = False,
    allow_remote: bool | Sequence[str] = False,
    durability: Durability = "normal",
    scenario: str | None = None,
    quiet: bool = False,
) -> int:
    """Serve until a signal asks the process to stop.

    Args:
        host: Address to listen on.
        port: Port; 0 picks a free one.
        data: SQLite file in which the sandbox lasts; memory only if absent.
        state: State document to start with; the demo state if absent. Ignored, with a warning on stderr,
            when `data` already holds a state.
        json: Write the second line of stdout as JSON.
        allow_remote: Listen on an address that others can reach. A list adds names under which the control API
            is served there, such as that of a container.
        durability: "normal" survives kill -9, "full" a loss of power too.
        scenario: A bundled scenario by name, or a file that holds one; it starts at once.
        quiet: No warnings on stderr.

    Returns:
        The exit code: 0 after a graceful stop, 2 when it could not start, 1 when the file took no more.
    """
    if not _is_loopback(host) and allow_remote is False:
        _warn(
            f"{host} is not a loopback address. The control API asks for no key and shows the keys of the "
            "accounts; add --allow-remote if everybody who can reach this address may use it."
        )
        return 2
    if not 0 <= port <= 65_535:
        _warn(f"{port} is not a port: write a number from 1 to 65535, or 0 for any free one.")
        return 2
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    with contextlib.ExitStack() as opened:
        try:
            document = read_json_file(state) if state is not None else None
            exchange = Exchange(document)
            app = create_app(exchange, data=data, durability=durability)
            store = app.committer.store
            if store is not None:
                opened.callback(store.close)
            if store is not None and store.holds_state and state is not None and not quiet:
                _warn(f"{data} holds a state already; {state} was not used")
            if scenario is not None:
                played = read_scenario(read_json_file(Path(scenario))) if scenario.endswith(".json") else None
                chosen = played or find_scenario(scenario)
                exchange.faults.disarm_scenario(
                    chosen.name
                )  # a scenario that an earlier process started begins again
                start_scenario(exchange.faults, chosen, exchange.clock.now_ms())
            listening, url = listen(host, port)
            opened.callback(listening.close)
        except (StateError, StoreError) as error:
            _warn(str(error))
            return 2
        except OSError as error:
            _warn(f"cannot listen on {host}:{port}: {error.strerror or error}")
            return 2
        details = _details(exchange, url, json)

        def ready() -> None:
            _say(f"sandbox ready at {url}")
            if details is not None:
                _say(details)

        names = () if isinstance(allow_remote, bool) else allow_remote
        server = make_server(app, ready, quiet=quiet, bound=host, names=names)
        return _serve(app, server, listening)


def _serve(app: Application, server: uvicorn.Server, listening: socket.socket) -> int:
    """Serve on a socket until asked to stop, and write the remaining changes into the file."""

    def stop() -> None:
        server.should_exit = True

    app.committer.on_failure = stop
    if threading.current_thread() is threading.main_thread():
        # uvicorn stops gracefully, then raises the signal again: without a handler it would end the process.
        signal.signal(signal.SIGTERM, _already_stopping)
    # Log entries live long and form no cycles: examining them in every garbage collection costs a third of the speed.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    try:
        with contextlib.suppress(KeyboardInterrupt), contextlib.closing(app):
            server.run(sockets=[listening])
    except StoreError as error:
        _warn(str(error))
        return 1
    return 0 if app.committer.failed is None else 1


def _details(exchange: Exchange, url: str, json: bool) -> str | None:
    demo = exchange.world.keys.find(DEMO_API_KEY.encode())
    if json:
        accounts = list(exchange.world.ledger.accounts)
        found: dict[str, object] = {"url": url, "control": f"{url}/_sandbox", "accounts": accounts}
        if demo is not None:
            found["demo"] = {"account": demo.account, "api_key": DEMO_API_KEY, "secret": DEMO_SECRET}
        return json_module.dumps(found)
    if demo is None:
        return None
    return (
        f"  account {demo.account}, a made-up key that opens nothing else:\n"
        f"  export PAYDOWN_BASE_URL={url}\n"
        f"  export PAYDOWN_API_KEY={DEMO_API_KEY}\n"
        f"  export PAYDOWN_API_SECRET={DEMO_SECRET}"
    )


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m paydown_sandbox") -> int:
    """Run the command line.

    Args:
        argv: The words after the command; `None` takes them from the process.
        prog: How the command was called, for the help and for error messages.

    Returns:
        The exit code, as `run` has it.
    """
    parser = argparse.ArgumentParser(prog=prog, description="A local sandbox of Binance Portfolio Margin.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port; 0 picks a free one (default 8087)"
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="SQLite file in which the sandbox lasts")
    parser.add_argument("--state", type=Path, metavar="FILE.json", help="state document to start with")
    parser.add_argument("--json", action="store_true", help="write details as JSON, after the first line")
    parser.add_argument(
        "--allow-remote",
        nargs="*",
        metavar="NAME",
        help="listen on an address that others can reach; the names under which they may use the control API",
    )
    parser.add_argument(
        "--durability", choices=("normal", "full"), default="normal", help="full survives a loss of power too"
    )
    parser.add_argument(
        "--scenario", metavar="NAME", help="play a bundled scenario, or one from a .json file"
    )
    parser.add_argument(
        "--unknowns", action="store_true", help='print "What this double does not know" and stop'
    )
    options = parser.parse_args(argv)
    if options.unknowns:
        sys.stdout.write(unknowns_page(load_document()))
        return 0
    return run(
        host=options.host,
        port=options.port,
        data=options.data,
        state=options.state,
        json=options.json,
        allow_remote=False if options.allow_remote is None else options.allow_remote,
        durability=options.durability,
        scenario=options.scenario,
    )
