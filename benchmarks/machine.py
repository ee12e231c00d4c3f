"""Read the facts about the machine and the versions, without which a number means nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from benchmarks.result import ROOT
from tests.interop import environments


def facts() -> dict[str, str]:
    """Processor, cores, memory, system, interpreter, commit."""
    return {
        "processor": _first(Path("/proc/cpuinfo"), "model name")
        or platform.processor()
        or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "valgrind": _said("valgrind", "--version") or "missing",
        "commit": _commit(),
    }


def versions() -> dict[str, str]:
    """Return the version of each client that is compared."""
    of = {
        "httpx": ("httpx", "httpx"),
        "official": ("official", "binance-sdk-derivatives-trading-portfolio-margin"),
        "python-binance": ("python-binance", "python-binance"),
        "ccxt": ("ccxt", "ccxt"),
        "openxapi": ("openxapi", "openxapi-binance"),
    }
    return {name: environments.installed(home)[package] for name, (home, package) in of.items()}


def load() -> float:
    """How many processes wanted a core in the last minute: above the number of cores, times are inflated."""
    return os.getloadavg()[0]


def _first(path: Path, key: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _memory() -> str:
    total = _first(Path("/proc/meminfo"), "MemTotal")
    return f"{int(total.split()[0]) // 1024 // 1024} GiB" if total else "unknown"


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _commit() -> str:
    revision = _said("git", "rev-parse", "--short", "HEAD")
    changed = _said("git", "status", "--porcelain", "--untracked-files=no")
    return (revision or "unknown") + (" with changes" if changed else "")
