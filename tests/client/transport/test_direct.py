"""The connections under bad conditions: dead addresses, odd answers, threads, forks, cancelled tasks."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown import (
    AsyncClient,
    Client,
    ConnectionFailed,
    MemoryBudget,
    OutcomeUnknown,
    ReadRetries,
    RequestNotSent,
    SystemClock,
)
from paydown.transport.address import Address
from paydown.transport.channel import NotSent, Outgoing
from paydown.transport.direct import DirectChannel
from paydown.transport.http1 import Http1
from paydown_wire import RepayDebtResult
from tests.client.support.kit import Plenty, credentials
from tests.client.support.secure import Secure
from tests.client.transport.test_httpx_adapter import Colour
from tests.doubles.scripted_exchange import (
    DONE,
    Connection,
    Step,
    close,
    exchange,
    hold,
    http,
    read,
    reset,
    respond,
    serving,
    tunnel,
)


@pytest.fixture(params=["blocking", "awaited"])
def colour(request):
    """Both clients."""
    return Colour(request.param)


# -------------------------------------------------------------------------------------------------- addresses


@contextmanager
def silent_address() -> Iterator[tuple[str, int]]:
    """An address that answers no connect: its backlog is full and nobody accepts."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()


@contextmanager
def refusing_address() -> Iterator[tuple[str, int]]:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    yield address


@contextmanager
def resolving_to(*addresses: tuple[str, int]) -> Iterator[None]:
    """Every name has these addresses, in this order."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in addresses]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
        yield


@pytest.mark.parametrize("dead", [silent_address, refusing_address])
def test_a_dead_address_does_not_stand_before_a_live_one(colour, dead):
    """A name has several addresses so that one may be dead: the next is tried beside it."""
    with dead() as gone, serving(exchange()) as (server, url):
        live = ("127.0.0.1", urlsplit(url).port or 0)
        with resolving_to(gone, live):  # not for the server itself, which looks names up when it ends
            (result,) = colour.run("http://exchange.example", "repay", connect_timeout_s=5)

    assert isinstance(result, RepayDebtResult)
    assert server.connections == 1


def test_all_addresses_share_one_time_limit(colour):
    """Three silent addresses take as long as one."""
    with (
        silent_address() as one,
        silent_address() as two,
        silent_address() as three,
        resolving_to(one, two, three),
    ):
        begun = time.monotonic()
        (error,) = colour.run("http://exchange.example", "repay", connect_timeout_s=0.8)
        took = time.monotonic() - begun

    assert type(error) is ConnectionFailed
    assert 0.7 < took < 2.2  # one after the other they would take 2.4


def test_the_last_refusal_is_what_is_told(colour):
    """When no address takes the connection, the text has a reason."""
    with refusing_address() as one, refusing_address() as two, resolving_to(one, two):
        (error,) = colour.run("http://exchange.example", "repay")

    assert type(error) is ConnectionFailed
    assert "refused" in str(error).lower()


def test_a_name_without_an_address_is_not_sent(colour):
    """An empty list is an answer that some resolvers give."""
    with resolving_to():
        (error,) = colour.run("http://exchange.example", "repay")

    assert type(error) is ConnectionFailed


def test_a_resolver_that_hangs_is_waited_for_as_long_as_for_a_connection(colour, monkeypatch):
    """Resolvers wait for half a minute; a repayment is not kept that long."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(2) or [])

    begun = time.monotonic()
    if colour.name == "blocking":
        (error,) = colour.run("http://exchange.example", "repay", connect_timeout_s=0.2)
        took = time.monotonic() - begun
    else:

        async def scenario() -> tuple[RequestNotSent, float]:
            pm = AsyncClient(
                credentials(),
                base_url="http://exchange.example",
                clock=SystemClock(),
                budget=MemoryBudget(),
                connect_timeout_s=0.2,
            )
            with pytest.raises(RequestNotSent) as caught:
                await pm.margin.repay_debt(asset="BNB")
            return caught.value, time.monotonic() - begun

        error, took = asyncio.run(scenario())
    over.set()

    assert type(error) is ConnectionFailed
    assert took < 1.5


