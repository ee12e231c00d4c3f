"""The sandbox as a process: its first line, where it listens, and when it refuses to start."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from paydown_sandbox.serving.process import main
from paydown_sandbox.state.state_reader import DEMO_API_KEY, DEMO_SECRET
from tests.sandbox.signer import digest


def start(*arguments: str) -> subprocess.Popen[str]:
    """A sandbox process whose stdout is read line by line."""
    command = [sys.executable, "-m", "paydown_sandbox", "--port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """End it; exit code and what it still wrote."""
    process.terminate()
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@pytest.mark.parametrize("json_mode", [False, True])
def test_the_first_line_is_exact_and_the_demo_key_works(json_mode: bool) -> None:
    """`sandbox ready at URL`, flushed; the next lines hold a made-up key that repays at once."""
    process = start(*(["--json"] if json_mode else []))
    assert process.stdout is not None
    first = process.stdout.readline()
    url = first.removeprefix("sandbox ready at ").removesuffix("\n")
    assert first == f"sandbox ready at {url}\n"
    assert url.startswith("http://127.0.0.1:")
    second = process.stdout.readline()
    shown = second if json_mode else second + "".join(process.stdout.readline() for _ in range(3))
    if json_mode:
        details = json.loads(second)
        assert (details["url"], details["demo"]["api_key"], details["demo"]["secret"]) == (
            url,
            DEMO_API_KEY,
            DEMO_SECRET,
        )
    text = f"asset=BNB&amount=0.1&specifyRepayAssets=USDT&timestamp={time.time_ns() // 1_000_000}"
    query = f"{text}&signature={digest(text, DEMO_SECRET)}"
    answer = httpx.post(f"{url}/papi/v1/margin/repay-debt?{query}", headers={"X-MBX-APIKEY": DEMO_API_KEY})
    code, _, errors = stop(process)

    assert answer.json()["success"] is True
    assert (code, errors) == (0, "")
    assert DEMO_API_KEY in shown
    assert DEMO_SECRET in shown


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid"])
def test_only_loopback_is_served_unless_asked_for(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and what to add, before anything listens."""
    assert main(["--host", host, "--port", "0"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_what_prevents_a_start_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong state, a missing file, a foreign database and a port in use end with 2 and a sentence."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"accounts": [{"id": "a", "balances": {"BNB": {"free": 1}}}]}')
    foreign = tmp_path / "foreign.db"
    foreign.write_text("no database, and long enough to look at")
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    try:
        for arguments, words in (
            (["--state", str(wrong)], "accounts[0].balances.BNB.free"),
            (["--state", str(tmp_path / "absent.json")], "absent.json"),
            (["--data", str(foreign)], "foreign.db"),
            (["--scenario", "no-such"], "no-such"),
            (["--port", "99999"], "from 1 to 65535"),
            (["--port", "-1"], "from 1 to 65535"),
            (["--state", "/dev/zero"], "not a file"),
            (["--state", str(tmp_path)], "not a file"),
            (["--scenario", "/etc/passwd"], "no bundled scenario"),
            (["--scenario", str(tmp_path / "absent.json")], "absent.json"),
            (["--data", str(tmp_path)], "is no regular file"),
            (["--port", str(taken.getsockname()[1])], "cannot listen"),
        ):
            assert main(["--port", "0", *arguments]) == 2
            assert words in capsys.readouterr().err
    finally:
        taken.close()


def test_a_data_file_wins_over_a_state_file(tmp_path: Path) -> None:
    """The second start goes on from the data and warns that the state was not used."""
    state = tmp_path / "state.json"
    state.write_text('{"accounts": [{"id": "first"}]}')
    arguments = ("--data", str(tmp_path / "exchange.db"), "--state", str(state))
    process = start(*arguments)
    assert process.stdout is not None
    process.stdout.readline()
    assert stop(process)[0] == 0

    state.write_text('{"accounts": [{"id": "second"}]}')
    process = start(*arguments, "--scenario", "a-bad-tuesday")
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    accounts = httpx.get(f"{url}/_sandbox/state").json()["accounts"]
    armed = httpx.get(f"{url}/_sandbox/faults").json()["faults"]
    code, _, errors = stop(process)
    assert [account["id"] for account in accounts] == ["first"]
    assert {fault["scenario"] for fault in armed} == {"a bad Tuesday"}
    assert code == 0
    assert "was not used" in errors


def test_open_questions_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--unknowns` prints the page and starts nothing."""
    assert main(["--unknowns"]) == 0
    assert capsys.readouterr().out.startswith("# What this double does not know")
