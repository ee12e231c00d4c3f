"""A web page in the user's browser cannot use the sandbox: not across sites, and not under a rebound name."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st

from paydown_sandbox.sandbox import SocketSandbox
from paydown_sandbox.serving.browser_guard import BrowserGuard
from paydown_sandbox.serving.process import make_server

JSON = "Content-Type: application/json"
ADVANCE = json.dumps({"advance_ms": 60_000})


@pytest.fixture(scope="module")
def running() -> Iterator[SocketSandbox]:
    """A sandbox on a free port, its clock standing still."""
    with SocketSandbox() as sandbox:
        sandbox.freeze(1_800_000_000_000)
        yield sandbox


def ask(sandbox: SocketSandbox, line: str, *headers: str, body: str = "") -> int:
    """Send one request as it stands, with its length, and return the status of the answer."""
    host, port = address(sandbox)
    head = [f"{line} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", body]
    with socket.create_connection((host, port), timeout=5) as raw:
        raw.sendall("\r\n".join(head).encode("latin-1"))
        return int(raw.makefile("rb").read().split(b" ")[1])


def address(sandbox: SocketSandbox) -> tuple[str, int]:
    """Where it listens."""
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    return host, int(port)


CONTROL = [
    ("GET /_sandbox/state", ""),
    ("PUT /_sandbox/state", "{}"),
    ("POST /_sandbox/clock", ADVANCE),
    ("POST /_sandbox/faults", json.dumps({"fault": "banned_418", "ban_ms": 1000})),
    ("POST /_sandbox/balances", json.dumps({"account": "test", "asset": "BNB", "borrowed": "9"})),
    ("DELETE /_sandbox/requests", ""),
    ("GET /_sandbox/nothing", ""),
    ("GET http://127.0.0.1/_sandbox/state", ""),
]
HOSTS = [
    "evil.example",
    "evil.example:8087",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "evil.example@localhost",
    "127.0.0.1, evil.example",
    "192.0.2.1",
    "0.0.0.0",
    "2130706433.example",
    "[::2]:8087",
    "127.0.0.1:x",
    "",
    "l\u00f6calhost",
]
ORIGINS = [
    "https://evil.example",
    "http://evil.example:8087",
    "http://127.0.0.1.evil.example",
    "null",
    "file://",
    "http://localhost@evil.example",
    "chrome-extension://abcdef",
    "//127.0.0.1",
    "",
]


@pytest.mark.parametrize(("line", "body"), CONTROL)
@pytest.mark.parametrize("name", HOSTS)
def test_a_rebound_name_reaches_nothing_of_the_control_api(
    running: SocketSandbox, line: str, body: str, name: str
) -> None:
    """
    Under any name that is not its own the sandbox shows no state and changes nothing, whichever way it is asked.
    """
    before = running.now_ms()

    assert ask(running, line, f"Host: {name}", JSON, body=body) == 403
    assert running.now_ms() == before


def test_a_request_without_a_host_or_with_two_is_refused(running: SocketSandbox) -> None:
    """
    Which of two names counts is a question that is not answered.
    """
    assert ask(running, "GET /_sandbox/state", "X: y") == 403
    assert ask(running, "GET /_sandbox/state", "Host: localhost", "Host: evil.example") == 403


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("line", "body"), CONTROL[1:5])
def test_a_page_of_another_site_changes_nothing(
    running: SocketSandbox, line: str, body: str, origin: str
) -> None:
    """
    A foreign Origin is refused on every path of the control API, with a JSON body, too.
    """
    before = running.now_ms()

    assert ask(running, line, "Host: localhost", f"Origin: {origin}", JSON, body=body) == 403
    assert running.now_ms() == before


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "new-word"])
def test_what_the_browser_says_about_the_site_counts(running: SocketSandbox, site: str) -> None:
    """
    A request that the browser itself calls foreign is refused, on the control API and on calls of the API.
    """
    for path in ("/_sandbox/state", "/papi/v1/ping"):
        assert ask(running, f"GET {path}", "Host: localhost", f"Sec-Fetch-Site: {site}") == 403


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonx",
        "",
    ],
)
def test_a_body_that_a_page_may_send_unasked_is_refused(running: SocketSandbox, kind: str) -> None:
    """
    The three types of a "simple" request, and no type at all, do not reach the control API.
    """
    before = running.now_ms()
    headers = [f"Content-Type: {kind}"] if kind else []

    assert ask(running, "POST /_sandbox/clock", "Host: localhost", *headers, body=ADVANCE) == 415
    assert running.now_ms() == before


def test_a_simple_post_of_a_page_does_not_reach_the_exchange(running: SocketSandbox) -> None:
    """
    A call of the API that comes from another site is neither executed, counted, nor logged.
    """
    before = len(running.requests())
    for headers in (["Origin: https://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"]):
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            status = ask(
                running,
                "POST /papi/v1/repay-debt",
                "Host: localhost",
                *headers,
                f"Content-Type: {kind}",
                body="asset=BNB",
            )
            assert status == 403

    assert len(running.requests()) == before


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST:1", "127.0.0.1:8087", "127.8.9.1", "[::1]:8087", "localhost."]
)
@pytest.mark.parametrize(
    "more", [[], ["Origin: http://localhost:3000"], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"]]
)
def test_programs_and_own_pages_are_served(running: SocketSandbox, name: str, more: list[str]) -> None:
    """
    Loopback under its usual names, and pages of this machine, use the control API as before.
    """
    assert ask(running, "GET /_sandbox/clock", f"Host: {name}", *more) == 200
    kind = "Content-Type: application/json; charset=utf-8"
    assert ask(running, "POST /_sandbox/clock", f"Host: {name}", *more, kind, body="{}") == 200


def test_calls_of_the_exchange_may_use_any_name(running: SocketSandbox) -> None:
    """
    A client in another container reaches the API under an unannounced name.
    """
    assert ask(running, "GET /papi/v1/ping", "Host: paydown-sandbox:8087") == 200


def test_a_page_of_another_site_gets_no_stream(running: SocketSandbox) -> None:
    """
    A websocket with a foreign Origin is refused before the handshake.
    """
    url = running.url.replace("http", "ws") + "/stream"

    async def refused() -> int:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await websockets.connect(url, origin=websockets.Origin("https://evil.example"), proxy=None)
        return caught.value.response.status_code

    assert asyncio.run(refused()) in (403, 404)


@pytest.mark.parametrize(
    ("bound", "names", "host", "known"),
    [
        ("127.0.0.1", (), "192.0.2.7", False),
        ("192.0.2.7", (), "192.0.2.7", True),
        ("192.0.2.7", (), "192.0.2.8", False),
        ("0.0.0.0", (), "192.0.2.8", True),
        ("::", (), "2001:db8::1", True),
        ("0.0.0.0", (), "evil.example", False),
        ("0.0.0.0", ("paydown-sandbox",), "paydown-sandbox", True),
        ("0.0.0.0", ("Paydown-Sandbox.",), "paydown-sandbox", True),
        ("box.example", (), "box.example", True),
    ],
)
def test_what_is_served_depends_on_where_it_listens(
    bound: str, names: tuple[str, ...], host: str, known: bool
) -> None:
    """
    The bound address and the announced names are known; on every address, any address is, and no other name.
    """
    assert BrowserGuard(bound, names).knows(host) is known


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from(["GET", "POST"]))
def test_no_header_breaks_the_guard(host: bytes, origin: bytes, method: str) -> None:
    """
    The guard decides about any bytes in the headers, and a request that it lets pass names this machine.
    """
    guard = BrowserGuard()
    refused = guard.refusal(
        method, [(b"host", host), (b"origin", origin), (b"content-type", b"application/json")]
    )

    assert refused is not None or b"localhost" in host.lower() or b"127." in host or b"::1" in host


def test_a_server_of_ones_own_gets_the_guard_of_its_address() -> None:
    """
    `make_server` serves the names it is given, and no others.
    """
    sandbox = SocketSandbox()
    make_server(sandbox.app, lambda: None, bound="192.0.2.7", names=("box",))

    assert sandbox.app.guard.knows("box")
    assert sandbox.app.guard.knows("192.0.2.7")
    assert not sandbox.app.guard.knows("sandbox")
    sandbox._socket.close()  # pyright: ignore[reportPrivateUsage]
