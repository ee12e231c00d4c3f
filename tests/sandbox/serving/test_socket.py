"""The sandbox on a real socket: HTTP as clients speak it, and the fixtures for other people's tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from paydown_sandbox.sandbox import Sandbox, SocketSandbox
from paydown_sandbox.state.state_builder import StateBuilder
from paydown_sandbox.state.state_writer import dump_world
from tests.sandbox.signer import REPAY, digest

pytest_plugins = ("pytester",)

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def running() -> Iterator[SocketSandbox]:
    """A sandbox on a free port."""
    with SocketSandbox() as sandbox:
        yield sandbox


def content(sandbox: Sandbox, text: str) -> str:
    """A signed text."""
    full = f"{text}&timestamp={sandbox.now_ms()}"
    return f"{full}&signature={digest(full, sandbox.api_secret)}"


def repay(sandbox: Sandbox, client: httpx.Client, amount: str = "0.1") -> httpx.Response:
    """One repayment over HTTP."""
    headers = {"X-MBX-APIKEY": sandbox.api_key, "Content-Type": FORM}
    text = f"asset=BNB&amount={amount}&specifyRepayAssets=USDT"
    return client.post(REPAY, content=content(sandbox, text), headers=headers)


def exchanged(sandbox: SocketSandbox, data: bytes, *, until: int = 1) -> bytes:
    """Send raw bytes and read until `until` answers are complete or the connection ends."""
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(data)
        found = b""
        while found.count(b"HTTP/1.1 2") + found.count(b"HTTP/1.1 4") < until or not found.endswith(
            (b"}", b"\n")
        ):
            part = raw.recv(65536)
            if not part:
                break
            found += part
        return found


def test_helpers_describe_a_lost_answer(running: SocketSandbox) -> None:
    """The example of the documentation: owe, drop the answer, and see that the debt is gone."""
    running.owe("BNB", "0.10")
    running.drop_next_answer()

    with httpx.Client(base_url=running.url) as client, pytest.raises(httpx.ReadError):
        repay(running, client)

    assert running.debt("BNB") == 0
    (request,) = running.requests("POST", REPAY)
    assert (request["fault"], request["answer"], request["moved_money"]) == (
        "executed_then_reset",
        "reset",
        True,
    )
    assert running.ledger()[0]["operation"] == "repayDebt"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset_before", httpx.ReadError),
        ("executed_then_closed", httpx.RemoteProtocolError),
        ("truncated_body_executed", httpx.RemoteProtocolError),
    ],
)
def test_broken_connections_look_broken(running: SocketSandbox, fault: str, error: type[Exception]) -> None:
    """A reset, an orderly close without an answer, and a body that ends too early."""
    running.owe("BNB", "1")
    running.fail(fault)
    with httpx.Client(base_url=running.url) as client:
        with pytest.raises(error):
            repay(running, client)
        assert repay(running, client).status_code == 200  # on a new connection


@pytest.mark.parametrize("fault", ["executed_then_delay", "delay_before"])
def test_late_answers_come_late(running: SocketSandbox, fault: str) -> None:
    """A client that waits long enough gets them, one that does not has a repayment it knows nothing of."""
    running.owe("BNB", "1")
    running.fail(fault, delay_ms=400, times=2)
    with httpx.Client(base_url=running.url, timeout=5) as client:
        before = time.monotonic()
        assert repay(running, client).status_code == 200
        assert time.monotonic() - before >= 0.4
    with httpx.Client(base_url=running.url, timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        repay(running, client)


def test_a_held_back_answer_keeps_the_account_busy(running: SocketSandbox) -> None:
    """Two repayments at once: the second meets 51007 while the first is not answered."""
    running.owe("BNB", "1")
    running.hold_next_answer(600)
    answers: list[httpx.Response] = []
    with httpx.Client(base_url=running.url) as first, httpx.Client(base_url=running.url) as second:
        thread = threading.Thread(target=lambda: answers.append(repay(running, first)))
        thread.start()
        while not running.ledger():
            time.sleep(0.01)
        assert repay(running, second).json()["code"] == 51007
        thread.join()
        assert answers[0].status_code == 200
        running.limit(10**9)
        assert repay(running, second).status_code == 200


def test_an_account_whose_client_left_is_not_busy_for_ever(running: SocketSandbox) -> None:
    """Who hangs up before the answer has repaid, and may repay again once that answer is due."""
    running.owe("BNB", "1")
    running.hold_next_answer(300)
    with httpx.Client(base_url=running.url, timeout=0.1) as first, pytest.raises(httpx.ReadTimeout):
        repay(running, first)
    running.limit(10**9)

    with httpx.Client(base_url=running.url) as second:
        ends_at = time.monotonic() + 10
        while (answer := repay(running, second)).status_code != 200 and time.monotonic() < ends_at:
            assert answer.json()["code"] == 51007
            time.sleep(0.02)

    assert answer.status_code == 200


def test_control_and_exchange_share_a_connection(running: SocketSandbox) -> None:
    """A client that asks for both on one keep-alive connection is served, before and after the switch."""
    running.owe("BNB", "1")
    with httpx.Client(base_url=running.url) as client:
        assert client.get("/papi/v1/ping").json() == {}
        assert client.get("/_sandbox/ledger").json()["entries"] == []
        assert repay(running, client).status_code == 200
        assert len(client.get("/_sandbox/ledger").json()["entries"]) == 1
        running.fail("executed_then_reset")
        running.limit(10**9)
        with pytest.raises(httpx.ReadError):  # the connection is uvicorn's by now
            repay(running, client)
    assert running.debt("BNB") == Decimal("0.8")


def test_requests_sent_ahead_are_answered_in_order(running: SocketSandbox) -> None:
    """Three requests in one packet: durable and plain answers keep their order."""
    running.owe("BNB", "1")
    body = content(running, "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    post = (
        f"POST {REPAY} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {running.api_key}\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    ping = "GET /papi/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n"
    last = "GET /papi/v1/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = exchanged(running, (post + ping + last).encode(), until=4)

    assert found.count(b"HTTP/1.1 200 OK") == 3
    assert found.index(b'"success":true') < found.index(b"{}") < found.index(b"serverTime")
    assert b"connection: close" in found


def test_a_long_pipeline_does_not_overflow(running: SocketSandbox) -> None:
    """Two thousand requests in one go behind one that must be stored first."""
    running.owe("BNB", "1")
    body = content(running, "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    post = f"POST {REPAY} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ping = "GET /papi/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    last = "GET /papi/v1/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found = exchanged(running, (post + ping + last).encode(), until=10_000)
    assert found.count(b"HTTP/1.1 200 OK") == 2001


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET /papi/v1/ping HTTP/1.1\r\nX: " + b"a" * 70_000, b"403 Forbidden"),
        (b"HEAD /papi/v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404 Not Found"),
        (b"GET /papi/v1/ping HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET /papi/v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"200 OK"),
        (
            b"POST /papi/v1/margin/repay-debt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n5\r\nasset\r\n4\r\n=BNB\r\n0\r\n\r\n",
            b"-2014",
        ),
        (
            b"POST /papi/v1/margin/repay-debt HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n"
            b"Connection: close\r\n\r\n" + b"a" * 70_000,
            b"403 Forbidden",
        ),
        (
            b"POST /papi/v1/listenKey HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n",
            b"100 Continue",
        ),
    ],
)
def test_http_is_spoken_as_it_comes(running: SocketSandbox, data: bytes, expected: bytes) -> None:
    """Broken, oversized, old, chunked and careful requests all get an answer, and the next client too."""
    assert expected in exchanged(running, data, until=99)
    assert httpx.get(f"{running.url}/papi/v1/ping").status_code == 200


def test_a_request_in_many_pieces_is_one_request(running: SocketSandbox) -> None:
    """Bytes that trickle in are put together again."""
    running.owe("BNB", "1")
    body = content(running, "asset=BNB&amount=0.1&specifyRepayAssets=USDT")
    data = (
        f"POST {REPAY} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {running.api_key}\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        for at in range(0, len(data), 37):
            raw.sendall(data[at : at + 37])
        assert b'"success":true' in raw.recv(65536)


def test_in_process_clients_see_the_same_exchange() -> None:
    """Over the transport: results, lost answers and late ones, sync; no clock is waited for."""
    sandbox = Sandbox()
    sandbox.owe("BNB", "1", interest="0.5")
    sandbox.freeze()
    with httpx.Client(transport=sandbox.transport(), base_url=sandbox.url, timeout=2) as client:
        assert repay(sandbox, client).json()["success"] is True
        sandbox.drop_next_answer()
        with pytest.raises(httpx.ReadError):
            repay(sandbox, client)
        sandbox.limit(10**9)
        sandbox.hold_next_answer(2001)
        before = sandbox.now_ms()
        with pytest.raises(httpx.ReadTimeout):
            repay(sandbox, client)
        assert sandbox.now_ms() == before + 2001
        sandbox.lose_next_answer()
        assert repay(sandbox, client).status_code == 503
        sandbox.heal()
        assert repay(sandbox, client).status_code == 200
    assert sandbox.debt("BNB") == Decimal("1")
    assert [request["moved_money"] for request in sandbox.requests("POST")] == [True] * 5


def test_the_helpers_build_the_world_they_name(running: SocketSandbox) -> None:
    """Debts, holdings, prices, options, keys, scenarios and the clock, from another thread."""
    running.owe("ETH", Decimal("0.00000001"))
    running.hold("BTC", "2")
    running.set_price("BTC", "50000.5")
    running.choose(whole_debt_answer_amount="present", limit_window="fixed")
    running.add_key("another", "hmac", "hush")
    running.play("a-bad-tuesday")
    running.freeze(1_800_000_000_000)
    running.advance(1000)

    assert (running.debt("ETH"), running.free("BTC")) == (Decimal("1E-8"), 2)
    assert running.now_ms() == 1_800_000_001_000
    assert running.environment["PAYDOWN_BASE_URL"] == running.url
    state = httpx.get(f"{running.url}/_sandbox/state").json()
    assert state["prices_usd"]["BTC"] == "50000.5"
    assert state["options"]["whole-debt-answer-amount"] == "present"
    assert len(state["accounts"][0]["keys"]) == 2
    assert len(httpx.get(f"{running.url}/_sandbox/faults").json()["faults"]) == 4
    with pytest.raises(ValueError, match="there is no option"):
        running.choose(no_such_thing="1")
    with pytest.raises(ValueError, match="one of"):
        running.fail("no such fault")


def test_the_builder_writes_what_the_exchange_reads() -> None:
    """Accounts, keys, positions, prices to come, rates, limits, options and chances, each in its place."""
    builder = (
        StateBuilder()
        .account("desk")
        .owes("BNB", Decimal("1.5"), interest="0.001")
        .holds("USDT", "250000", locked="5")
        .account("other", api_key="k", secret="s")
        .key("reader", "hush", permissions=["USER_DATA"], ip_allow=["192.0.2.0/24"])
        .position("USDT", um="3", negative=Decimal("1E-8"))
        .status("REDUCE_ONLY")
        .price("BNB", "590.5")
        .price_path("BTC", (2_000_000_000_000, "50000"))
        .interest("0.001")
        .interest(Decimal("0.0024"), asset="BNB")
        .limit(weight_per_minute=100)
        .choose(whole_debt_answer_amount="present")
        .seed(9)
    )
    sandbox = Sandbox(builder)
    shown = dump_world(sandbox.exchange.world)

    assert (sandbox.account, sandbox.debt("BNB")) == ("desk", Decimal("1.501"))
    desk, other = shown["accounts"]  # type: ignore[misc] # a list
    assert [key["api_key"] for key in desk["keys"]] == [sandbox.api_key]
    assert [(key["api_key"], key["permissions"], key["ip_allow"]) for key in other["keys"]] == [
        ("k", ["TRADE", "USER_DATA"], []),
        ("reader", ["USER_DATA"], ["192.0.2.0/24"]),
    ]
    assert desk["balances"]["USDT"]["locked"] == "5"
    assert (other["balances"]["USDT"]["um"], other["balances"]["USDT"]["negative"]) == ("3", "0.00000001")
    assert other["status"] == "REDUCE_ONLY"
    assert shown["prices_usd"]["BNB"] == "590.5"  # type: ignore[index] # an object
    assert shown["price_paths"] == {"BTC": [{"at_ms": 2_000_000_000_000, "price": "50000"}]}
    assert shown["interest"]["daily_rates"] == {"BNB": "0.0024"}  # type: ignore[index] # an object
    assert shown["limits"]["weight_per_minute"] == 100  # type: ignore[index] # an object
    assert shown["options"] == {"whole-debt-answer-amount": "present"}
    assert shown["seed"] == 9
    with pytest.raises(ValueError, match="name an account first"):
        StateBuilder().owes("BNB", "1")


def test_the_plugin_gives_both_fixtures(pytester: pytest.Pytester) -> None:
    """A test of another project, with a state of its own."""
    pytester.makepyfile(
        """
        import httpx
        import pytest

        def test_in_process(paydown_exchange):
            paydown_exchange.owe("BNB", "0.1")
            with httpx.Client(transport=paydown_exchange.transport(), base_url="http://x") as client:
                assert client.get("/papi/v1/ping").status_code == 200
            assert str(paydown_exchange.debt("BNB")) == "0.1"

        @pytest.mark.paydown_state({"accounts": [{"id": "mine"}]})
        def test_on_a_socket(paydown_sandbox):
            assert paydown_sandbox.account == "mine"
            assert httpx.get(paydown_sandbox.url + "/papi/v1/ping").json() == {}
        """
    )
    result = pytester.runpytest_inprocess("--strict-markers", *PLUGIN)
    result.assert_outcomes(passed=2)


def test_the_plugin_says_what_to_install(pytester: pytest.Pytester) -> None:
    """Without the extra, one sentence instead of a traceback from inside the package."""
    pytester.makeconftest("import sys; sys.modules['starlette.applications'] = None")
    pytester.makepyfile("def test_mine(paydown_sandbox): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *PLUGIN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the sandbox needs starlette*: pip install 'paydown[[]sandbox]'"])


def _registered() -> bool:
    from importlib.metadata import entry_points

    return any(entry.value == "paydown_sandbox.pytest_plugin" for entry in entry_points(group="pytest11"))


# The entry point loads the plugin in an installed package; naming it twice would be an error.
PLUGIN: tuple[str, ...] = () if _registered() else ("-p", "paydown_sandbox.pytest_plugin")