def _speaks_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _speaks_ipv6(), reason="this machine has no IPv6 on loopback")
def test_an_exchange_that_is_on_ipv6_only_is_reached(colour):
    """Brackets in the URL, none in the call of the socket."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(http())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        (result,) = colour.run(f"http://[::1]:{listener.getsockname()[1]}", "repay")
        thread.join(5)

    assert isinstance(result, RepayDebtResult)


def test_another_event_loop_works_as_well():
    """uvloop knows fewer ways to connect than asyncio's own loop."""
    uvloop = pytest.importorskip("uvloop")

    async def scenario(url: str) -> object:
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm:
            return await asyncio.gather(
                *(pm.margin.repay_debt(asset=asset) for asset in ("BNB", "BTC", "ETH"))
            )

    with serving([echo]) as (_, url), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert len(runner.run(scenario(url))) == 3
    with (
        refusing_address() as (host, port),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        pytest.raises(ConnectionFailed),
    ):
        runner.run(scenario(f"http://{host}:{port}"))


# ------------------------------------------------------------------------------------------------ odd answers

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
ODD = {
    "HTTP/1.0 until the end": b"HTTP/1.0 200 OK\r\n\r\n" + DONE,
    "HTTP/1.0 with a length": b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DONE) + DONE,
    "HTTP/1.1 until the end": b"HTTP/1.1 200 OK\r\n\r\n" + DONE,
    "Connection: close": http(headers="Connection: close\r\n"),
    "chunks with trailers": CHUNKED
    + b"Trailer: X-A\r\n\r\n%x\r\n%b\r\n0\r\nX-A: 1\r\n\r\n" % (len(DONE), DONE),
    "chunks of a byte": CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in DONE) + b"0\r\n\r\n",
    "two interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + http(),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_but_valid_answer_is_heard(colour, kind):
    """And where it ends the connection, the next call opens another one."""
    ends = not kind.startswith(("chunks", "two"))
    script: list[Step] = [read, respond(ODD[kind]), *([close] if ends else exchange())]
    with serving(script, exchange()) as (server, url):
        one, two = colour.run(url, "repay", "repay")

    assert isinstance(one, RepayDebtResult)
    assert isinstance(two, RepayDebtResult)
    assert server.connections == (2 if ends else 1)


