"""What a person and a script see: text, JSON and exit codes."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import paydown as paydown_package
from paydown.cli.main import build_parser, main
from tests.cli.conftest import API_SECRET, Exchange, Ran

Paydown = Callable[..., Ran]


def test_debts_shows_principal_interest_and_what_could_pay(exchange: Exchange, paydown: Paydown):
    """`debts` names each debt with principal and interest, and the free balances."""
    ran = paydown("debts")
    assert ran.code == 0
    for text in ("BNB", "1.5", "0.001", "1.501", "USDT", "250000"):
        assert text in ran.out


def test_debts_as_json_keeps_amounts_as_text(exchange: Exchange, paydown: Paydown):
    """A machine gets exact decimal text, never a rounded number."""
    ran = paydown("debts", "--json")
    assert ran.json["debts"] == [
        {"asset": "BNB", "principal": "1.5", "interest": "0.001", "owed": "1.501", "free": "0"}
    ]


def test_plan_sends_nothing(exchange: Exchange, paydown: Paydown):
    """`plan` explains the pieces and the exchange has executed nothing."""
    ran = paydown("plan", "BNB", "--using", "USDT")
    assert ran.code == 0
    assert "clears the whole debt" in ran.out
    assert exchange.repayments() == 0


def test_repay_pays_the_whole_debt_once(exchange: Exchange, paydown: Paydown):
    """`repay --yes` without an amount clears the debt with one repayment and ends with 0."""
    ran = paydown("repay", "BNB", "--using", "USDT", "--yes")
    assert ran.code == 0
    assert "DONE" in ran.out
    assert exchange.repayments() == 1
    assert paydown("debts", "--json").json["debts"] == []


def test_repay_of_an_amount_leaves_the_rest(exchange: Exchange, paydown: Paydown):
    """`--amount` repays just that much: interest first, then principal."""
    ran = paydown("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--yes", "--json")
    assert (ran.code, ran.json["outcome"], ran.json["report"]["repaid"]) == (0, "executed", "0.5")
    assert paydown("debts", "--json").json["debts"][0]["owed"] == "1.001"


def test_repay_asks_and_without_a_person_sends_nothing(
    exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch
):
    """Without `--yes` and without a terminal nothing is sent, and the text says what to add."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = paydown("repay", "BNB", "--using", "USDT")
    assert ran.code == 3
    assert "--yes" in ran.err
    assert exchange.repayments() == 0


def test_dry_run_sends_nothing(exchange: Exchange, paydown: Paydown):
    """`--dry-run` shows the plan even with `--yes`, and the debt stays."""
    ran = paydown("repay", "BNB", "--using", "USDT", "--yes", "--dry-run", "--json")
    assert (ran.code, ran.json["outcome"]) == (0, "dry run")
    assert exchange.repayments() == 0


def test_the_same_key_repays_once(exchange: Exchange, paydown: Paydown):
    """A script that runs twice with one `--key` gets the first report again; nothing is sent."""
    words = ("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--yes", "--json", "--key", "november")
    first, second = paydown(*words), paydown(*words)
    assert (first.code, second.code) == (0, 0)
    assert second.json["report"] == first.json["report"]
    assert exchange.repayments() == 1


def test_a_lost_answer_ends_with_5_and_blocks_until_reconciled(exchange: Exchange, paydown: Paydown):
    """After a lost answer the command ends with 5, names the attempt, and the journal keeps it."""
    exchange.fault("executed_then_503")
    ran = paydown("repay", "BNB", "--using", "USDT", "--yes")
    assert ran.code == 5
    assert "OutcomeUnknown" in ran.err
    assert "paydown reconcile" in ran.err
    plans = paydown("history", "--json").json["plans"]
    assert [attempt["state"] for attempt in plans[0]["attempts"]] == ["UNKNOWN"]
    assert exchange.repayments() == 1


