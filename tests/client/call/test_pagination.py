"""Lists are read to their end: nothing lost, nothing twice, whatever happens at the borders and meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown import InvalidRequest, InvalidRequestType, ReadFailed
from paydown.call.pagination import Pager
from paydown_wire.operation import Operation
from paydown_wire.operations import (
    ALL_OPERATIONS,
    CAPITAL_FLOW,
    MARGIN_INTEREST_HISTORY,
    NEGATIVE_BALANCE_INTEREST_HISTORY,
    REPAY_RECORDS,
)
from tests.client.support.kit import NOW_MS, Exchange, Plenty, Time, async_client, client

DAY = 86_400_000
LONGEST = 30 * DAY  # of a window: papi-debt, "window at most 30 days"
HALF_YEAR = 183 * DAY


class Shelf:
    """A list as the exchange might keep it, with the choices that nobody documents."""

    def __init__(
        self,
        times: list[int],
        *,
        start_included: bool = True,
        end_included: bool = True,
        cap: int = 100,
        total_counts: str = "all",
        arrivals: list[list[int]] | None = None,
        archive: bool = False,
    ) -> None:
        self.rows = [{"id": number, "time": time} for number, time in enumerate(times)]
        self.start_included, self.end_included = start_included, end_included
        self.cap, self.total_counts = cap, total_counts
        self.arrivals = list(arrivals or [])
        self.archive = archive
        self.asked: list[dict[str, str]] = []

    def matching(self, start: int, end: int) -> list[dict[str, int]]:
        found = [
            row
            for row in self.rows
            if (row["time"] >= start if self.start_included else row["time"] > start)
            and (row["time"] <= end if self.end_included else row["time"] < end)
        ]
        return sorted(found, key=lambda row: (-row["time"], -row["id"]))

    def answer(self, request: httpx.Request) -> tuple[list[dict[str, int]], int | None]:
        asked = dict(parse_qsl(request.url.query.decode()))
        self.asked.append(asked)
        end = int(asked.get("endTime", NOW_MS + 10**10))
        start = int(asked["startTime"])
        assert min(end, NOW_MS) - start <= LONGEST, "the exchange refuses longer windows"
        found = self.matching(start, end)
        if self.archive:
            old = asked.get("archived") == "true"
            found = [row for row in found if (row["time"] < NOW_MS - HALF_YEAR) is old]
        size = min(int(asked.get("size", asked.get("limit", "10"))), self.cap)
        page = int(asked.get("current", "1"))
        shown = found[(page - 1) * size : page * size]
        if self.arrivals:  # between this request and the next
            self.rows += [
                {"id": len(self.rows) + index, "time": time}
                for index, time in enumerate(self.arrivals.pop(0))
            ]
        return shown, {"all": len(found), "page": len(shown), "none": None}[self.total_counts]


class RepayShelf(Shelf):
    """`margin/repayLoan`: an object with rows and total."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        rows, total = self.answer(request)
        body: dict[str, Any] = {
            "rows": [
                {
                    "txId": row["id"] + 1,
                    "asset": "BNB",
                    "amount": "1",
                    "interest": "0",
                    "principal": "1",
                    "timestamp": row["time"],
                    "status": "CONFIRMED",
                }
                for row in rows
            ]
        }
        if total is not None:
            body["total"] = total
        return httpx.Response(200, json=body)


