"""What a person at the command line is asked, told and advised while something is unfinished or in doubt.

The commands run as they are; only the exchange is in this process, and both its clock and every wait are moved by hand.
"""

from __future__ import annotations

import io
import math
import os
import signal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from paydown.repay.execution.stopping import StopSwitch
from tests.cli.conftest import Ran
from tests.repay.evidence.test_doubts import Wire, late, says
from tests.repay.world import API_KEY, BASE_URL, SECRET, World

Paydown = Callable[..., Ran]

OUTCOMES = {
    0: "executed",
    3: "not sent",
    4: "rejected",
    5: "unknown",
    6: "read failed",
    7: "partly executed",
    8: "nothing owed",
    9: "stopped, partly executed",
}
TEN = ("repay", "BNB", "--amount", "10", "--using", "USDT", "--yes")
LINES, COLUMNS = 24, 100  # one screen


class Terminal(io.StringIO):
    """Somebody at a keyboard, with these words on their tongue."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def world(tmp_path, monkeypatch):
    """An account that owes 100 BNB, and the command line's way to its exchange."""
    world = World(tmp_path, rate="0")
    world.give("BNB", borrowed="100")
    world.give("USDT", free="5000000")
    wire = Wire(world)
    world.hands = wire.hands

    def sleep(switch: StopSwitch, seconds: float) -> None:
        if not switch.asked:
            world.sleep(seconds)

    def client(credentials: object, **settings: Any) -> object:
        del credentials  # those of the environment, which are the world's
        settings.pop("base_url")
        return world.client(transport=wire, **settings)

    monkeypatch.setattr("paydown.client.Client", client)
    monkeypatch.setattr(StopSwitch, "sleep", sleep)
    monkeypatch.setattr("time.sleep", world.sleep)
    monkeypatch.setenv("PAYDOWN_BASE_URL", BASE_URL)
    monkeypatch.setenv("PAYDOWN_API_KEY", API_KEY)
    monkeypatch.setenv("PAYDOWN_API_SECRET", SECRET)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return world


def stop_after_the_first_piece(world: World) -> None:
    """Press Ctrl-C while the first repayment's answer is on its way."""

    def hand(request, go):
        answer = go()
        if len(world.repaid) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return answer

    world.hands["repay-debt"] = hand


def leave_in_doubt(world: World, paydown: Paydown, *words: str) -> str:
    """Lose the answer of the last piece; the id of the attempt."""
    world.fault("not_executed_503_unknown")
    assert paydown(*TEN, "--key", "first", *words).code == 5
    return str(attempts_of(paydown)[-1]["id"])


def undecidable(world: World, paydown: Paydown) -> str:
    """Lose an answer and let the debt fall by half of what was asked: nobody can say what happened."""
    attempt = leave_in_doubt(world, paydown)
    late(world, of="5")
    return attempt


def attempts_of(paydown: Paydown) -> list[Any]:
    plans = paydown("history", "--json").json["plans"]
    return [attempt for plan in reversed(plans) for attempt in plan["attempts"]]


def said(ran: Ran) -> dict[str, Any]:
    """Where a JSON document tells exit code and outcome."""
    document = ran.json
    return document if "exit_code" in document else document["error"]


# Resume


def unfinished(world: World, paydown: Paydown) -> None:
    """A plan of two pieces that was stopped after the first one."""
    stop_after_the_first_piece(world)
    ran = paydown("repay", "BNB", "--using", "USDT", "--yes", "--key", "close")
    assert (ran.code, len(world.repaid)) == (9, 1)


