"""The exchange of strangers honours the whole table, its books balance, and its count finds what is wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import httpx
import pytest

from paydown.errors import RequestNotSent
from paydown.repay import AttemptState
from tests.strangers.__main__ import main
from tests.strangers.books import ZERO, Holding
from tests.strangers.choices import Chosen, assumed_away, table
from tests.strangers.draw import HARMLESS, SPICES, WORLDS, draw, values_of
from tests.strangers.exchange import Exchange
from tests.strangers.play import Played, Told, count, judge, play
from tests.strangers.session import Session
from tests.strangers.tally import TITLES, Tally, violations
from tests.strangers.tally import table as laid_out
from tests.strangers.timeline import timeline

# Some choices show only beside a value of another one.
NEEDS: dict[str, dict[str, str]] = {
    "row-pending-ms": {"row-first-status": "PENDING"},
    "interest-moment": {"interest-charged": "hourly"},
    "refusal-executed": {"refusal": "429"},
    "retry-after": {"refusal": "429"},
    "pending-means": {"answer-comes": "before-execution", "execution-delay": "5000..60000"},
    "answer-comes": {"execution-delay": "0..5000"},
}
NEEDS_OF_VALUE: dict[tuple[str, str], dict[str, str]] = {
    ("refusal-executed", "unavailable"): {"refusal": "503-unavailable"},
    ("refusal-executed", "coded"): {"refusal": "400-code"},
    ("refusal-executed", "html"): {"refusal": "403-html"},
    ("row-amount", "asked"): {"execution-amount": "a-part"},
    ("balance-replicas", "alternating"): {"balance-age": "5000"},
}


def _written(name: str, value: str) -> list[str]:
    """Return what the session writes under a value of a choice."""
    needs = {**NEEDS.get(name, {}), **NEEDS_OF_VALUE.get((name, value), {})}
    return Session({**needs, name: value}).play()


def _ordinary(name: str, value: str) -> list[str]:
    """Return what it writes under the ordinary value, other choices alike."""
    needs = {**NEEDS.get(name, {}), **NEEDS_OF_VALUE.get((name, value), {})}
    return Session(needs).play()


@pytest.mark.parametrize("name", list(table()))
def test_each_value_of_a_choice_is_seen_by_a_client(name: str) -> None:
    """No two values of a choice give a client the same answers, balances and rows in a session that is the same."""
    choice = table()[name]
    written = {value: _written(name, value) for value in choice.values}
    for value in choice.values[1:]:
        assert written[value] != _ordinary(name, value), f"{name} = {value} changes nothing"
    texts = ["\n".join(lines) for lines in written.values()]
    assert len(set(texts)) == len(texts), f"two values of {name} do the same"


def test_the_session_asks_for_every_choice() -> None:
    """Every choice of the table is asked for by name while an exchange works."""
    asked: set[str] = set()
    late = {"execution-delay": "5000..60000", "answer-comes": "before-execution"}
    for values in ({}, {"row-first-status": "PENDING", "refusal": "429"}, late):
        session = Session(values)
        session.play()
        asked |= session.exchange.chosen.asked
    assert asked == set(table())


def test_another_value_of_one_choice_changes_no_draw_of_another() -> None:
    """Two exchanges that differ in one choice draw the same for every other choice."""
    one = Chosen({"row-clock-offset": "-2000..2000", "balance-age": "0..5000"}, 7)
    other = Chosen({"row-clock-offset": "-2000..2000", "balance-age": "5000"}, 7)
    drawn: list[list[int]] = []
    for chosen in (one, other):
        numbers: list[int] = []
        for _ in range(20):
            chosen.number("balance-age")
            numbers.append(chosen.number("row-clock-offset"))
        drawn.append(numbers)
    assert drawn[0] == drawn[1]
    assert all(-2_000 < number < 2_000 for number in drawn[0])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"row-color": "red"}, "row-color"),
        ({"row-asset": "red"}, "row-asset"),
        ({"row-asset": ()}, "row-asset"),
    ],
)
def test_a_choice_or_value_that_the_table_lacks_is_refused(values: dict[str, str], named: str) -> None:
    """An exchange is not opened with a choice or value that the table lacks, and the error names what it has."""
    with pytest.raises(ValueError, match=named):
        Exchange(values)


def test_every_value_is_drawn() -> None:
    """In a thousand draws from fixed seeds each value of each choice comes up; few worlds draw what is assumed away."""
    drawn: dict[str, set[str]] = {name: set() for name in table()}
    for world in WORLDS:
        for seed in range(400 if world == "beyond" else 60):
            values = values_of(world, Random(f"{world}/{seed}"))
            if world not in ("lies", "beyond"):
                assert not assumed_away(values), world
            for name, choice in table().items():
                value = values.get(name, choice.default)
                drawn[name].update((value,) if isinstance(value, str) else value)
    missing = {name: set(choice.values) - drawn[name] for name, choice in table().items()}
    assert not {name: values for name, values in missing.items() if values}


def test_every_value_that_a_world_names_is_in_the_table() -> None:
    """What the worlds are made of exists in the table, and what is harmless is never assumed away."""
    for values in (HARMLESS, *SPICES.values()):
        for name, some in values.items():
            assert set(some) <= set(table()[name].values), name
    assert not assumed_away(HARMLESS)
    assert set(SPICES) == set(WORLDS) - {"anything", "beyond"}


def test_a_drawn_history_is_the_same_whenever_it_is_drawn_and_played() -> None:
    """One seed gives one history, and playing it twice gives the same truth, the same reports and the same count."""
    assert draw("anything", 12) == draw("anything", 12)
    assert draw("anything", 12) != draw("anything", 13)
    first, second = (play(draw("anything", 12)) for _ in range(2))
    assert first.exchange.requests == second.exchange.requests
    assert [one.executed for one in first.exchange.arrivals] == [
        one.executed for one in second.exchange.arrivals
    ]
    assert [one.at for one in first.told] == [one.at for one in second.told]
    assert judge(first) == judge(second)


@pytest.mark.parametrize("world", list(WORLDS))
def test_the_books_balance(world: str) -> None:
    """What is held is the opening and every entry; a repayment's truth is what its entries took from the debt."""
    for seed in range(6):
        exchange = play(draw(world, seed)).exchange
        books = exchange.books
        for asset in books.assets:
            held = books.opening.get(asset, Holding())
            for entry in books.entries:
                if entry.asset == asset:
                    held += entry.change
            assert held == books[asset]
            assert min(held.borrowed, held.interest, held.free) >= 0
        for arrival in exchange.arrivals:
            name = f"repay-debt {arrival.number}"
            fell = sum((-entry.change.owed for entry in books.entries if entry.why == name), ZERO)
            assert fell == arrival.moved
        assert all(one.at <= other.at for one, other in pairwise(books.entries))


