"""Kill a real process at every step of a repayment and let the next one clean up. Run as a program.

    python -m tests.repay.execution.crashing FOLDER steps [full]      die at every step of a plan of two pieces
    python -m tests.repay.execution.crashing FOLDER recovery [full]   die at every step of cleaning up after that
    python -m tests.repay.execution.crashing FOLDER faults [full]     die around every fault there is

The exchange lives in this process, on a clock that stands still. Repayers are forked children that talk to it
over a socket pair; a child that is to die does so with SIGKILL, in the middle of its own code. This
program has one thread, so that forking is safe, and prints one JSON line per case.

`full` repeats what the short form tries once: the network steps of every single read, more starting points.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from paydown import Client, Credentials
from paydown.budget import MemoryBudget
from paydown.clock import ExchangeClock
from paydown.errors import PaydownError
from paydown.repay import AccountBusy, Options, SafeRepay
from paydown.repay.execution.commands import Step
from paydown.repay.journal.journal import Journal
from paydown_sandbox.faults.faults import FAULTS
from tests.faults.fault_table import FAULTS as TABLE
from tests.repay.world import API_KEY, BASE_URL, REPAY_PATH, SECRET, Door, World

# The thirty-one of the table, and what else the sandbox can do.
ALL_FAULTS = tuple(dict.fromkeys([*(fault.name for fault in TABLE), *FAULTS]))


class NetStep(StrEnum):
    """Where a process may die while one request is on its way."""

    BEFORE_FIRST_BYTE = "before the first byte"
    HALF_SENT = "half of the request sent"
    ALL_SENT = "request sent, no answer yet"
    ANSWERED = "answer received, not understood yet"


# ------------------------------------------------------------------------------------------------ the child


class Wire:
    """The child's side: questions to the exchange's process, one at a time."""

    def __init__(self, sock: socket.socket, mark: Callable[[str], None]) -> None:
        self.sock = sock
        self.mark = mark

    def ask(self, *question: object) -> Any:
        send(self.sock, pickle.dumps(question))
        return pickle.loads(receive(self.sock) or b"")  # our own parent

    def now_ms(self) -> int:
        now: int = self.ask("now")
        return now

    def sleep(self, seconds: float) -> None:
        self.ask("advance", max(1, round(seconds * 1000)))


class WireTransport(httpx.BaseTransport):
    """Sends each request over the socket pair in two halves, and marks every place in between."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        timeout = request.extensions.get("timeout", {}).get("read")
        parts = (request.method, str(request.url), request.headers.raw, request.read(), timeout)
        message = framed(pickle.dumps(("http", *parts)))
        half = len(message) // 2
        what = request.url.path.rpartition("/")[2]
        self.wire.mark(f"{NetStep.BEFORE_FIRST_BYTE}: {what}")
        self.wire.sock.sendall(message[:half])
        self.wire.mark(f"{NetStep.HALF_SENT}: {what}")
        self.wire.sock.sendall(message[half:])
        self.wire.mark(f"{NetStep.ALL_SENT}: {what}")
        answer = pickle.loads(receive(self.wire.sock) or b"")  # our own parent
        self.wire.mark(f"{NetStep.ANSWERED}: {what}")
        kind, *rest = answer
        if kind == "not sent":
            raise httpx.ConnectError(rest[0], request=request)
        if kind == "lost":
            raise httpx.ReadError(rest[0], request=request)
        status, headers, body = rest
        return httpx.Response(status, headers=headers, content=body, request=request)


def repayer(wire: Wire, folder: Path, mark: Callable[[str], None], journal: str = "repay.db") -> SafeRepay:
    clock = ExchangeClock((f"{BASE_URL}/papi/v1/time",), ticks=wire.now_ms, wall=wire.now_ms)
    client = Client(
        Credentials.hmac(API_KEY, SECRET),
        base_url=BASE_URL,
        transport=WireTransport(wire),
        clock=clock,
        budget=MemoryBudget(clock=clock, ticks=wire.now_ms),
        ticks=wire.now_ms,
        sleep=wire.sleep,
    )
    return SafeRepay(
        client,
        folder / journal,
        lock_directory=folder / "locks",
        sleep=wire.sleep,
        signals=False,
        options=Options(max_wait_ms=10**9),
        trace=lambda step, side: mark(f"{side} {step}"),
    )


def work_off(wire: Wire, folder: Path, mark: Callable[[str], None]) -> dict[str, Any]:
    """What every process does: plan under one key, run, and if that was begun before, resume."""
    with repayer(wire, folder, mark) as repay:
        plan = repay.plan("BNB", pay_with=["USDT"], key="close")
        report = repay.run(plan)
        if not report:
            (report,) = repay.resume("close")
        return report.to_json()