def test_resume_shows_what_it_would_go_on_with_and_asks(world, paydown, monkeypatch):
    """The plan, what it has repaid, the exchange and the account; answered with anything but yes nothing is sent."""
    unfinished(world, paydown)
    for answer in ("n\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        ran = paydown("resume")
        assert (ran.code, len(world.repaid)) == (3, 1)
    assert "close" in ran.out
    assert "the whole debt" in ran.out
    assert "repaid 49.99999999" in ran.out
    question = next(line for line in ran.err.splitlines() if "[y/N]" in line)
    assert BASE_URL in question
    assert "default account" in question

    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert (paydown("resume").code, world.debt("BNB")) == (0, 0)


def test_the_question_names_the_account_that_was_named(world, paydown, monkeypatch):
    """With --account, resume and repay ask for that name."""
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    asked = paydown("repay", "BNB", "--using", "USDT", "--account", "desk-a")
    assert asked.code == 3
    assert "desk-a" in asked.err
    assert BASE_URL in asked.err
    stop_after_the_first_piece(world)
    assert paydown("repay", "BNB", "--using", "USDT", "--account", "desk-a", "--key", "b", "--yes").code == 9
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    ran = paydown("resume", "--account", "desk-a")

    assert ran.code == 3
    assert "desk-a" in ran.err
    assert len(world.repaid) == 1


@pytest.mark.parametrize("plan", [(), ("close",)])
def test_a_dry_run_of_resume_sends_nothing(world, paydown, plan):
    """Even with --yes; it shows the plan, to a person and to a machine."""
    unfinished(world, paydown)
    arrived = len(world.exchange.requests)
    ran, told = (
        paydown("resume", *plan, "--dry-run", "--yes"),
        paydown("resume", *plan, "--dry-run", "--json"),
    )

    assert (ran.code, told.code, told.json["outcome"]) == (0, 0, "dry run")
    assert "close" in ran.out
    assert [one["key"] for one in told.json["plans"]] == ["close"]
    assert not [one for one in list(world.exchange.requests)[arrived:] if one.method == "POST"]


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_resume_without_a_terminal_and_without_yes_sends_nothing(world, paydown, json):
    """Nobody can be asked: exit code 3, and what to add."""
    unfinished(world, paydown)
    ran = paydown("resume", *json)

    assert (ran.code, len(world.repaid)) == (3, 1)
    assert "--yes" in ran.out + ran.err
    if json:
        assert (said(ran)["exit_code"], said(ran)["outcome"]) == (3, "not sent")


def test_resume_of_a_finished_plan_asks_nothing_and_sends_nothing(world, paydown):
    """Its report is shown again."""
    assert paydown(*TEN, "--key", "close").code == 0
    ran = paydown("resume", "close", "--yes", "--json")

    assert (ran.code, said(ran)["outcome"], world.repaid) == (0, "executed", [10])


# In doubt


def test_beside_a_doubt_nothing_advises_a_new_plan(world, paydown):
    """Whatever is typed while an attempt is in doubt: no text says --new, which would repay on top of it."""
    attempt = undecidable(world, paydown)
    commands = [
        ("repay", "BNB", "--amount", "10", "--using", "USDT", "--yes"),
        ("repay", "BNB", "--amount", "10", "--using", "USDT", "--yes", "--json"),
        ("repay", "BNB", "--using", "USDT", "--dry-run"),
        (*TEN, "--key", "first"),
        (*TEN, "--key", "second"),
        ("plan", "BNB", "--amount", "10", "--using", "USDT"),
        ("resume", "--dry-run"),
        ("resume",),
        ("resume", "--yes"),
        ("reconcile",),
        ("reconcile", attempt),
        ("correct", attempt, "--executed", "--note", "seen"),
        ("history",),
        ("debts",),
    ]
    for words in commands:
        ran = paydown(*words)
        assert "--new" not in (ran.out + ran.err).replace("--new-account", ""), words
    assert world.sent == 1


def screen_lines(ran: Ran) -> int:
    """How many lines of a terminal it fills."""
    shown = (ran.out + ran.err).splitlines()
    return sum(max(1, math.ceil(len(line) / COLUMNS)) for line in shown)


def test_what_a_person_reads_of_a_doubt_is_one_screen(world, paydown):
    """What was asked, both figures of the debt, and the commands that go on, in 24 lines of 100 columns."""
    attempt = undecidable(world, paydown)
    ran = paydown("reconcile")

    assert ran.code == 5
    assert screen_lines(ran) <= LINES
    assert "10 of BNB" in ran.out
    assert "before: 100" in ran.out
    assert "now: 95" in ran.out
    assert "it fell by 5" in ran.out
    assert f"paydown reconcile {attempt} --executed --note" in ran.out
    assert f"paydown reconcile {attempt} --not-executed --note" in ran.out
    assert f"paydown reconcile {attempt} --wait" in ran.out


@pytest.mark.parametrize("amounts", [("2", "3"), ("0.4",) * 12], ids=["two rows", "a dozen rows"])
def test_the_screen_shows_rows_that_may_be_ours(world, paydown, amounts):
    """Repayments of other amounts near the attempt are shown, and the screen stays one."""
    world.give("BNB", free="50")
    stranger = world.stranger()

    def hand(request, go):
        for amount in amounts:
            stranger.margin.repay_loan(asset="BNB", amount=amount)
        return httpx.Response(503, json={"code": -1000, "msg": "Unknown error"}, request=request)

    world.hands["repay-debt"] = hand
    assert paydown(*TEN, "--key", "first").code == 5
    ran = paydown("reconcile")

    assert ran.code == 5
    assert screen_lines(ran) <= LINES
    rows = next(line for line in ran.out.splitlines() if "repay-record" in line)
    assert all(amount in rows for amount in amounts)


def test_reconcile_waits_until_the_evidence_decides(world, paydown):
    """Lists that cannot be read leave it undecided; with --wait a later look decides by itself."""
    attempt = leave_in_doubt(world, paydown)
    lists = "/papi/v1/margin/marginLoan"
    world.fault("gateway_502_html_executed", path=lists, times=60)
    assert paydown("reconcile").code == 5
    ran = paydown("reconcile", attempt, "--wait", "--json")

    assert (ran.code, said(ran)["exit_code"], said(ran)["outcome"]) == (0, 0, "settled")
    assert attempts_of(paydown)[-1]["state"] == "PROVEN_NOT_EXECUTED"
    assert world.repaid == []


# Exit codes


def _ten(world, paydown):
    return paydown(*TEN, "--json")


def _refused(world, paydown):
    world.fault("waf_403_html")
    return paydown(*TEN, "--json")


def _never_connected(world, paydown):
    world.fault("connection_refused", times=None)
    return paydown(*TEN, "--json")


def _lost(world, paydown):
    world.fault("executed_then_503")
    return paydown(*TEN, "--json")


def _undecided(world, paydown):
    undecidable(world, paydown)
    return paydown("reconcile", "--json")


def _unread(world, paydown):
    world.fault("gateway_502_html_executed", path="/papi/v1/balance", times=None)
    return paydown(*TEN, "--json")


def _second_refused(world, paydown):
    world.fault("waf_403_html", skip=1)
    return paydown("repay", "BNB", "--using", "USDT", "--yes", "--json")


def _stopped(world, paydown):
    stop_after_the_first_piece(world)
    return paydown("repay", "BNB", "--using", "USDT", "--yes", "--json")


def _nothing_owed(world, paydown):
    return paydown("repay", "ETH", "--using", "USDT", "--yes", "--json")


def _settled(world, paydown):
    leave_in_doubt(world, paydown)
    return paydown("reconcile", "--json")


def _settled_by_a_person(world, paydown):
    attempt = leave_in_doubt(world, paydown)
    return paydown("reconcile", attempt, "--executed", "--note", "seen", "--json")


def _resumed(world, paydown):
    unfinished(world, paydown)
    return paydown("resume", "--yes", "--json")


def _resumed_and_refused(world, paydown):
    unfinished(world, paydown)
    world.hands["repay-debt"] = says(403, b"<html>", executes=False)
    return paydown("resume", "--yes", "--json")


def _resumed_in_doubt(world, paydown):
    undecidable(world, paydown)
    return paydown("resume", "--yes", "--json")


def _nothing_to_resume(world, paydown):
    return paydown("resume", "--json")


def _several(world, paydown):
    """The first plan's second piece is executed, the second plan is refused."""
    stop_after_the_first_piece(world)
    words = ("repay", "BNB", "--amount", "88", "--using", "USDT", "--yes", "--key", "close")
    assert paydown(*words).code == 9
    world.fault("waf_403_html")
    assert paydown(*TEN, "--key", "second").code == 4
    world.fault("waf_403_html", skip=1)
    return paydown("resume", "--yes", "--json")


def _corrected(world, paydown):
    assert paydown(*TEN).code == 0
    world.clock.advance(600_000)
    (attempt,) = attempts_of(paydown)
    words = ("--not-executed", "--note", "not there", "--amount", "10", "--json")
    return paydown("correct", attempt["id"], *words)


def _dry(world, paydown):
    return paydown(*TEN, "--dry-run", "--json")


ENDS = {
    "repay: done": (0, _ten),
    "repay: never connected": (3, _never_connected),
    "repay: refused": (4, _refused),
    "repay: the last answer is lost": (5, _lost),
    "repay: the balance cannot be read": (6, _unread),
    "repay: executed, then refused": (7, _second_refused),
    "repay: nothing owed": (8, _nothing_owed),
    "repay: stopped after the first piece": (9, _stopped),
    "reconcile: settled": (0, _settled),
    "reconcile: settled by a person": (0, _settled_by_a_person),
    "reconcile: undecided": (5, _undecided),
    "resume: done": (0, _resumed),
    "resume: in doubt": (5, _resumed_in_doubt),
    "resume: refused after money has moved": (7, _resumed_and_refused),
    "resume: several, one of them refused": (7, _several),
    "resume: nothing": (0, _nothing_to_resume),
}


@pytest.mark.parametrize(("code", "play"), list(ENDS.values()), ids=list(ENDS))
def test_the_exit_code_and_the_json_say_the_same(world, paydown, code, play):
    """Process, `exit_code` and `outcome` agree, and none says that nothing moved where something did."""
    ran = play(world, paydown)

    assert ran.code == code
    # What a reconciliation ends with says nothing about which way it was settled: the attempt's state does.
    word = "settled" if play in (_settled, _settled_by_a_person) else OUTCOMES[code]
    assert (said(ran)["exit_code"], said(ran)["outcome"]) == (code, word)
    if code in (3, 4, 6, 8):
        assert world.repaid == []


@pytest.mark.parametrize("play", [_dry, _corrected])
def test_what_sends_nothing_has_an_exit_code_and_an_outcome_too(world, paydown, play):
    """A dry run and a correction: 0, and a word for it."""
    ran = play(world, paydown)

    assert (ran.code, ran.json["exit_code"]) == (0, 0)
    assert ran.json["outcome"]
    assert world.sent == (1 if play is _corrected else 0)


# Corrections


def test_a_correction_is_shown_and_resume_repays_the_rest(world, paydown):
    """DONE, corrected to "not executed": nothing is sent by it; the old key shows it, resume repays."""
    assert paydown(*TEN, "--key", "k").code == 0
    (attempt,) = attempts_of(paydown)
    world.give("BNB", borrowed="10")
    world.give("USDT", free="6000")
    world.clock.advance(600_000)
    words = ("correct", attempt["id"], "--not-executed", "--note", "not in the history")
    assert paydown(*words).code == 3
    assert paydown(*words, "--amount", "9").code == 3
    assert paydown(*words, "--amount", "10").code == 0
    again = paydown(*TEN, "--key", "k")
    assert (again.code, world.sent) == (4, 1)  # by now nothing has moved
    assert "CORRECTED" in again.out
    assert "not in the history" in paydown("history").out + paydown("history", "--json").out

    ran = paydown("resume", "k", "--yes", "--json")
    assert (ran.code, world.sent, world.debt("BNB")) == (0, 2, 90)


def test_a_whole_debt_is_not_repaid_again_before_the_word_all_is_typed(world, paydown):
    """The amount is the safeguard: left out, or typed as a figure, it corrects nothing and names the word to type."""
    assert paydown("repay", "BNB", "--using", "USDT", "--yes", "--key", "k").code == 0
    world.clock.advance(600_000)
    attempt = attempts_of(paydown)[-1]
    assert attempt["amount"] is None
    words = ("correct", attempt["id"], "--not-executed", "--note", "not in the history")
    for amount in ((), ("--amount", "50"), ("--amount", "0")):
        ran = paydown(*words, *amount)
        assert ran.code == 3
        assert "all, for a whole debt" in ran.err
    assert attempts_of(paydown)[-1]["correction"] is None

    assert paydown(*words, "--amount", "all").code == 0
    assert attempts_of(paydown)[-1]["correction"]["executed"] is False


def test_not_executed_is_corrected_to_executed_and_nothing_is_sent(world, paydown):
    """A person was wrong: corrected, resume has nothing left to send."""
    world.fault("executed_then_503")
    assert paydown(*TEN, "--key", "k").code == 5
    world.clock.advance(600_000)
    (attempt,) = attempts_of(paydown)
    assert paydown("reconcile", attempt["id"], "--not-executed", "--note", "no row").code == 0
    ran = paydown("correct", attempt["id"], "--executed", "--note", "there is one", "--json")
    assert (ran.code, world.sent) == (0, 1)
    assert paydown("resume", "k", "--yes").code == 0
    assert (world.repaid, world.sent) == ([Decimal(10)], 1)