class InterestShelf(Shelf):
    """`portfolio/interest-history`: a bare array, no pages, no ids."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        rows, _ = self.answer(request)
        return httpx.Response(
            200,
            json=[
                {
                    "asset": "USDT",
                    "interest": f"0.{row['id'] + 1}",
                    "interestAccuredTime": row["time"],
                    "interestRate": "0.0001",
                    "principal": "1",
                }
                for row in rows
            ],
        )


def patient(shelf: Any) -> Any:
    """A client that has all the weight it needs."""
    return client(Exchange(shelf), budget=Plenty())


TIMES = st.integers(min_value=NOW_MS - 100 * DAY, max_value=NOW_MS)
BORDERS = st.integers(min_value=0, max_value=4).map(lambda number: NOW_MS - 100 * DAY + number * LONGEST)


@settings(deadline=None, max_examples=120)
@given(
    times=st.lists(
        TIMES | BORDERS | BORDERS.map(lambda ms: ms - 1) | BORDERS.map(lambda ms: ms + 1), max_size=60
    ),
    start_included=st.booleans(),
    end_included=st.booleans(),
    cap=st.integers(min_value=1, max_value=20),
    size=st.integers(min_value=1, max_value=20),
    total_counts=st.sampled_from(["all", "page", "none"]),
    arrivals=st.lists(st.lists(TIMES, max_size=5), max_size=3),
    open_end=st.booleans(),
)
def test_no_row_is_lost_or_doubled(
    times, start_included, end_included, cap, size, total_counts, arrivals, open_end
):
    """
    Over windows and pages, with rows arriving meanwhile, borders included or not, pages capped without notice, and a
    total that counts all rows, or the page, or is missing.
    """
    shelf = RepayShelf(
        times,
        start_included=start_included,
        end_included=end_included,
        # A page that is capped without notice looks like the last one, unless the total tells.
        cap=cap if total_counts == "all" else 100,
        total_counts=total_counts,
        arrivals=arrivals,
    )
    start, end = NOW_MS - 100 * DAY, NOW_MS
    there_before = {row["id"] + 1 for row in shelf.matching(start, 10**15 if open_end else end)}

    span = {"start_time": start} if open_end else {"start_time": start, "end_time": end}
    read = [record.tx_id for record in patient(shelf).records.iter_repayments(asset="BNB", size=size, **span)]

    assert len(read) == len(set(read)), "no row twice"
    assert there_before <= set(read), "no row lost"


def without_pages(size: int) -> Operation:
    """A list without pages whose answers hold so many rows."""
    facts = NEGATIVE_BALANCE_INTEREST_HISTORY.pagination
    assert facts is not None
    return replace(NEGATIVE_BALANCE_INTEREST_HISTORY, pagination=replace(facts, max_size=size))


def charge(row: object) -> str:
    """The interest of a row."""
    assert isinstance(row, dict)
    return str(row["interest"])


@settings(deadline=None, max_examples=60)
@given(
    times=st.lists(TIMES, max_size=60, unique=True),
    size=st.integers(min_value=3, max_value=20),
    start_included=st.booleans(),
    end_included=st.booleans(),
)
def test_a_list_without_pages_is_cut_until_nothing_is_cut_off(times, size, start_included, end_included):
    """Its only tool is the window: full answers are halved. Rows have no id; their content tells them apart."""
    shelf = InterestShelf(times, start_included=start_included, end_included=end_included)
    start = NOW_MS - 100 * DAY
    expected = sorted(f"0.{row['id'] + 1}" for row in shelf.matching(start, NOW_MS))

    rows = patient(shelf).iterate(without_pages(size), {"startTime": start, "endTime": NOW_MS}, charge)

    assert sorted(rows) == expected


class OldestFirst(InterestShelf):
    """The same list in the other order: which one the exchange chooses is nowhere written."""

    def matching(self, start: int, end: int) -> list[dict[str, int]]:
        return super().matching(start, end)[::-1]


@pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "awaited"])
@pytest.mark.parametrize("shelf_class", [InterestShelf, OldestFirst], ids=["newest-first", "oldest-first"])
@pytest.mark.parametrize("end_included", [True, False], ids=["end-counts", "end-does-not"])
@pytest.mark.parametrize("start_included", [True, False], ids=["start-counts", "start-does-not"])
def test_the_halves_of_a_split_window_hold_each_row_at_their_seam_once(
    start_included, end_included, shelf_class, awaited
):
    """Rows on the seam and either side of it are read, whether or not the ends of a window count."""
    start, end = NOW_MS - 8 * DAY, NOW_MS - 4 * DAY
    seam = (start + end) // 2
    earlier, later = (start + seam) // 2, (seam - 1 + end) // 2  # of the halves, which are split once more
    times = sorted({at + near for at in (seam, earlier, later) for near in (-2, -1, 0, 1, 2)})
    shelf = shelf_class(times, start_included=start_included, end_included=end_included)
    arguments = {"startTime": start, "endTime": end}
    operation = without_pages(6)

    if awaited:

        async def read() -> list[str]:
            one = async_client(Exchange(shelf), budget=Plenty())
            return [row async for row in one.iterate(operation, arguments, charge)]

        rows = asyncio.run(read())
    else:
        rows = list(patient(shelf).iterate(operation, arguments, charge))

    assert sorted(rows) == sorted(f"0.{row['id'] + 1}" for row in shelf.rows)
    asked = [(int(one["startTime"]), int(one["endTime"])) for one in shelf.asked]
    assert any(ends == seam for _, ends in asked), "the window was split where the rows are"


def test_the_total_of_a_window_is_that_of_its_own_rows():
    """Pages shorter than asked are followed until the window's total is reached, in each window anew."""
    days = [95, 94, 93, 92, 91, 60, 59, 58, 57, 56]
    shelf = RepayShelf([NOW_MS - number * DAY for number in days], cap=2)

    rows = patient(shelf).records.iter_repayments(
        asset="BNB", size=5, start_time=NOW_MS - 100 * DAY, end_time=NOW_MS
    )

    assert sorted((NOW_MS - row.timestamp) // DAY for row in rows) == sorted(days)


def test_a_list_without_pages_is_cut_where_its_end_is_now():
    """An open end is only that of the last part: an earlier one that had none would be as full as the whole."""
    shelf = InterestShelf([NOW_MS - number * DAY for number in range(1, 29)])
    start = NOW_MS - 29 * DAY

    rows = patient(shelf).iterate(without_pages(4), {"startTime": start}, charge)

    assert sorted(rows) == sorted(f"0.{number}" for number in range(1, 29))
    assert [asked for asked in shelf.asked if "endTime" not in asked], "now is not sent"


def test_a_row_on_a_border_is_one_row_beside_the_archive_too():
    """Near the archive's border a window is read twice; its last row comes once more behind both readings."""
    border = NOW_MS - 200 * DAY + LONGEST
    shelf = RepayShelf([border - 1, border, border + 1], archive=True)

    rows = list(patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - 200 * DAY))

    assert sorted(row.timestamp for row in rows) == [border - 1, border, border + 1]
    assert [asked.get("archived") for asked in shelf.asked[:4]] == ["true", None, "true", None]