def fork(folder: Path, die_at: int | str | None, job: Callable[..., Any]) -> tuple[int, socket.socket]:
    """Start a child that does `job` and kills itself at mark number, or first mark named, `die_at`."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    ours.close()
    marks: list[str] = []

    def mark(name: str) -> None:
        if die_at in (len(marks), name):
            os.kill(os.getpid(), signal.SIGKILL)
        marks.append(name)

    wire = Wire(theirs, mark)
    code = 1
    try:
        wire.ask("done", job(wire, folder, mark), marks)
        code = 0
    except PaydownError as error:
        wire.ask("failed", type(error).__name__, str(error))
        code = 2
    finally:
        os._exit(code)


# --------------------------------------------------------------------------------------- the exchange's process


def framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def send(sock: socket.socket, message: bytes) -> None:
    sock.sendall(framed(message))


def receive(sock: socket.socket) -> bytes | None:
    """One message, or `None` if the other side died before it was whole."""
    wanted, data = 4, b""
    while len(data) < wanted:
        try:
            part = sock.recv(65536 if wanted > 4 else 4 - len(data))
        except ConnectionResetError:  # it died with our last answer unread
            return None
        if not part:
            return None
        data += part
        if wanted == 4 and len(data) >= 4:
            wanted = 4 + struct.unpack(">I", data[:4])[0]
    return data[4:]


class Child:
    """One forked process, served until it ends."""

    def __init__(
        self,
        world: World,
        folder: Path,
        die_at: int | str | None = None,
        job: Callable[..., Any] = work_off,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.marks: list[str] = []
        self.result: Any = None
        self.error: tuple[str, str] | None = None
        self.world = world
        self.meanwhile = meanwhile
        pid, self.sock = fork(folder, die_at, job)
        self._serve()
        self.sock.close()
        _, status = os.waitpid(pid, 0)
        self.killed = os.WIFSIGNALED(status)

    def _serve(self) -> None:
        while (message := receive(self.sock)) is not None:
            kind, *rest = pickle.loads(message)  # our own child
            answer: object = None
            if kind == "now":
                answer = self.world.clock.now_ms()
            elif kind == "advance":
                self.world.clock.advance(rest[0])
            elif kind == "http":
                answer = self._http(*rest)
            elif kind == "done":
                self.result, self.marks = rest
            elif kind == "failed":
                self.error = (rest[0], rest[1])
            try:
                send(self.sock, pickle.dumps(answer))
            except (BrokenPipeError, ConnectionResetError):
                return  # it died without waiting for the answer

    def _http(self, method: str, url: str, headers: Any, body: bytes, timeout: float | None) -> object:
        if url.partition("?")[0].endswith(REPAY_PATH) and self.meanwhile is not None:
            self.meanwhile()
        request = httpx.Request(
            method, url, headers=headers, content=body, extensions={"timeout": {"read": timeout}}
        )
        try:
            response = Door(self.world).handle_request(request)
        except httpx.ConnectError as error:
            return "not sent", str(error)
        except httpx.TransportError as error:
            return "lost", str(error)
        return "answered", response.status_code, response.headers.raw, response.read()


def new_world(folder: Path) -> World:
    """Two pieces of debt and plenty to pay with."""
    folder.mkdir(parents=True)
    world = World(folder)
    world.give("BNB", borrowed="100", interest="0.5")
    world.give("USDT", free="1000000")
    return world


def outcome(world: World, folder: Path, case: str, last: Child, marks: list[str]) -> dict[str, Any]:
    """What one case came to, from the exchange's ledger and from the journal, for the test to judge."""
    with Journal(folder / "repay.db") as journal:
        attempts = [
            attempt for plan in journal.plans.newest_first() for attempt in journal.attempts.of_plan(plan.id)
        ]
        return {
            "case": case,
            "state": None if last.result is None else last.result["state"],
            "error": last.error,
            "executed": [str(amount) for amount in world.repaid],
            "debt": str(world.debt("BNB")),
            "attempts": [attempt.state.value for attempt in attempts],
            "paid": [
                # The answer to a whole-debt repayment names no amount.
                str(attempt.intent.expected if attempt.repaid is None else attempt.repaid)
                for attempt in attempts
                if attempt.state.paid
            ],
            "sent": world.sent,
            "marks": marks,
        }


def cleaned_up(world: World, folder: Path) -> Child:
    """The next process, which is not killed."""
    return Child(world, folder)