def test_payers_pay_what_the_debt_is_worth() -> None:
    """At index prices and without a fee the payers lose exactly what the debt falls by."""
    session = Session({"interest-charged": "never"})
    session.play()
    prices = {"BNB": 600, "USDT": 1, "BTC": 60_000, "ETH": 3_000}
    assert len([one for one in session.exchange.arrivals if one.moved]) > 5
    for arrival in session.exchange.arrivals:
        name = f"repay-debt {arrival.number}"
        entries = [entry for entry in session.exchange.books.entries if entry.why == name]
        paid = sum((-entry.change.free * prices[entry.asset] for entry in entries), ZERO)
        assert abs(paid - arrival.moved * prices[arrival.asset]) < Decimal("0.001")


def test_requests_that_break_the_protocol_are_refused() -> None:
    """A wrong signature, another key, an old or early timestamp and an unknown path are refused; nothing arrives."""
    session = Session({})
    exchange = session.exchange
    path = "/papi/v1/margin/repay-debt"

    def code(request: httpx.Request) -> tuple[int, int]:
        response = exchange.handle_request(request)
        exchange.sleep(61)
        return response.status_code, response.json()["code"]

    wrong = session.request("POST", path, signed_at=exchange.now, asset="BNB")
    assert code(httpx.Request("POST", wrong.url, headers=wrong.headers, content=wrong.read() + b"0")) == (
        400,
        -1022,
    )
    other = {**wrong.headers, "x-mbx-apikey": "another"}
    assert code(httpx.Request("POST", wrong.url, headers=other, content=wrong.read())) == (401, -2015)
    assert code(session.request("POST", path, signed_at=exchange.now - 5_100, asset="BNB")) == (400, -1021)
    assert code(session.request("POST", path, signed_at=exchange.now + 1_100, asset="BNB")) == (400, -1021)
    assert code(session.request("POST", path, signed_at=exchange.now, asset="BNB", amount="-1")) == (
        400,
        -4055,
    )
    unknown = exchange.handle_request(session.request("GET", "/papi/v1/exchangeInfo", signed_at=None))
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/html")
    assert [one.moved for one in exchange.arrivals] == [ZERO]