def test_rows_come_window_by_window_oldest_first_newest_first_within():
    """As the generated method's docstring promises."""
    shelf = RepayShelf([NOW_MS - days * DAY for days in (95, 80, 50, 45, 9, 5)])

    rows = patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - 100 * DAY, end_time=NOW_MS)

    assert [(NOW_MS - row.timestamp) // DAY for row in rows] == [80, 95, 45, 50, 5, 9]
    windows = [(int(asked["startTime"]), int(asked["endTime"])) for asked in shelf.asked]
    assert windows[0][0] == NOW_MS - 100 * DAY
    assert windows[-1][1] == NOW_MS
    assert all(end == start + 1 for (_, end), (start, _) in pairwise(windows))


def test_pages_are_as_large_as_the_document_allows_unless_told_otherwise():
    """100 rows a page instead of the default 10: a tenth of the weight."""
    shelf = RepayShelf([NOW_MS - 1])

    list(patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - DAY))

    assert shelf.asked[0]["size"] == "100"
    assert shelf.asked[0]["current"] == "1"
    assert "endTime" not in shelf.asked[0]  # now, by the exchange's own clock


def test_a_transaction_id_wins_over_times_and_is_asked_for_as_it_is():
    """No windows: the id finds the row wherever it is."""
    asked: list[dict[str, str]] = []

    def one(request: httpx.Request) -> httpx.Response:
        asked.append(dict(parse_qsl(request.url.query.decode())))
        return httpx.Response(200, json={"rows": [], "total": 0})

    rows = list(
        client(Exchange(one)).records.iter_repayments(asset="BNB", tx_id=7, start_time=NOW_MS - 300 * DAY)
    )

    assert rows == []
    assert len(asked) == 1
    assert asked[0]["txId"] == "7"