def chosen(marks: list[str], full: bool, seen: set[str]) -> Iterator[tuple[int, str]]:
    """Every mark with its number; in the short form the network steps of one kind of read only once."""
    for number, mark in enumerate(marks):
        of_network = mark.partition(":")[0] in tuple(NetStep)
        if full or not of_network or mark.endswith("repay-debt") or mark not in seen:
            seen.add(mark)
            yield number, mark


def steps(folder: Path, full: bool) -> Iterator[dict[str, Any]]:
    """Die at every step of a plan of two pieces whose second answer is lost (and of one whose answers are clear)."""
    for fault in ("executed_then_reset", None) if full else ("executed_then_reset",):
        name = fault or "clear answers"
        here = folder / name / "undisturbed"
        world = new_world(here)
        if fault:
            world.fault(fault, skip=1)
        whole = Child(world, here)
        yield outcome(world, here, f"{name}: undisturbed", whole, whole.marks)
        for number, mark in chosen(whole.marks, full, set()):
            here = folder / name / str(number)
            world = new_world(here)
            if fault:
                world.fault(fault, skip=1)
            first = Child(world, here, die_at=number)
            assert first.killed, f"the process survived step {number}: {mark}"
            yield outcome(world, here, f"{name}: killed at {number} {mark}", cleaned_up(world, here), [])


def recovery(folder: Path, full: bool) -> Iterator[dict[str, Any]]:
    """Die with a repayment on its way, then die again at every step of cleaning up after that."""
    lost = f"{NetStep.ALL_SENT}: repay-debt"
    starts = (("executed", None), ("not executed", "not_executed_503_unknown"))
    for name, fault in starts if full else starts[:1]:
        here = folder / name / "undisturbed"
        world = new_world(here)
        if fault:
            world.fault(fault)
        Child(world, here, die_at=lost)
        whole = cleaned_up(world, here)
        yield outcome(world, here, f"{name}: undisturbed", whole, whole.marks)
        # What comes after the proof, and how a read can fail, `steps` has tried already.
        proven = whole.marks.index(f"after {Step.RELEASE_GUARD}")
        for number, mark in chosen(whole.marks, True, set()):
            if not full and (number > proven or ":" in mark):
                continue
            here = folder / name / str(number)
            world = new_world(here)
            if fault:
                world.fault(fault)
            Child(world, here, die_at=lost)
            second = Child(world, here, die_at=number)
            assert second.killed, f"the recovery survived step {number}: {mark}"
            yield outcome(world, here, f"{name}: killed at {number} {mark}", cleaned_up(world, here), [])


def refused(wire: Wire, folder: Path, mark: Callable[[str], None]) -> str:
    """A second process that wants to repay the same account with the same journal, and with another."""
    names: list[str] = []
    for journal in ("repay.db", "other.db"):
        with repayer(wire, folder, mark, journal) as repay:
            try:
                repay.resume()
                names.append("resumed")
            except AccountBusy:
                names.append("AccountBusy")
    return " ".join(names)


def faults(folder: Path, full: bool) -> Iterator[dict[str, Any]]:
    """Every fault on the first repayment, with a second process next to it, killed before, during and after.

    To the journal it is all one whether a process dies before or after the answer came, and a request that
    dies half-sent never meets its fault: so the short form kills while the answer is on its way.
    """
    deaths: dict[str, str | None] = {"killed during": f"{NetStep.ALL_SENT}: repay-debt"}
    if full:
        deaths |= {
            "left alone": None,
            "killed before": f"{NetStep.HALF_SENT}: repay-debt",
            "killed after": f"before {Step.WRITE_OUTCOME}",
        }
    for fault in ALL_FAULTS:
        for name, death in deaths.items():
            here = folder / fault / name
            world = new_world(here)
            world.fault(fault)
            intruders: list[Child] = []

            def intrude(world: World = world, here: Path = here, intruders: list[Child] = intruders) -> None:
                if not intruders:
                    intruders.append(Child(world, here, job=refused))

            first = Child(world, here, die_at=death, meanwhile=intrude if full else None)
            last = first if death is None else cleaned_up(world, here)
            found = outcome(world, here, f"{fault}: {name}", last, [])
            yield {**found, "intruder": intruders[0].result if intruders else None}


def warm_up(folder: Path) -> None:
    """Import everything once, here, so that no child spends time on that."""
    world = new_world(folder)
    world.fault("executed_then_reset")
    with world.repayer() as repay:
        repay.run(repay.plan("BNB", pay_with=["USDT"]))


def main() -> None:
    folder, kind, full = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["full"]
    warm_up(folder / "warm-up")
    for found in {"steps": steps, "recovery": recovery, "faults": faults}[kind](folder, full):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