@pytest.mark.parametrize("answer", [(), ("--yes",)])
def test_the_key_of_a_finished_plan_is_told_at_once(
    exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch, answer: tuple[str, ...]
):
    """Nothing is asked and nothing looks like a plan that is about to be sent: it is done, then and with that."""
    words = ("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--key", "november")
    assert paydown(*words, "--yes").code == 0
    done = paydown("repay", *words[1:], "--yes", "--json").json["report"]
    arrived = len(exchange.call("GET", "/_sandbox/requests")["requests"])
    monkeypatch.setattr("sys.stdin", io.StringIO())

    again = paydown(*words, *answer)

    assert (again.code, again.err) == (0, "")
    first, second, third = again.out.splitlines()
    ended = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(done["ended_at_ms"] // 1000))
    assert (
        first
        == f"Plan november is done since {ended}, paid with BNB first, then USDT. Nothing is sent again."
    )
    assert second.startswith("Plan november: DONE. Asked 0.5 of BNB, repaid 0.5")
    assert done["attempts"][0]["id"] in third
    assert len(exchange.call("GET", "/_sandbox/requests")["requests"]) == arrived
    assert "is done since" in paydown("plan", *words[1:]).out


def test_the_key_of_a_finished_plan_in_a_dry_run(exchange: Exchange, paydown: Paydown):
    """A dry run of what is done says so, to a person and to a machine, and stays a dry run."""
    words = ("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--key", "november")
    assert paydown(*words, "--yes").code == 0
    ran, told = paydown(*words, "--dry-run"), paydown(*words, "--dry-run", "--json")
    assert (ran.code, told.code) == (0, 0)
    assert "Plan november is done since" in ran.out
    assert "clears" not in ran.out
    assert (told.json["outcome"], told.json["report"]["state"]) == ("dry run", "DONE")


def test_the_key_of_a_plan_in_doubt_is_not_asked_about(
    exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch
):
    """What was begun and is not done is not sent by the same command: it says which one goes on, and ends as before."""
    attempt = lose_an_answer_of_plan_first(exchange, paydown)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = paydown("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--key", "first")
    assert ran.code == 5
    assert ran.out.startswith("Plan first was begun ")
    assert "and is UNDECIDED. Nothing was sent now; `paydown resume first` goes on." in ran.out
    assert f"paydown reconcile {attempt}" in ran.err
    assert exchange.repayments() == 1


def lose_an_answer_of_plan_first(exchange: Exchange, paydown: Paydown) -> str:
    """An attempt in doubt whose request can act no more; its id."""
    exchange.fault("executed_then_503")
    assert paydown("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--yes", "--key", "first").code == 5
    exchange.call("POST", "/_sandbox/clock", {"advance_ms": 120_000})
    return str(paydown("history", "--json").json["plans"][0]["attempts"][0]["id"])


def test_settling_an_earlier_doubt_is_told_to_a_person(exchange: Exchange, paydown: Paydown):
    """Before another plan is sent, the person reads what was in doubt, and then what settled it."""
    attempt = lose_an_answer_of_plan_first(exchange, paydown)
    ran = paydown("repay", "BNB", "--amount", "0.25", "--using", "USDT", "--yes", "--key", "second")
    assert ran.code == 0
    assert f"In doubt: attempt {attempt} of plan first, 0.5 of BNB, signed 20" in ran.out
    assert f"reconciling: attempt {attempt} of plan first (0.5 of BNB, " in ran.err
    (proof,) = [line for line in ran.err.splitlines() if "proven-executed" in line]
    assert proof.startswith(f"[1/1] proven-executed: attempt {attempt} of plan first (0.5 of BNB, ")
    assert "rule debt-fell: BNB owed before: 1.5 + 0.001" in proof
    assert "In doubt" not in paydown("repay", "BNB", "--using", "USDT", "--key", "third", "--dry-run").out


def test_settling_an_earlier_doubt_is_told_to_a_machine(exchange: Exchange, paydown: Paydown):
    """`settled` says which attempt of which plan was proven, beside the report of the plan that was asked for."""
    attempt = lose_an_answer_of_plan_first(exchange, paydown)
    words = ("repay", "BNB", "--amount", "0.25", "--using", "USDT", "--yes", "--json", "--key")
    (told,) = paydown(*words, "second").json["settled"]
    assert (told["kind"], told["attempt_id"], told["plan_key"]) == ("proven-executed", attempt, "first")
    exchange.call("POST", "/_sandbox/clock", {"advance_ms": 120_000})  # the minute has room again
    assert paydown(*words, "third").json["settled"] == []


def test_resume_tells_what_settled_its_doubt(exchange: Exchange, paydown: Paydown):
    """`resume --json` has the same list."""
    attempt = lose_an_answer_of_plan_first(exchange, paydown)
    told = paydown("resume", "--yes", "--json").json
    assert [(one["kind"], one["attempt_id"]) for one in told["settled"]] == [("proven-executed", attempt)]
    assert told["reports"][0]["state"] == "DONE"


def test_a_person_can_settle_only_with_a_note(exchange: Exchange, paydown: Paydown):
    """`reconcile --executed` without a note is refused: the journal keeps who looked and what they saw."""
    ran = paydown("reconcile", "a1", "--executed")
    assert ran.code == 3
    assert "--note" in ran.err


def test_nothing_in_doubt_and_nothing_to_resume_are_not_errors(exchange: Exchange, paydown: Paydown):
    """On a clean journal `reconcile` and `resume` say so and end with 0."""
    assert paydown("reconcile").code == 0
    assert paydown("resume").code == 0
    assert "Nothing to resume" in paydown("resume").out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("reconcile", "a-typo"), "UnknownAttempt"),
        (("reconcile", "a-typo", "--executed", "--note", "seen"), "UnknownAttempt"),
        (("resume", "a-typo"), "UnknownPlan"),
        (("history", "--plot", "TYPO"), "InvalidRequest"),
        (("plan", "TYPO"), "PlanRefused"),
        (("repay", "TYPO", "--yes"), "PlanRefused"),
    ],
)
def test_what_does_not_exist_is_an_error(
    exchange: Exchange, paydown: Paydown, words: tuple[str, ...], error: str
):
    """A mistyped plan, attempt or asset ends with 3 and names it: "nothing found" is no success."""
    ran = paydown(*words, "--json")
    assert (ran.code, ran.json["error"]["class"]) == (3, error)
    assert "ypo" in ran.json["error"]["message"].lower()