BROKEN = {
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X-A: %b\r\n" % (b"a" * 1000) * 200,
    "one endless header": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 200_000,
    "an upgrade that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
    "a length and chunks": CHUNKED + b"Content-Length: 4\r\n\r\nzz\r\n",
    "a broken chunk": CHUNKED + b"\r\nzz\r\n",
    "a header with a line end in it": b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_leaves_the_outcome_unknown(colour, kind):
    """It came after the request: whatever it is, it proves nothing."""
    with serving([read, respond(BROKEN[kind]), close]) as (server, url):
        (error,) = colour.run(url, "repay")

    assert type(error) is OutcomeUnknown
    assert len(server.requests) == 1


def test_an_answer_that_comes_before_the_request_is_read_is_heard(colour):
    """A server may refuse and hang up without reading: the refusal is the answer."""
    refusal = http(
        b'{"code":-1003,"msg":"x"}', status="429 Too Many Requests", headers="Connection: close\r\n"
    )
    with serving([respond(refusal), read, close]) as (_, url):
        (error,) = colour.run(url, "repay")

    assert error.status == 429


# --------------------------------------------------------------------------------- reused connections, TLS, proxy


@pytest.fixture(scope="module")
def secure():
    """One for all tests: making keys takes a while."""
    return Secure()


@pytest.mark.parametrize("behind_tls", [False, True])
def test_an_answer_of_many_reads_is_heard_whole(colour, secure, behind_tls):
    """Every byte of it, in order, whatever came at once; and the connection is good for the next call."""
    remark = "".join(f"{number:08}" for number in range(50_000))
    answers = [f'{{"asset":"{name}","success":true,"remark":"{remark}"}}'.encode() for name in ("BTC", "BNB")]
    script = [*exchange(data=http(answers[0])), *exchange(data=http(answers[1]))]
    tls = {"ssl_context": secure.client_side} if behind_tls else {}
    with serving(script, tls=secure.server_side if behind_tls else None) as (server, url):
        results = colour.run(url, "other", "repay", **tls)

    assert [result.additional["remark"] == remark for result in results] == [True, True]
    assert server.connections == 1


@pytest.mark.parametrize("ending", [reset, close])
def test_a_reused_tls_connection_that_dies_is_unknown_for_a_write(colour, secure, ending):
    """Before a byte of the answer, as without TLS."""
    with serving([*exchange(), read, ending], tls=secure.server_side) as (server, url):
        _, error = colour.run(url, "other", "repay", ssl_context=secure.client_side)

    assert type(error) is OutcomeUnknown
    assert len(server.requests) == 2
    assert server.connections == 1


@pytest.mark.parametrize("ending", [reset, close])
def test_a_reused_tls_connection_that_dies_is_replaced_for_a_read(colour, secure, ending):
    """The read goes again, on a new connection."""
    listed = exchange(data=http(b"[]"))
    with serving([*listed, read, ending], listed, tls=secure.server_side) as (server, url):
        again = ReadRetries(tries=2, first_pause_s=0.01)
        results = colour.run(url, "balances", "balances", ssl_context=secure.client_side, retries=again)

    assert results == [[], []]
    assert server.connections == 2


@pytest.mark.parametrize(("call", "outcome"), [("repay", OutcomeUnknown), ("balances", list)])
def test_a_tunnel_that_dies_is_unknown_for_a_write_and_repeated_for_a_read(colour, secure, call, outcome):
    """Through a proxy the same holds as without one."""
    listed = exchange(data=http(b"[]"))
    with (
        serving([read, reset], listed, tls=secure.server_side) as (server, url),
        serving([tunnel(urlsplit(url).port or 0)]) as (_, proxy),
    ):
        again = ReadRetries(tries=2, first_pause_s=0.01)
        (result,) = colour.run(url, call, ssl_context=secure.client_side, proxy=proxy, retries=again)

    assert type(result) is outcome
    assert len(server.requests) == (1 if call == "repay" else 2)


def test_a_proxys_password_goes_to_the_proxy_alone(colour, secure):
    """With CONNECT, decoded from the URL, and never through the tunnel."""
    with (
        serving(exchange(), tls=secure.server_side) as (server, url),
        serving([tunnel(urlsplit(url).port or 0)]) as (proxy, proxy_url),
    ):
        named = proxy_url.replace("http://", "http://us%40er:p%3Aw@")
        (result,) = colour.run(url, "repay", proxy=named, ssl_context=secure.client_side)

    assert isinstance(result, RepayDebtResult)
    # base64 of "us@er:p:w"
    assert b"\r\nProxy-Authorization: Basic dXNAZXI6cDp3\r\n" in proxy.requests[0]
    assert b"Authorization" not in server.requests[0]
    assert b"X-MBX-APIKEY" not in proxy.requests[0]


# -------------------------------------------------------------------------------------- threads, tasks, forks


def echo(connection: Connection) -> None:
    """Script step: answer with the asset that was asked for, for ever."""
    with suppress(ConnectionError):
        while True:
            asset = connection.read().rpartition(b"asset=")[2].partition(b"&")[0]
            connection.send(http(DONE.replace(b"BNB", asset)))


def test_many_threads_each_get_their_own_answer():
    """400 repayments of 40 assets from 16 threads on shared connections: no answer goes astray."""
    with (
        serving([echo]) as (server, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm,
        ThreadPoolExecutor(16) as threads,
    ):

        def ask(number: int) -> bool:
            asset = f"A{number}"
            return all(pm.margin.repay_debt(asset=asset).asset == asset for _ in range(10))

        assert all(threads.map(ask, range(40)))

    assert len(server.requests) == 400
    assert server.connections <= 16


def test_many_tasks_each_get_their_own_answer():
    """The same with 50 tasks."""

    async def scenario(url: str) -> list[str]:
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm:
            done = await asyncio.gather(*(pm.margin.repay_debt(asset=f"A{n}") for n in range(50)))
            return [result.asset for result in done]

    with serving([echo]) as (_, url):
        assert asyncio.run(scenario(url)) == [f"A{n}" for n in range(50)]


def test_a_repayment_cancelled_in_flight_is_unresolved_and_its_connection_is_not_used_again():
    """Its answer would come on that connection, and pass for the answer to the next request."""

    async def scenario(url: str) -> None:
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()) as pm:
            await pm.account.balance()
            task = asyncio.create_task(pm.margin.repay_debt(asset="BNB"))
            while len(server.requests) < 2:  # noqa: ASYNC110  # the server is a thread
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [attempt.asset for attempt in pm.unresolved] == ["BNB"]
            assert all(window.in_flight == 0 for window in pm.budget.snapshot().windows)
            assert await pm.account.balance() == []

    with serving([*exchange(data=http(b"[]")), read, hold], exchange(data=http(b"[]"))) as (server, url):
        asyncio.run(scenario(url))

    assert server.connections == 2


def test_a_repayment_cancelled_while_it_connects_is_not_sent():
    """No connection stood yet, so nothing has left: nothing is in doubt, and the room in the budget is free again."""

    async def scenario(port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()) as pm:
            task = asyncio.create_task(pm.margin.repay_debt(asset="BNB"))
            while not any(window.in_flight for window in pm.budget.snapshot().windows):  # noqa: ASYNC110  # it tells of no change
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)  # the connect is under way, and stays so
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pm.unresolved == ()
            assert all(window.in_flight == window.used == 0 for window in pm.budget.snapshot().windows)

    with silent_address() as (_, port):
        asyncio.run(scenario(port))


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_while_it_connects_leaves_a_repayment_not_sent():
    """Ctrl-C before a connection stands: nothing is in doubt, and the room in the budget is free again."""
    with (
        silent_address() as (_, port),
        Client(
            credentials(), base_url=f"http://127.0.0.1:{port}", clock=SystemClock(), budget=MemoryBudget()
        ) as pm,
    ):
        main = threading.get_ident()

        def interrupt() -> None:
            while not any(window.in_flight for window in pm.budget.snapshot().windows):
                time.sleep(0.01)
            time.sleep(0.2)  # the connect is under way, and stays so
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            pm.margin.repay_debt(asset="BNB")

        assert pm.unresolved == ()
        assert all(window.in_flight == window.used == 0 for window in pm.budget.snapshot().windows)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT interrupts, also in a run that a shell started in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_in_flight_does_not_return_the_connection():
    """Ctrl-C while a repayment waits for its answer: unresolved, and the next call has a connection of its own."""
    with (
        serving([read, hold], exchange(data=http(b"[]"))) as (server, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()) as pm,
    ):
        main = threading.get_ident()

        def interrupt() -> None:
            while not server.requests:
                time.sleep(0.01)
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            pm.margin.repay_debt(asset="BNB")

        assert [attempt.asset for attempt in pm.unresolved] == ["BNB"]
        assert pm.account.balance() == []
    assert server.connections == 2


