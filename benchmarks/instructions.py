"""Instructions of one signed repayment, counted by valgrind: what a busy machine cannot change.

Callgrind starts without counting, so that imports cost little; it is switched on once the client is warm.
Counting N calls and 2N calls and subtracting removes what every measurement costs once.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks import servers
from benchmarks.field import BASELINE, OURS, clients
from benchmarks.result import Section, Settings, Table
from tests.interop.peer import Peer, Running, Target, command_line

QUICK = (OURS, "paydown, budget in memory", BASELINE)
CALLS = 20


def run(settings: Settings) -> Section:
    """Count for each client."""
    section = Section("instructions", "Instructions of one signed repayment")
    if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
        section.left_out.append("everything: valgrind is not installed")
        return section
    peers = clients(section, settings, QUICK)
    counted: dict[str, float] = {}
    with servers.chosen(settings.server) as target:
        for peer in peers:
            try:
                counted[peer.name] = count(peer, target) / 1000
            except NotCounted as error:
                section.left_out.append(f"{peer.name}: {error}")
    table = Table("Kept-alive connection, one in flight", ["client", "thousand instructions", "x raw httpx"])
    base = counted.get(BASELINE)
    for name, thousand in counted.items():
        table.rows.append([name, thousand, thousand / base if base else None])
    section.tables.append(table)
    if OURS in counted:
        section.at_most("instructions per signed repayment, paydown", counted[OURS], "k", 1600)
    return section


class NotCounted(RuntimeError):
    """Report that Valgrind could not count a client, with the reason."""


def count(peer: Peer, target: Target, calls: int = CALLS) -> float:
    """Return the instructions that one call of a client takes.

    Args:
        peer: The client.
        target: The server and the key.
        calls: How many calls to average over.

    Raises:
        NotCounted: Callgrind cannot be controlled here (for example without ptrace).
    """
    with tempfile.TemporaryDirectory(prefix="paydown-callgrind-") as folder:
        counting = [
            "valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/count",
        ]  # fmt: skip
        with Running([*counting, *command_line(peer, target, timeout_s=60.0)], start_s=240) as client:
            client.ask("warm", answer_s=120)
            client.ask("measure", calls=5, in_flight=1)
            _control(client.pid, "--instr=on")
            client.ask("measure", calls=5, in_flight=1)  # translate everything once
            once, twice = (_counted(client, Path(folder), number, calls * number) for number in (1, 2))
    return (twice - once) / calls


def _counted(client: Running, folder: Path, number: int, calls: int) -> int:
    _control(client.pid, "--zero")
    answer = client.ask("measure", answer_s=240, calls=calls, in_flight=1)
    if answer["failed"]:
        raise NotCounted(f"{answer['failed']} of {calls} calls failed, the first with {answer['failure']}")
    _control(client.pid, "--dump")
    dump = (folder / f"count.{number}").read_text(encoding="utf-8", errors="replace")
    totals = re.search(r"^totals: (\d+)", dump, flags=re.MULTILINE)
    if totals is None:
        raise NotCounted("the dump has no total")
    return int(totals[1])


def _control(pid: int, command: str) -> None:
    done = subprocess.run(
        ["callgrind_control", command, str(pid)], capture_output=True, text=True, timeout=120, check=False
    )
    if "OK" not in done.stdout:
        raise NotCounted(f"callgrind_control {command}: {(done.stdout + done.stderr).strip()[:200]}")