def test_the_same_command_after_a_crash_does_not_plan_anew(exchange: Exchange, paydown: Paydown):
    """Without --key an unfinished plan for the asset is noticed, named, and finished by resume."""
    words = ("repay", "BNB", "--using", "USDT", "--amount", "0.5", "--yes")
    exchange.fault("executed_then_503")
    assert paydown(*words).code == 5

    again = paydown(*words)
    assert again.code == 3
    assert "PlanUnfinished" in again.err
    assert "paydown resume bnb-" in again.err
    assert paydown("plan", "BNB", "--using", "USDT").code == 0
    assert paydown(*words, "--new", "--dry-run").code == 0
    assert exchange.repayments() == 1


def test_a_wrong_secret_is_a_rejection(exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch):
    """A signature that does not verify ends with 4 and the exchange's code."""
    monkeypatch.setenv("PAYDOWN_API_SECRET", "another-secret")
    ran = paydown("debts", "--json")
    assert ran.code == 4
    assert (ran.json["error"]["class"], ran.json["error"]["code"]) == ("CredentialsRejected", -1022)


def test_nobody_listening_is_not_sent(exchange: Exchange, paydown: Paydown):
    """A refused connection ends with 3: nothing left this machine."""
    ran = paydown("debts", "--base-url", "http://127.0.0.1:1", "--json")
    assert ran.code == 3
    assert ran.json["error"]["outcome"] == "not sent"


@pytest.mark.parametrize("amount", ["1e-3", "-1", "0", "NaN", "0.123456789", "", "０.5", "1,5"])
def test_amounts_that_are_not_plain_decimals_are_refused(exchange: Exchange, paydown: Paydown, amount: str):
    """Odd amounts end with 3 before anything is sent."""
    ran = paydown("repay", "BNB", f"--amount={amount}", "--yes")
    assert ran.code == 3
    assert exchange.repayments() == 0