def test_a_connection_on_which_unasked_bytes_came_is_not_used_again():
    """They came while it was idle in an event loop: whose answer the next bytes would be, nobody could say."""
    asked, sent = threading.Event(), threading.Event()

    def say_more(connection: Connection) -> None:
        asked.wait(10)
        connection.send(http(b'{"asset":"BNB","amount":"9","updateTime":1,"success":true}'))
        sent.set()
        connection.hold()

    async def scenario(url: str) -> RepayDebtResult:
        async with AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm:
            assert await pm.account.balance() == []
            asked.set()
            await asyncio.to_thread(sent.wait, 10)
            await asyncio.sleep(0.05)
            return await pm.margin.repay_debt(asset="BNB")

    with serving([*exchange(data=http(b"[]")), say_more], exchange()) as (server, url):
        assert str(asyncio.run(scenario(url)).amount) == "0.1"
        assert server.connections == 2


def test_a_client_of_several_event_loops_gives_each_its_own_connections():
    """A connection works only in the loop that opened it; the next one opens another, and the answers come."""
    with serving([*exchange(data=http(b"[]")), hold], exchange()) as (server, url):
        pm = AsyncClient(credentials(), base_url=url, clock=SystemClock(), budget=Plenty())

        async def ask() -> object:
            return await pm.account.balance()

        async def repay_and_close() -> object:
            async with pm:
                return await pm.margin.repay_debt(asset="BNB")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the first loop ended with its connection open
            assert asyncio.run(ask()) == []
            assert isinstance(asyncio.run(repay_and_close()), RepayDebtResult)
            gc.collect()

    assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_that_closes_its_client_does_not_hang_up_for_its_parent():
    """Sockets are shared over a fork: shutting one down in the child takes the parent's answer away."""
    forked = threading.Event()

    def wait(connection: Connection) -> None:
        forked.wait(10)

    with (
        serving([read, wait, respond(http())]) as (server, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=Plenty()) as pm,
        ThreadPoolExecutor(1) as threads,
    ):
        repayment = threads.submit(lambda: pm.margin.repay_debt(asset="BNB"))
        while not server.requests:
            time.sleep(0.01)
        pid = os.fork()
        if pid == 0:
            pm.close()
            os._exit(0)
        os.waitpid(pid, 0)
        forked.set()

        assert repayment.result(10).success is True


