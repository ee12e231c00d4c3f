"""Drive one client over its standard input and output: one JSON object per line in, one per line out.

Runs inside the environment of a client that nobody here wrote, so it imports the standard library only. A
script beside this one wraps its client in `repay` and `warm` (plain functions or coroutine functions) and
calls `main`.

    {"do": "repay", "asset": "BNB", "amount": "0.5", "using": ["USDT"], "tries": 3}
        -> {"tries": [{"raised": "module.Type", "text": "..."}, {"returned": "..."}]}   stops once it returned
    {"do": "measure", "calls": 200, "in_flight": 1}
        -> {"cpu_us": 510.2, "wall_us": 890.1, "p50_us": 880.0, "p99_us": 1400.0, "failed": 0, "failure": ""}
    {"do": "memory"} -> {"rss_kb": 26000}          resident memory now
    {"do": "warm"} -> {}                           one read, so that a connection exists
    {"do": "renew", "timeout_s": 1.0} -> {}        forget the client and make a new one, of this patience
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

AMOUNT = "0.00000001"  # small enough that no measurement runs out of debt
PAYING = ["USDT"]
DEBTS = ["BNB", *(f"BNB{number}" for number in range(1, 50))]  # what the exchanges of `..exchange` know


class Client:
    """What a script provides: functions, or coroutine functions where it was started with `--async`."""

    def __init__(
        self,
        repay: Callable[[str, str | None, list[str]], Any],
        warm: Callable[[], Any],
        close: Callable[[], Any] | None = None,
    ) -> None:
        self.repay, self.warm, self.close = repay, warm, close


def form(asset: str, amount: str | None, using: list[str]) -> dict[str, str]:
    """The parameters of a repayment by their wire names, for clients that take them as they are."""
    fields = {"asset": asset}
    if amount is not None:
        fields["amount"] = amount
    if using:
        fields["specifyRepayAssets"] = ",".join(using)
    return fields


Make = Callable[[argparse.Namespace], Client | Awaitable[Client]]


def _type_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


async def _maybe(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _rss_kb() -> int:
    """Resident memory now, in KiB; the highest so far where the system has no /proc."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _summary(cpu_ns: int, wall_ns: int, took_ns: list[int], failures: list[str]) -> dict[str, Any]:
    calls = len(took_ns)
    took_ns.sort()
    return {
        "calls": calls,
        "cpu_us": cpu_ns / calls / 1000,
        "wall_us": wall_ns / calls / 1000,
        "p50_us": took_ns[calls // 2] / 1000,
        "p99_us": took_ns[min(calls - 1, calls * 99 // 100)] / 1000,
        "failed": len(failures),
        "failure": failures[0] if failures else "",
    }


class Driver:
    """Answers the commands. Synchronous clients run without an event loop, as their users run them."""

    def __init__(
        self, make: Make, options: argparse.Namespace, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self.make, self.options, self.loop = make, options, loop
        self.client: Client = self._run(make(options))

    def _run(self, value: Any) -> Any:
        return self.loop.run_until_complete(_maybe(value)) if self.loop else value

    def repay(self, asset: str, amount: str | None, using: list[str], tries: int) -> dict[str, Any]:
        """Call, and call again after any exception, as a careless caller does."""
        seen: list[dict[str, Any]] = []
        for _ in range(tries):
            try:
                seen.append({"returned": repr(self._run(self.client.repay(asset, amount, using)))})
                break
            except Exception as error:  # noqa: BLE001  # what a careless caller writes
                seen.append({"raised": _type_name(error), "text": str(error)[:500]})
        return {"tries": seen}

    def renew(self, timeout_s: float) -> dict[str, Any]:
        self.close()
        self.options.timeout_s = timeout_s
        self.client = self._run(self.make(self.options))
        return {}

    def warm(self) -> dict[str, Any]:
        self._run(self.client.warm())
        return {}

    def measure(self, calls: int, in_flight: int) -> dict[str, Any]:
        if self.loop is None:
            if in_flight != 1:
                raise ValueError("a synchronous client has one call in flight")
            return self._measure_sync(calls)
        result: dict[str, Any] = self.loop.run_until_complete(self._measure_async(calls, in_flight))
        return result

    def _measure_sync(self, calls: int) -> dict[str, Any]:
        took: list[int] = []
        failures: list[str] = []
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for _ in range(calls):
            begun = time.perf_counter_ns()
            try:
                self.client.repay("BNB", AMOUNT, PAYING)
            except Exception as error:  # noqa: BLE001  # counted, whatever it is
                failures.append(f"{_type_name(error)}: {error}"[:300])
            took.append(time.perf_counter_ns() - begun)
        return _summary(time.process_time_ns() - cpu, time.perf_counter_ns() - wall, took, failures)

    async def _measure_async(self, calls: int, in_flight: int) -> dict[str, Any]:
        took: list[int] = []
        failures: list[str] = []
        left = iter(range(calls))

        async def one_after_the_other(asset: str) -> None:
            for _ in left:
                begun = time.perf_counter_ns()
                try:
                    await self.client.repay(asset, AMOUNT, PAYING)
                except Exception as error:  # noqa: BLE001  # counted, whatever it is
                    failures.append(f"{_type_name(error)}: {error}"[:300])
                took.append(time.perf_counter_ns() - begun)

        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        # Each repays a debt of its own: two repayments of one debt at once are what a careful client refuses.
        await asyncio.gather(*(one_after_the_other(asset) for asset in DEBTS[:in_flight]))
        return _summary(time.process_time_ns() - cpu, time.perf_counter_ns() - wall, took, failures)

    def memory(self) -> dict[str, Any]:
        return {"rss_kb": _rss_kb()}

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        match command.pop("do"):
            case "repay":
                return self.repay(**command)
            case "warm":
                return self.warm()
            case "renew":
                return self.renew(**command)
            case "measure":
                return self.measure(**command)
            case "memory":
                return self.memory()
            case other:
                raise ValueError(f"no command {other!r}")

    def close(self) -> None:
        if self.client.close is not None:
            self._run(self.client.close())


def main(make: Make) -> None:
    """Make the client as the arguments say, then answer commands until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--timeout-s", type=float, default=10.0)
    parser.add_argument(
        "--async", dest="is_async", action="store_true", help="the client's asynchronous side"
    )
    parser.add_argument("--budget", choices=["shared", "memory"], default="shared", help="paydown's ledger")
    parser.add_argument(
        "--signed-for-them", action="store_true", help="add what the client leaves out (openxapi)"
    )
    arguments = parser.parse_args()

    out = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not look like an answer
    loop = asyncio.new_event_loop() if arguments.is_async else None
    driver = Driver(make, arguments, loop)

    def say(value: dict[str, Any]) -> None:
        out.write(json.dumps(value) + "\n")
        out.flush()

    say({"ready": True})
    for line in sys.stdin:
        try:
            say(driver.answer(json.loads(line)))
        except Exception as error:  # noqa: BLE001  # told to whoever gave the command
            say({"error": f"{_type_name(error)}: {error}"})
    driver.close()
    if loop:
        loop.close()