def test_missing_credentials_name_the_variables(
    exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch
):
    """Without a key the text names the variable to set."""
    monkeypatch.delenv("PAYDOWN_API_KEY")
    ran = paydown("debts")
    assert ran.code == 3
    assert "PAYDOWN_API_KEY" in ran.err


def test_doctor_finds_everything_in_order(exchange: Exchange, paydown: Paydown):
    """Against a healthy exchange every check is ok and the exit code is 0."""
    ran = paydown("doctor", "--json")
    assert ran.code == 0
    assert all(check["ok"] for check in ran.json["checks"])
    assert {check["name"] for check in ran.json["checks"]} >= {
        "credentials",
        "clock",
        "reachability",
        "request weight",
        "permission to read",
        "journal",
    }


def test_doctor_names_what_fails(exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch):
    """With a wrong secret the check of the permission fails, and its exit code is the command's."""
    monkeypatch.setenv("PAYDOWN_API_SECRET", "another-secret")
    ran = paydown("doctor", "--json")
    failed = [check["name"] for check in ran.json["checks"] if not check["ok"]]
    assert (ran.code, failed) == (4, ["permission to read"])


def test_doctor_warns_of_a_clock_that_is_an_hour_off(exchange: Exchange, paydown: Paydown):
    """A clock beyond recvWindow is a finding with its offset; it is corrected, so the exit code stays 0."""
    exchange.call("POST", "/_sandbox/clock", {"advance_ms": 3_600_000})
    ran, told = paydown("doctor"), paydown("doctor", "--json")
    (clock,) = [check for check in told.json["checks"] if check["name"] == "clock"]
    assert (ran.code, told.code, told.json["ok"]) == (0, 0, True)
    assert (clock["ok"], clock["warning"]) == (True, True)
    assert re.search(r"[+]\d{7,} ms from this machine's, beyond the recvWindow of 5000 ms", clock["found"])
    assert "is followed" in clock["found"]
    assert ["WARNING", "clock"] in [line.split()[:2] for line in ran.out.splitlines()]


def test_history_draws_the_debt(exchange: Exchange, paydown: Paydown, tmp_path: Path):
    """`history --plot` draws blocks in a terminal, and a PNG where one is asked for."""
    paydown("repay", "BNB", "--using", "USDT", "--yes")
    drawn = paydown("history", "--plot", "BNB")
    assert "█" in drawn.out
    assert "1.501 BNB" in drawn.out
    picture = tmp_path / "debt.png"
    assert paydown("history", "--plot", "BNB", "--png", str(picture)).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_command_prints_a_secret(exchange: Exchange, paydown: Paydown):
    """Whatever is asked, neither the secret nor a signature is printed."""
    for words in (["debts"], ["doctor"], ["repay", "BNB", "--using", "USDT", "--yes"], ["history", "--json"]):
        ran = paydown(*words)
        assert API_SECRET not in ran.out + ran.err
        assert "signature=" not in ran.out + ran.err


def test_abbreviated_options_are_refused(exchange: Exchange):
    """`--am` does not come to mean `--amount`: a wrong command line ends with 2."""
    with pytest.raises(SystemExit) as caught:
        main(["repay", "BNB", "--am", "1"])
    assert caught.value.code == 2


def test_the_help_names_every_command_and_exit_code():
    """The help lists the documented commands and what each exit code lets one conclude."""
    text = build_parser().format_help()
    for command in ("debts", "plan", "repay", "resume", "reconcile", "history", "doctor", "sandbox"):
        assert command in text
    for code in range(7):
        assert f"\n  {code}  " in text


def test_the_help_names_every_variable_that_is_read():
    """Whatever the package reads from the environment under its name stands in the help."""
    sources = (Path(paydown_package.__file__).parent).rglob("*.py")
    read = {name for path in sources for name in re.findall(r"PAYDOWN_[A-Z_]+[A-Z]", path.read_text("utf-8"))}
    assert len(read) >= 6
    assert read <= set(re.findall(r"PAYDOWN_[A-Z_]+[A-Z]", build_parser().format_help()))