def test_a_client_that_is_closed_loses_the_answer_under_way_at_once():
    """Another thread closes it: whoever waits hears of it, and does not wait out the time limit."""
    with (
        serving([read, hold]) as (server, url),
        Client(credentials(), base_url=url, clock=SystemClock(), budget=MemoryBudget()) as pm,
        ThreadPoolExecutor(1) as threads,
    ):
        repayment = threads.submit(lambda: pm.margin.repay_debt(asset="BNB"))
        while not server.requests:
            time.sleep(0.01)
        pm.close()

        with pytest.raises(OutcomeUnknown):
            repayment.result(5)
        assert len(pm.unresolved) == 1


def test_a_client_of_a_loop_that_has_ended_can_be_closed():
    """`asyncio.run` twice with one client: the first loop took its connections along, and asyncio warns of them."""
    program = (
        "import asyncio, sys\n"
        "from paydown import AsyncClient\n"
        "pm = AsyncClient(base_url=sys.argv[1])\n"
        "for _ in range(2): asyncio.run(asyncio.wait_for(pm.market.ping(), 10))\n"
        "asyncio.run(pm.aclose())\n"
        "print(pm)\n"
    )
    with serving(exchange(data=http(b"{}"))) as (server, url):
        ran = subprocess.run(
            [sys.executable, "-c", program, url], capture_output=True, text=True, check=False, timeout=30
        )

    assert ran.returncode == 0, ran.stderr
    assert "closed" in ran.stdout
    assert server.connections == 2


# --------------------------------------------------------------------------------------------------- injection


@pytest.mark.parametrize(
    "part",
    [
        {"target": "/x HTTP/1.1\r\nX-A: b"},
        {"target": "/x y"},
        {"method": "GET\r\nX-A: b"},
        {"headers": [(b"Host", b"x"), (b"X-A", b"a\r\nX-B: c")]},
        {"headers": [(b"Host", b"x"), (b"X-A\r\nX-B", b"a")]},
    ],
)
def test_a_line_end_in_a_request_is_not_written(part):
    """One request stays one request: nothing of it is written, and the text does not repeat it."""
    with serving([read]) as (server, url):
        whole = {
            "method": "GET",
            "address": Address.parse(url),
            "target": "/x",
            "headers": [(b"Host", b"x")],
            "body": b"",
            "connect_timeout_s": 5.0,
            "answer_timeout_s": 5.0,
        }
        channel = DirectChannel()
        with pytest.raises(NotSent) as caught:
            channel.exchange(Outgoing(**{**whole, **part}))  # type: ignore[arg-type]  # of mixed types
        channel.close()

    assert "X-A" not in str(caught.value)
    assert server.requests == []


HEADERS = st.lists(
    st.tuples(st.from_regex(rb"X-[A-Z]{1,3}", fullmatch=True), st.from_regex(rb"[!-~]{1,8}", fullmatch=True)),
    max_size=3,
)


@given(requests=st.lists(st.tuples(st.sampled_from([b"", b"a=1", b"a=1&b=2"]), HEADERS), max_size=6))
def test_every_request_of_a_connection_is_written_as_it_is(requests):
    """Whatever headers the request before had, this one leaves with its own, in their order."""
    http1 = Http1()
    for body, more in requests:
        headers = [(b"Host", b"x"), *more, (b"Content-Length", str(len(body)).encode())]
        lines = [b"POST /x HTTP/1.1", *(b"%b: %b" % header for header in headers)]

        written = http1.begin(outgoing(headers=list(headers), body=body))

        assert written == b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
        assert http1.feed(http())
        assert http1.ready_again()