def test_weight_beyond_the_limit_earns_429_and_then_a_ban() -> None:
    """The third repay-debt within a minute is refused with 429; whoever goes on is banned with 418 for two minutes."""
    session = Session({})
    told: list[int] = []
    for _ in range(16):
        response = session.send("POST", "/papi/v1/margin/repay-debt", asset="BNB", amount="0.1")
        assert response is not None
        told.append(response.status_code)
    assert told[:3] == [200, 200, 429]
    assert told[-1] == 418
    session.exchange.sleep(121)
    answered = session.send("POST", "/papi/v1/margin/repay-debt", asset="BNB", amount="0.1")
    assert answered is not None
    assert answered.status_code == 200


# ---------------------------------------------------------------- the count


@pytest.fixture(scope="module")
def lost_and_judged() -> Played:
    """Return a strict history with one plan for an amount, one attempt that was judged executed, and nobody else."""
    for seed in range(500):
        history = draw("strict", seed)
        if len(history.wishes) == 1 and history.wishes[0].amount is not None:
            played = play(history)
            if [one.state for one in played.attempts] == [AttemptState.PROVEN_EXECUTED]:
                return played
    raise AssertionError("no such history among five hundred")


def _said(played: Played, state: AttemptState, repaid: Decimal | None = None) -> Played:
    """Return the history as if the client had said something else of its attempt."""
    attempt = replace(played.attempts[0], state=state, repaid=repaid)
    return replace(played, attempts=[attempt])


def _as_if_not_executed(played: Played) -> Played:
    """Return the history as if the exchange had not executed the repayment, with books of their own."""
    arrival = replace(played.exchange.arrivals[0], executed=[])
    exchange = Exchange({}, opening=played.history.opening, start_ms=played.history.start_ms)
    exchange.repayments.arrivals.append(arrival)
    return replace(played, exchange=exchange)


def test_a_right_client_has_no_violations(lost_and_judged: Played) -> None:
    """A history in which every conclusion is true counts one judged attempt and nothing that must not be."""
    tally = judge(lost_and_judged)
    assert tally["judged"] == tally["judged-alone"] == 1
    assert violations(tally, "strict") == []


def test_saying_not_executed_of_what_was_executed_is_found(lost_and_judged: Played) -> None:
    """A verdict of not executed is counted when the exchange executed; one by an answer is counted apart as well."""
    proven = judge(_said(lost_and_judged, AttemptState.PROVEN_NOT_EXECUTED, ZERO))
    rejected = judge(_said(lost_and_judged, AttemptState.REJECTED))
    assert (proven["said-not-but-was"], proven["said-not-by-answer"]) == (1, 0)
    assert (rejected["said-not-but-was"], rejected["said-not-by-answer"]) == (1, 1)
    assert len(violations(proven, "strict")) == 1


def test_saying_executed_of_what_was_not_is_found_and_laid_to_others_if_they_did_it(
    lost_and_judged: Played,
) -> None:
    """It counts as explained if somebody else lowered the debt by about as much between the two readings."""
    played = _as_if_not_executed(lost_and_judged)
    assert judge(played)["said-executed-unexplained"] == 1
    amount = -played.attempts[0].intent.expected * Decimal("1.01")
    played.exchange.clock.now = played.attempts[0].opened_at_ms
    played.exchange.books.move("other-repay", {played.attempts[0].intent.asset: Holding(borrowed=amount)})
    tally = judge(played)
    assert (tally["said-executed-explained"], tally["said-executed-unexplained"]) == (1, 0)
    assert tally["judged-near"] == 1


def test_an_amount_that_is_not_what_was_repaid_is_found(lost_and_judged: Played) -> None:
    """An attempt that was executed, recorded with another amount, counts as a wrong amount."""
    said = lost_and_judged.attempts[0].repaid
    assert said is not None
    assert judge(_said(lost_and_judged, AttemptState.PROVEN_EXECUTED, said * 2))["wrong-amount"] == 1


def test_a_plan_that_is_paid_twice_is_found(lost_and_judged: Played) -> None:
    """Twice the amount of a plan executed counts as overpaid by one piece."""
    first = lost_and_judged.exchange.arrivals[0]
    lost_and_judged.exchange.arrivals.append(replace(first, number=99, executed=list(first.executed)))
    try:
        tally = judge(lost_and_judged)
    finally:
        lost_and_judged.exchange.arrivals.pop()
    assert tally["overpaid"] == 1
    assert tally.most_pieces == 1