def test_json_errors_are_one_document(exchange: Exchange, paydown: Paydown):
    """A script reads one JSON document on stdout, also when the command failed."""
    ran = paydown("repay", "XYZ", "--yes", "--json")
    assert ran.code == 3
    assert json.loads(ran.out)["error"]["class"] == "PlanRefused"


def test_in_a_pipe_a_line_stays_a_line(exchange: Exchange, paydown: Paydown, monkeypatch: pytest.MonkeyPatch):
    """However narrow COLUMNS says it is, what another program reads is not folded."""
    monkeypatch.setenv("COLUMNS", "40")
    lines = paydown("plan", "BNB", "--using", "USDT").out.splitlines()
    assert any(line.endswith("interest accrued meanwhile included") and len(line) > 80 for line in lines)
    error = paydown("plan", "TYPO").err.splitlines()
    assert len(error) == 1


@pytest.mark.parametrize("width", [50, 80, 160])
def test_the_live_line_shows_what_decides_at_every_width(width: int):
    """Pieces, weight and time left are never cut short; only the sentence behind them is."""
    from decimal import Decimal

    from rich.console import Console

    from paydown.cli.output import Output
    from paydown.cli.progress_display import LiveProgress
    from paydown.repay import Progress

    output = Output(json_mode=False)
    shown = io.StringIO()
    output.errors = Console(file=shown, force_terminal=True, width=width, color_system=None)
    with LiveProgress(output) as live:
        live.repaying(
            Progress(
                kind="waiting", at_ms=0, plan_key="k", asset="BNB", pieces_done=7, pieces_total=19,
                repaid=Decimal(1), owed=Decimal(2), weight_used=21_040, attempt_id=None, wait_ms=1000,
                finish_ms=485_000, message="the exchange is busy, and this sentence is far too long for it " * 3,
            )
        )  # fmt: skip
        assert live._bar is not None
        live._bar.refresh()
    last = [line for line in shown.getvalue().splitlines() if "7/19" in line][-1]
    assert "pieces 7/19" in last
    assert "weight 21,040" in last
    assert "8 min 05 s left" in last


def test_what_settled_a_doubt_stays_on_a_terminal():
    """The live line goes, but what was in doubt and how it was settled is printed above it."""
    from decimal import Decimal

    from rich.console import Console

    from paydown.cli.output import Output
    from paydown.cli.progress_display import LiveProgress
    from paydown.repay import Progress

    output = Output(json_mode=False)
    shown = io.StringIO()
    output.errors = Console(file=shown, force_terminal=True, width=200, color_system=None)
    with LiveProgress(output) as live:
        live.repaying(
            Progress(
                kind="proven-executed", at_ms=0, plan_key="first", asset="BNB", pieces_done=1, pieces_total=1,
                repaid=Decimal("0.5"), owed=None, weight_used=20, attempt_id="a1", message="attempt a1, rule r",
            )
        )  # fmt: skip
    assert "[1/1] proven-executed: attempt a1, rule r, 0.5 BNB repaid\n" in shown.getvalue()


def test_a_plan_without_attempts_is_a_line_of_the_history(exchange: Exchange, paydown: Paydown):
    """What was planned and never sent says so, instead of an empty table."""
    paydown("plan", "BNB", "--using", "USDT", "--key", "kept")
    ran = paydown("history")
    assert ran.out.startswith("kept: the whole debt of BNB, PLANNED")
    assert "nothing was sent" in ran.out


@pytest.mark.parametrize("words", [["--help"], ["--no-such-option"]])
def test_the_sandbox_is_named_as_it_was_called(capsys: pytest.CaptureFixture[str], words: list[str]):
    """Help and complaints of `paydown sandbox` show the command that a person has typed."""
    with pytest.raises(SystemExit):
        main(["sandbox", *words])
    printed = capsys.readouterr()
    assert (printed.out + printed.err).startswith("usage: paydown sandbox [")