@given(
    before=st.binary(max_size=4),
    line_end=st.sampled_from([b"\0", b"\r", b"\n"]),
    behind=st.binary(max_size=4),
)
def test_a_line_end_in_a_later_request_is_not_written(before, line_end, behind):
    """That the requests before were good makes no other one good."""
    http1 = Http1()
    good, bad = ([(b"Host", b"x"), (b"X-A", each)] for each in (b"a", before + line_end + behind))
    for _ in range(2):
        http1.begin(outgoing(headers=list(good)))
        assert http1.feed(http())
        assert http1.ready_again()

    with pytest.raises(NotSent):
        http1.begin(outgoing(headers=bad))


def outgoing(*, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> Outgoing:
    """A request with these headers."""
    return Outgoing(
        method="POST",
        address=Address.parse("http://x"),
        target="/x",
        headers=headers,
        body=body,
        connect_timeout_s=5.0,
        answer_timeout_s=5.0,
    )


@pytest.mark.parametrize(
    "asset", ["BNB\r\nX-A: b", "BNB&amount=1", "BNB HTTP/1.1\r\n\r\n", "\x00", "BNB#", "币安人生"]
)
def test_an_argument_cannot_leave_its_place(colour, asset, monkeypatch):
    """Refused, or percent-encoded: no argument adds a header, a parameter or a request."""
    from tests.client.transport import test_httpx_adapter as test_transport

    monkeypatch.setitem(
        test_transport.METHODS, "odd", lambda pm: pm.margin.repay_debt(asset=asset, amount="0.1")
    )
    with serving(exchange()) as (server, url):
        colour.run(url, "odd")

    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"\r\nX-A" not in head
        assert [pair.partition(b"=")[0] for pair in body.split(b"&")] == [
            b"asset", b"amount", b"recvWindow", b"timestamp", b"signature",
        ]  # fmt: skip
        assert body.isascii()


# -------------------------------------------------------------------------------------------- on the way to a proxy


def drip_bytes(data: bytes, pause_s: float) -> Step:
    """Script step: one byte after the other."""
    return lambda connection: connection.drip(data, pause_s)


@pytest.mark.parametrize(
    "script",
    [
        [read, hold],
        [read, close],
        [read, reset],
        [read, respond(b"220 smtp ready\r\n\r\n")],
        [read, drip_bytes(b"HTTP/1.1 200 Connection established and much more\r\n\r\n", 0.05)],
    ],
    ids=["silent", "closes", "resets", "no HTTP", "drips"],
)
def test_a_proxy_that_opens_no_tunnel_was_not_sent_through(colour, script):
    """Whatever it does instead: the request itself never began to leave."""
    with serving(script) as (proxy, url):
        begun = time.monotonic()
        (error,) = colour.run(
            "https://papi.example", "repay", proxy=url, connect_timeout_s=0.4, answer_timeout_s=0.4
        )

    assert type(error) is ConnectionFailed
    assert time.monotonic() - begun < 3
    assert all(b"signature" not in request for request in proxy.requests)


@pytest.mark.parametrize("through", ["a tunnel", "forwarding"])
def test_an_answer_through_a_proxy_has_one_time_limit(colour, secure, through):
    """A byte now and then does not stretch it."""
    slow: list[Step] = [read, drip_bytes(http(), 0.05)]
    limits = {"connect_timeout_s": 2, "answer_timeout_s": 0.4}
    begun = time.monotonic()
    if through == "a tunnel":
        with (
            serving(slow, tls=secure.server_side) as (_, url),
            serving([tunnel(urlsplit(url).port or 0)]) as (_, proxy),
        ):
            (error,) = colour.run(url, "repay", proxy=proxy, ssl_context=secure.client_side, **limits)
    else:
        with serving(slow) as (_, proxy):
            (error,) = colour.run("http://papi.example", "repay", proxy=proxy, **limits)

    assert type(error) is OutcomeUnknown
    assert 0.3 < time.monotonic() - begun < 3
