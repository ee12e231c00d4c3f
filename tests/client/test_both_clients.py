"""`AsyncClient` mirrors `Client`, and both offer every call of the document."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from paydown import AsyncClient, Client, ConnectionFailed, OutcomeUnknown, PaydownError
from paydown_wire import resources
from paydown_wire.operations import ALL_OPERATIONS
from tests.client.support.kit import (
    ONE_TRY,
    Exchange,
    Time,
    answer,
    async_client,
    client,
    credentials,
    repaid,
)

RENAMED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}


def public(kind: type) -> dict[str, object]:
    """The names of a class that its users see, those of the context manager included."""
    return {
        name: inspect.getattr_static(kind, name)
        for name in dir(kind)
        if not name.startswith("_") or name in {*RENAMED, *RENAMED.values()}
    }


def test_both_clients_have_the_same_methods_and_properties():
    """Name for name; only closing and entering carry the a of asyncio."""
    blocking = {RENAMED.get(name, name) for name in public(Client)}

    assert blocking == set(public(AsyncClient))


def test_both_clients_take_the_same_arguments():
    """Names, kinds and defaults; transport and sleep differ in colour only."""

    def arguments(kind: type) -> list[tuple[str, object, object]]:
        parameters = inspect.signature(kind).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters if p.name != "sleep"]

    assert arguments(Client) == arguments(AsyncClient)
    assert "sleep" in inspect.signature(AsyncClient).parameters


@pytest.mark.parametrize("operation", ALL_OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_call_of_the_document_is_on_both_clients(operation):
    """resource.method, with the same keyword arguments, all of them keyword-only."""
    resource, method = operation.name.split(".")
    blocking = getattr(getattr(Client(credentials()), resource), method)
    awaited = getattr(getattr(AsyncClient(credentials()), resource), method)

    assert inspect.iscoroutinefunction(awaited)
    assert not inspect.iscoroutinefunction(blocking)
    assert inspect.signature(blocking).parameters == inspect.signature(awaited).parameters
    kinds = {parameter.kind for parameter in inspect.signature(blocking).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY}


def test_every_resource_of_the_document_is_a_property():
    """A new group of calls cannot be forgotten here."""
    generated = {name for name in resources.__all__ if name.endswith("Resource")}
    for kind, prefix in ((Client, ""), (AsyncClient, "Async")):
        offered = {
            type(getattr(kind(credentials()), name)).__name__
            for name, value in public(kind).items()
            if hasattr(value, "attrname")
        }
        assert offered == {name for name in generated if name.startswith("Async") is bool(prefix)}


def test_resources_are_made_once_and_when_first_used():
    """Building a client loads none of them."""
    pm = Client(credentials())

    assert "margin" not in vars(pm)
    assert pm.margin is pm.margin
    assert {"market", "account", "margin", "records", "futures_debt", "stream"} <= set(dir(pm))


def test_iterating_differs_only_in_colour():
    """`for` here, `async for` there."""
    empty = httpx.Response(200, json={"rows": [], "total": 0})

    assert isinstance(client(Exchange(empty)).records.iter_margin_interest(), Iterator)
    assert isinstance(async_client(Exchange(empty)).records.iter_margin_interest(), AsyncIterator)


SCRIPTS = {
    "done": [repaid()],
    "refused": [answer(400, -2018, "Balance is insufficient.")],
    "lost": [httpx.ReadTimeout("slow")],
    "no connection": [httpx.ConnectError("refused")],
    "busy": [answer(503, -1000, "Service Unavailable.")],
    "limited, then done": [answer(429, -1003, "Too much", Retry_After="5"), repaid()],
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_take_the_same_decisions_at_the_same_times(name):
    """Five repayments and reads in a row: the same requests, the same ends, the same virtual time."""

    def outcome(error: PaydownError) -> tuple[str, str]:
        return type(error).__name__, str(error).replace(getattr(error, "attempt_id", None) or "?", "ID")

    def blocking() -> tuple[object, ...]:
        time, exchange, ends = Time(), Exchange(*SCRIPTS[name]), []
        pm = client(exchange, time, retries=ONE_TRY)
        for _ in range(5):
            for call in (lambda: pm.margin.repay_debt(asset="BNB"), pm.account.balance):
                try:
                    ends.append(call())
                except PaydownError as error:
                    ends.append(outcome(error))
        return [request.url.path for request in exchange.requests], ends, time.elapsed_ms

    async def awaited() -> tuple[object, ...]:
        time, exchange, ends = Time(), Exchange(*SCRIPTS[name]), []
        pm = async_client(exchange, time, retries=ONE_TRY)
        for _ in range(5):
            for call in (lambda: pm.margin.repay_debt(asset="BNB"), pm.account.balance):
                try:
                    ends.append(await call())
                except PaydownError as error:
                    ends.append(outcome(error))
        return [request.url.path for request in exchange.requests], ends, time.elapsed_ms

    assert blocking() == asyncio.run(awaited())


def test_many_tasks_share_one_async_client():
    """Sixteen reads and one lost repayment at once: each gets its own answer."""

    def scripted(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadTimeout("slow")
        return httpx.Response(200, json=[])

    async def scenario() -> list[object]:
        async with async_client(Exchange(scripted)) as pm:
            reads = [pm.account.balance() for _ in range(16)]
            return await asyncio.gather(pm.margin.repay_debt(asset="BNB"), *reads, return_exceptions=True)

    lost, *answers = asyncio.run(scenario())

    assert isinstance(lost, OutcomeUnknown)
    assert answers == [[]] * 16


def test_a_bad_certificate_file_is_found_before_anything_leaves(monkeypatch):
    """SSL_CERT_FILE that names nothing: said as a failed connection, with nothing left open."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    time = Time()
    pm = Client(credentials(), base_url="https://127.0.0.1:1", clock=time)

    with pytest.raises(ConnectionFailed, match="No such file"):
        pm.margin.repay_debt(asset="BNB")

    assert pm.unresolved == ()