def test_old_rows_are_looked_for_in_the_archive():
    """Older than six months means another shelf; near the border both are read, further away only one."""
    days = [400, 300, 190, 184, 183, 182, 181, 170, 100, 1]
    shelf = RepayShelf([NOW_MS - number * DAY for number in days], archive=True)

    rows = list(patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - 401 * DAY))

    assert sorted((NOW_MS - row.timestamp) // DAY for row in rows) == sorted(days)
    flags = [asked.get("archived") for asked in shelf.asked]
    assert flags[0] == "true"
    assert flags[-1] is None


def test_the_archive_is_left_alone_when_the_caller_says_which():
    """An explicit flag is sent as it is."""
    shelf = RepayShelf([])

    list(patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - 300 * DAY, archived=False))

    assert {asked["archived"] for asked in shelf.asked} == {"false"}


def test_a_list_that_repeats_itself_is_not_read_for_ever():
    """An exchange that ignores the page number would send page one again and again."""

    def stuck(request: httpx.Request) -> httpx.Response:
        row = {
            "txId": 1,
            "asset": "BNB",
            "amount": "1",
            "interest": "0",
            "principal": "1",
            "timestamp": NOW_MS,
        }
        return httpx.Response(200, json={"rows": [{**row, "status": "CONFIRMED"}] * 2, "total": 1000})

    exchange = Exchange(stuck)

    with pytest.raises(ReadFailed, match="without a new row"):
        list(client(exchange).records.iter_repayments(asset="BNB", start_time=NOW_MS - DAY, size=2))

    assert len(exchange.requests) == 21


def test_too_many_rows_in_one_millisecond_are_said_and_not_dropped():
    """Without pages and without ids there is nothing left to cut by."""
    shelf = InterestShelf([NOW_MS - 5] * 3)
    rows = patient(shelf).iterate(without_pages(2), {"startTime": NOW_MS - DAY, "endTime": NOW_MS}, charge)

    with pytest.raises(ReadFailed, match="share one moment"):
        list(rows)


def test_like_rows_of_one_answer_are_two_rows():
    """Two charges of the same amount in the same millisecond: alike, but both there."""
    row = {
        "asset": "USDT",
        "interest": "1",
        "interestAccuredTime": NOW_MS - 5,
        "interestRate": "0.1",
        "principal": "1",
    }
    exchange = Exchange(httpx.Response(200, json=[row, row]))

    assert (
        len(list(client(exchange).futures_debt.iter_interest(start_time=NOW_MS - DAY, end_time=NOW_MS))) == 2
    )


def test_all_that_is_kept_of_the_capital_flow_is_read_without_a_start():
    """About 90 days are kept; windows of 7 days, which the host demands."""
    asked: list[dict[str, str]] = []

    def flow(request: httpx.Request) -> httpx.Response:
        asked.append(dict(parse_qsl(request.url.query.decode())))
        return httpx.Response(200, json=[])

    list(client(Exchange(flow), budget=Plenty()).records.iter_capital_flow())

    starts = [int(one["startTime"]) for one in asked]
    assert starts[0] == NOW_MS - 90 * DAY
    assert all(later - earlier == 7 * DAY - 1 for earlier, later in pairwise(starts))
    assert "endTime" not in asked[-1]
    assert NOW_MS - starts[-1] <= 7 * DAY


