"""Measure the resident memory of a process that made one signed repayment."""

from __future__ import annotations

import subprocess

from benchmarks import servers
from benchmarks.calls import QUICK
from benchmarks.field import BASELINE, OURS, clients
from benchmarks.result import Section, Settings, Table, median
from tests.interop import environments
from tests.interop.peer import Running, clean_environment

BARE = (
    "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 1024)"
)


def run(settings: Settings) -> Section:
    """Start each client anew, make one call, read the resident set."""
    section = Section("memory", "Resident memory after the first call")
    peers = clients(section, settings, QUICK)
    kept: dict[str, list[float]] = {peer.name: [] for peer in peers}
    with servers.chosen(settings.server) as target:
        for _ in range(settings.rounds(3, 2)):
            for peer in peers:
                with Running.of(peer, target) as client:
                    tried = client.ask("repay", asset="BNB", amount="0.00000001", using=["USDT"], tries=1)
                    if "raised" in tried["tries"][0]:
                        raise RuntimeError(f"{peer.name} could not repay: {tried['tries'][0]['text']}")
                    kept[peer.name].append(client.ask("memory")["rss_kb"] / 1024)
    table = Table("", ["client", "MiB", "x raw httpx"])
    base = median(kept[BASELINE])
    table.rows.append(["python alone", _bare(), None])
    for name, values in kept.items():
        table.rows.append([name, median(values), median(values) / base])
    section.tables.append(table)
    section.at_most(
        "resident memory after the first call, paydown / raw httpx", median(kept[OURS]) / base, "x", 1.25
    )
    return section


def _bare() -> float | None:
    python = environments.python("httpx")
    done = subprocess.run(
        [python, "-I", "-c", BARE],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return int(done.stdout) / 1024 if done.returncode == 0 else None
