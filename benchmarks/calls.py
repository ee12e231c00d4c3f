"""What one signed repayment costs the process that makes it: CPU, and latency on a kept-alive connection.

All clients run side by side, each in its process and environment, against one server process. In every round
each client makes its calls once, so that a busy moment of the machine hits all; a row is the median of its
rounds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from benchmarks import servers
from benchmarks.field import BASELINE, OURS, clients
from benchmarks.result import Section, Settings, Table, median
from tests.interop.peer import BY_NAME, DriverFailed, Peer, Running, Target

QUICK = (
    "paydown",
    "paydown, budget in memory",
    "paydown async",
    "raw httpx",
    "raw httpx async",
)
IN_FLIGHT = (16, 50)
CALLS_IN_FLIGHT = 300


def run(settings: Settings) -> Section:
    """One call after the other, then many in flight."""
    section = Section("calls", "One signed repayment, kept-alive connection")
    peers = clients(section, settings, QUICK)
    with servers.chosen(settings.server) as target, contextlib.ExitStack() as stack:
        running: dict[str, Running] = {}
        for peer in peers:
            try:
                running[peer.name] = stack.enter_context(_warm(peer, target))
            except (DriverFailed, CallsFailed) as error:
                if peer.name in (OURS, BASELINE):
                    raise
                section.left_out.append(f"{peer.name}: {error}")
        _one_in_flight(section, settings, running)
        _many_in_flight(
            section, settings, {name: running[name] for name in running if BY_NAME[name].is_async}
        )
    section.notes.append(
        "CPU is that of the client's process, user and system. "
        "openxapi never signs this call; here it gets the missing signature."
    )
    return section


class CallsFailed(RuntimeError):
    """Repayments of a client failed; the message holds the first failure."""


@contextlib.contextmanager
def _warm(peer: Peer, target: Target) -> Iterator[Running]:
    with Running.of(peer, target) as client:
        client.ask("warm")
        _measure(client, 50)
        yield client


def _one_in_flight(section: Section, settings: Settings, running: dict[str, Running]) -> None:
    calls = 100 if settings.quick else 150
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    for _ in range(settings.rounds(5, 4)):
        for name, client in running.items():
            measured[name].append(_measure(client, calls))
    table = Table("One in flight, per call", ["client", "CPU us", "x raw httpx", "p50 us", "p99 us"])
    for name, rounds in measured.items():
        ratio = [a["cpu_us"] / b["cpu_us"] for a, b in zip(rounds, measured[BASELINE], strict=True)]
        table.rows.append(
            [
                name,
                *_medians(rounds, "cpu_us"),
                median(ratio),
                *_medians(rounds, "p50_us", "p99_us"),
            ]
        )
    section.tables.append(table)
    for name in (each for each in measured if each.startswith("paydown")):
        ratio = [a["cpu_us"] / b["cpu_us"] for a, b in zip(measured[name], measured[BASELINE], strict=True)]
        section.figure(f"CPU per call, {name} / raw httpx", median(ratio), "x")


def _many_in_flight(section: Section, settings: Settings, running: dict[str, Running]) -> None:
    for in_flight in IN_FLIGHT:
        table = Table(f"{in_flight} in flight, per call", ["client", "CPU us", "wall us", "p99 us", "failed"])
        for client in running.values():  # opens the connections
            client.ask("measure", calls=in_flight * 2, in_flight=in_flight)
        measured: dict[str, list[dict[str, float]]] = {name: [] for name in running}
        for _ in range(settings.rounds(3, 2)):
            for name, client in running.items():
                # Failures are shown, not refused: a signature that queues for seconds grows too old (-1021).
                measured[name].append(
                    client.ask("measure", calls=CALLS_IN_FLIGHT, in_flight=in_flight, answer_s=300)
                )
        for name, rounds in measured.items():
            failed = int(sum(row["failed"] for row in rounds))
            table.rows.append([name, *_medians(rounds, "cpu_us", "wall_us", "p99_us"), failed])
            if name.startswith("paydown") and in_flight == 16:
                section.at_most(
                    f"CPU per call at 16 in flight, {name}", _medians(rounds, "cpu_us")[0], "us", 450
                )
        section.tables.append(table)


def _measure(client: Running, calls: int) -> dict[str, float]:
    """One round of one client; a repayment that failed costs something else than one that succeeded."""
    answer = client.ask("measure", calls=calls, in_flight=1, answer_s=300)
    if answer["failed"]:
        raise CallsFailed(f"{answer['failed']} of {calls} calls failed, the first with {answer['failure']}")
    return answer


def _medians(rounds: list[dict[str, float]], *keys: str) -> list[float]:
    return [median([row[key] for row in rounds]) for key in keys]