def test_without_times_a_list_with_pages_is_the_exchanges_default():
    """The last 7 days, as the page says: nothing is made up here."""
    asked: list[dict[str, str]] = []

    def interest(request: httpx.Request) -> httpx.Response:
        asked.append(dict(parse_qsl(request.url.query.decode())))
        return httpx.Response(200, json={"rows": [], "total": 0})

    list(client(Exchange(interest)).records.iter_margin_interest())

    assert "startTime" not in asked[0]
    assert "endTime" not in asked[0]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"asset": "bnb"}, InvalidRequest),
        ({"asset": "BNB", "size": 101}, InvalidRequest),
        ({"asset": "BNB", "start_time": 5}, InvalidRequest),
        ({"asset": "BNB", "start_time": None}, InvalidRequestType),
        ({"asset": "BNB", "start_time": NOW_MS, "end_time": NOW_MS - 1}, InvalidRequest),
    ],
)
def test_wrong_arguments_are_refused_when_the_iterator_is_made(arguments, kind):
    """Not at its first row, which may be asked for much later, or never."""
    exchange = Exchange(httpx.Response(200, json={"rows": [], "total": 0}))

    with pytest.raises(kind):
        client(exchange).records.iter_repayments(**arguments)

    assert exchange.requests == []


@pytest.mark.parametrize("body", [[], {"rows": {}}, {"total": 1}, {"rows": [{"txId": 1}]}, {"rows": [5]}])
def test_an_answer_of_another_shape_ends_as_read_failed(body):
    """A list that cannot be read is never taken for an empty one."""
    with pytest.raises(ReadFailed, match="cannot be read"):
        list(client(Exchange(httpx.Response(200, json=body))).records.iter_repayments(asset="BNB", tx_id=1))


def test_a_span_that_begins_in_the_future_is_asked_for_once():
    """The exchange may know better what time it is."""
    shelf = RepayShelf([])

    assert list(patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS + DAY)) == []
    assert len(shelf.asked) == 1


def test_the_async_client_reads_the_same_rows():
    """One pager for both."""
    times = [NOW_MS - number * DAY for number in range(70)]
    shelf, other = RepayShelf(times), RepayShelf(times)

    async def scenario() -> list[int]:
        async with async_client(Exchange(other), budget=Plenty()) as pm:
            rows = pm.records.iter_repayments(asset="BNB", start_time=NOW_MS - 80 * DAY, size=7)
            return [row.tx_id async for row in rows]

    blocking = patient(shelf).records.iter_repayments(asset="BNB", start_time=NOW_MS - 80 * DAY, size=7)

    assert asyncio.run(scenario()) == [row.tx_id for row in blocking]
    assert len(shelf.asked) == len(other.asked)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in ALL_OPERATIONS.values() if operation.pagination],
    ids=lambda op: op.id,
)
def test_every_list_of_the_document_can_be_read(operation):
    """A new list of the document brings no shape that the pager does not know."""
    arguments: dict[str, object] = {}
    for parameter in operation.parameters:
        if parameter.required:
            arguments[parameter.name] = {"string": "BNB", "integer": NOW_MS - DAY}[parameter.kind]
    if operation.pagination.window and operation.pagination.window.end in arguments:
        arguments[operation.pagination.window.end] = NOW_MS

    pager = Pager(operation, arguments, lambda row: row, now_ms=Time().now_ms)
    empty: object = [] if operation.pagination.rows is None else {operation.pagination.rows: []}

    for _ in range(40):
        if pager.next_request() is None:
            break
        assert pager.take(empty) == []
    assert pager.next_request() is None


def test_a_call_without_pagination_is_no_list():
    """A mistake in a hand-made call."""
    operation = replace(REPAY_RECORDS, pagination=None)

    with pytest.raises(InvalidRequest, match="no list"):
        Pager(operation, {}, lambda row: row, now_ms=Time().now_ms)


def test_the_facts_that_this_relies_on_are_those_of_the_pages():
    """30 days, 100 rows, newest first; 7 days for the capital flow."""
    for operation in (REPAY_RECORDS, MARGIN_INTEREST_HISTORY, NEGATIVE_BALANCE_INTEREST_HISTORY):
        facts = operation.pagination
        assert facts is not None
        assert facts.window is not None
        assert (facts.window.max_ms, facts.max_size, facts.order) == (LONGEST, 100, "newest-first")
    assert CAPITAL_FLOW.pagination is not None
    assert CAPITAL_FLOW.pagination.window is not None
    assert CAPITAL_FLOW.pagination.window.max_ms == 7 * DAY
