"""Whose account it is, and what becomes of a journal that forgot, as a person and a script see it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import API_SECRET, Exchange, Ran

Paydown = Callable[..., Ran]
NEW_KEY = "cli-tests-rotated-key"
REPAY = ("repay", "BNB", "--amount", "0.5", "--using", "USDT", "--yes")


class Terminal(io.StringIO):
    """A person at the keyboard, with their answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def rotated(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and from then on the account is used with another key, which the exchange knows too."""
    state = exchange.call("GET", "/_sandbox/state")
    keys = state["accounts"][0]["keys"]
    keys.append({**keys[0], "api_key": NEW_KEY, "secret_or_public_key": API_SECRET})
    exchange.call("PUT", "/_sandbox/state", state)
    return lambda: monkeypatch.setenv("PAYDOWN_API_KEY", NEW_KEY)


@pytest.mark.parametrize(
    "words",
    [
        (*REPAY, "--account", ""),
        (*REPAY, "--account", " "),
        (*REPAY, "--journal", ""),
        (*REPAY, "--key", ""),
        (*REPAY, "--base-url", ""),
        ("plan", "BNB", "--account", ""),
        ("resume", "--account", ""),
        ("history", "--journal", ""),
        ("doctor", "--journal", ""),
        ("reconcile", ""),
        ("reconcile", "--account", ""),
        ("correct", "", "--executed", "--note", "seen"),
        ("correct", "a1", "--executed", "--note", ""),
        ("adopt", "--note", ""),
        ("accounts", "rename", "", "fund"),
        ("accounts", "rename", "default", ""),
    ],
)
def test_an_unset_variable_ends_with_2(
    exchange: Exchange, paydown: Paydown, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    """An empty name, key or path is never a name, a key or a path."""
    with pytest.raises(SystemExit) as ended:
        paydown(*words)

    assert ended.value.code == 2
    assert "empty (an unset variable?)" in capsys.readouterr().err
    assert exchange.repayments() == 0


def test_a_forgotten_name_does_not_hide_a_doubt(exchange: Exchange, paydown: Paydown):
    """The first command leaves a doubt; the second one, with another name, is refused, and `--yes` changes nothing."""
    exchange.fault("executed_then_503")
    assert paydown(*REPAY).code == 5

    again = paydown(*REPAY, "--account", "desk", "--json")

    assert (again.code, again.json["error"]["class"]) == (3, "AccountUnconfirmed")
    assert exchange.repayments() == 1


def test_a_rotated_key_is_confirmed_once(exchange: Exchange, paydown: Paydown, rotated: Callable[[], None]):
    """A script says `--same-account` once; `--yes` does not say it."""
    exchange.fault("executed_then_503")
    assert paydown(*REPAY).code == 5
    rotated()

    assert paydown(*REPAY, "--new").code == 3
    assert paydown("history").code == 0  # reading the journal asks nobody
    assert paydown("plan", "BNB", "--using", "USDT", "--same-account").code == 0
    assert "In doubt: attempt" in paydown(*REPAY, "--new", "--dry-run").out
    assert exchange.repayments() == 1


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("", 3)])
def test_a_person_is_asked_at_the_terminal(
    exchange: Exchange,
    paydown: Paydown,
    rotated: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
):
    """The question says what it is about; yes is remembered, anything else sends nothing."""
    assert paydown(*REPAY).code == 0
    rotated()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    ran = paydown(*REPAY, "--dry-run")

    assert "Is it the same account? [y/N]" in ran.err
    assert ran.code == code
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert ("Is it the same" in paydown("plan", "BNB").err) is (code != 0)
    assert exchange.repayments() == 1


def test_a_renamed_account_keeps_its_doubt(exchange: Exchange, paydown: Paydown):
    """`paydown accounts rename default desk`, and the doubt is found under the new name only."""
    exchange.fault("executed_then_503")
    assert paydown(*REPAY).code == 5

    ran = paydown("accounts", "rename", "default", "desk", "--json")

    assert (ran.code, ran.json["new"]) == (0, "desk")
    assert paydown(*REPAY).code == 3
    assert "In doubt: attempt" in paydown(*REPAY, "--new", "--dry-run", "--account", "desk").out
    refused = paydown("accounts", "rename", "nobody", "fund", "--json")
    assert (refused.code, refused.json["error"]["class"]) == (3, "InvalidRequest")


def test_a_lost_journal_is_adopted_with_a_note(exchange: Exchange, paydown: Paydown, tmp_path: Path):
    """Nothing to adopt is exit code 8; a doubt that can still act is 3; the refusal names the command."""
    assert paydown("adopt", "--note", "looked").code == 8
    exchange.fault("executed_then_503")
    assert paydown(*REPAY).code == 5
    for file in (tmp_path / "state" / "paydown").glob("repay.db*"):
        file.unlink()

    refused = paydown(*REPAY)

    assert refused.code == 3
    assert "JournalForgot" in refused.err
    assert "paydown adopt --note" in refused.err
    early = paydown("adopt", "--note", "looked", "--json")
    assert (early.code, early.json["error"]["class"]) == (3, "AccountInDoubt")
    exchange.call("POST", "/_sandbox/clock", {"advance_ms": 600_000})
    adopted = paydown("adopt", "--note", "looked")
    assert adopted.code == 0
    assert "in doubt attempt" in adopted.out
    assert "owed now: 1.001 BNB" in adopted.out
    assert paydown(*REPAY).code == 0


def test_an_attempt_is_corrected_on_a_persons_word(exchange: Exchange, paydown: Paydown):
    """Only with a note, only after its deadline, and only with the amount typed again."""
    attempt = paydown(*REPAY, "--json").json["report"]["attempts"][0]["id"]
    words = ("correct", attempt, "--not-executed", "--note", "not in the history")

    assert paydown(*words, "--amount", "0.5").code == 3  # it may still act
    exchange.call("POST", "/_sandbox/clock", {"advance_ms": 600_000})
    assert paydown(*words).code == 3
    assert paydown(*words, "--amount", "0.4").code == 3
    corrected = paydown(*words, "--amount", "0.50", "--json").json["attempt"]
    back = paydown("correct", attempt, "--executed", "--note", "it is there after all")

    assert (corrected["state"], corrected["correction"]["executed"]) == ("EXECUTED", False)
    assert back.code == 0
    assert "counts as executed now: 0.5 BNB repaid. Nothing was sent" in back.out
    assert exchange.repayments() == 1