def test_a_plan_that_is_done_too_early_is_found(lost_and_judged: Played) -> None:
    """DONE while the exchange executed nothing of the plan counts as done too early."""
    assert judge(lost_and_judged)["done"] == 1
    assert judge(_as_if_not_executed(lost_and_judged))["done-too-early"] == 1


def test_nothing_sent_although_something_was_executed_is_found(lost_and_judged: Played) -> None:
    """An error with exit code 3 of a command during which the exchange executed something is counted."""
    told = Told(0, 1 << 60, "run first", error=RequestNotSent("nothing left this machine"))
    assert judge(replace(lost_and_judged, told=[told]))["nothing-sent-but-moved"] == 1


def test_a_crash_and_a_repayment_without_intent_are_found(lost_and_judged: Played) -> None:
    """An error that is no PaydownError, and an arrival that no attempt of the journal stands for, are counted."""
    crash = Told(0, 1, "run first", error=KeyError("x"))
    assert judge(replace(lost_and_judged, told=[crash]))["crashes"] == 1
    exchange = Exchange({}, opening=lost_and_judged.history.opening)
    exchange.repayments.arrivals.append(replace(lost_and_judged.exchange.arrivals[0], attempt=""))
    assert judge(replace(lost_and_judged, exchange=exchange))["without-intent"] == 1


def test_an_attempt_left_undecided_is_found_where_the_evidence_decides(lost_and_judged: Played) -> None:
    """An undecided attempt with nobody near is a violation in a strict world, and only a number elsewhere."""
    tally = judge(_said(lost_and_judged, AttemptState.UNKNOWN))
    assert tally["undecided-alone"] == 1
    assert len(violations(tally, "strict")) == 1
    assert violations(tally, "borrowings") == []


def test_a_value_can_be_chosen_for_every_history(capsys: pytest.CaptureFixture[str]) -> None:
    """A value given on the command line wins over the one drawn; one that the table lacks is refused."""
    assert main(["--world", "strict", "--only", "3", "--choose", "row-ids=scattered"]) == 0
    assert '"row-ids": ["scattered"]' in capsys.readouterr().out
    with pytest.raises(ValueError, match="row-ids has no value"):
        main(["--world", "strict", "--only", "3", "--choose", "row-ids=blue"])


def test_nothing_is_demanded_where_a_choice_is_assumed_away() -> None:
    """Counts under choices that the table assumes away are kept apart, and break no rule."""
    tally = Tally()
    tally.blame("overpaid", 3)
    assert len(violations(tally, "anything")) == 1
    assert violations(tally, "lies *") == []


@pytest.mark.parametrize("world", list(WORLDS))
def test_a_few_histories_of_each_world_are_counted(world: str) -> None:
    """Histories are played to their end and counted; each repayment that arrives has an attempt, nothing crashes."""
    total = Tally()
    for name, tally in count(world, range(8)).items():
        assert name in (world, f"{world} *")
        total.merge(tally)
    assert total["histories"] == 8
    assert total["judged"] == total["judged-near"] + total["judged-alone"] > 0
    assert total["requests"] > 80
    assert total["without-intent"] == total["crashes"] == 0


def test_the_count_finds_a_client_that_takes_every_lost_answer_for_a_no() -> None:
    """With a client that calls whatever it judged not executed, the strict world shows attempts that were executed."""

    def always_no(played: Played) -> None:
        played.attempts = [
            replace(one, state=AttemptState.PROVEN_NOT_EXECUTED)
            if one.state is AttemptState.PROVEN_EXECUTED
            else one
            for one in played.attempts
        ]

    tally = count("strict", range(20), faults=always_no)["strict"]
    assert tally["said-not-but-was"] > 3
    assert tally.found["said-not-but-was"]
    assert violations(tally, "strict")


def test_the_table_and_a_timeline_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints one line for each world with a cell for each title, and one history as a timeline."""
    tallies = {"strict": Tally(), "lies *": Tally()}
    lines = laid_out(tallies.items()).splitlines()
    assert sum(line.startswith(("strict", "lies *")) for line in lines) == 2
    assert main(["--world", "strict", "--only", "3"]) == 0
    assert "ARRIVES   repay-debt 1" in capsys.readouterr().out
    assert len(TITLES) == len(set(TITLES))
    text = timeline(play(draw("late", 4), loud=True))
    assert "TRUE:" in text
    assert "process 1 starts" in text
