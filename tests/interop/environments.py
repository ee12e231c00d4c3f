"""One environment per client, made when it is first needed, under `.build/interop/`.

Each is a virtual environment of its own with the hashed pins of `requirements/interop-NAME.txt`, so that
nobody's dependencies decide anybody else's. The environment `paydown` also gets this
tree as a wheel: what is driven and measured is what a user installs, not the checkout.

    python -m tests.interop.environments [NAME ...]     make them (default: all) and print where they are
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".build" / "interop"
NAMES = ("paydown", "httpx", "official", "python-binance", "ccxt", "openxapi")
OURS = ("paydown",)

# What ends up in the wheel: when any of it changes, the environments with paydown are made anew.
WHEEL_SOURCES = ("pyproject.toml", "src", "generated_client/paydown_wire")


class EnvironmentFailed(RuntimeError):
    """An environment could not be made; the message holds what the tool said."""


def requirements(name: str) -> Path:
    """The hashed pins of one environment."""
    return ROOT / "requirements" / f"interop-{name}.txt"


def python(name: str) -> Path:
    """The interpreter of an environment, which is made first where it is missing or out of date.

    Raises:
        EnvironmentFailed: A package could not be installed, for example without a network.
    """
    if name not in NAMES:
        raise ValueError(f"no environment {name!r}; there are {', '.join(NAMES)}")
    HOME.mkdir(parents=True, exist_ok=True)
    folder = HOME / name
    with _alone(name):
        _once(folder, ".pins", _pins(name), lambda: _make(name, folder))
        if name in OURS:
            _once(folder, ".wheel", _tree(), lambda: _install_tree(folder))
    return folder / "bin" / "python"


def installed(name: str) -> dict[str, str]:
    """Distribution name -> version of what the pins of an environment name, without asking the network."""
    pins = (line.split(";")[0].strip(" \\\n") for line in requirements(name).read_text().splitlines())
    return dict(pin.split("==") for pin in pins if "==" in pin and not pin.startswith("#"))


def _once(folder: Path, stamp: str, fingerprint: str, make: Callable[[], None]) -> None:
    """Run `make` unless it was done before with the same fingerprint."""
    file = folder / stamp
    if not file.exists() or file.read_text(encoding="ascii") != fingerprint:
        make()
        file.write_text(fingerprint, encoding="ascii")


def _pins(name: str) -> str:
    return hashlib.sha256(sys.version.encode() + requirements(name).read_bytes()).hexdigest()


def _tree() -> str:
    digest = hashlib.sha256()
    for file in _wheel_files():
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _wheel_files() -> Iterator[Path]:
    for source in WHEEL_SOURCES:
        path = ROOT / source
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process at a time make an environment; the others wait and find it made."""
    with open(HOME / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise EnvironmentFailed(f"{' '.join(str(word) for word in command)} failed:\n{said}")


PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def _make(name: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", folder)
    _run(folder / "bin" / "python", *PIP, "--require-hashes", "-r", requirements(name))


def _install_tree(folder: Path) -> None:
    """Build this tree's wheel with the development environment's hatchling and install it."""
    wheels = folder / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    build = (
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
    )
    _run(sys.executable, *build, "--wheel-dir", wheels, ".")
    _run(
        folder / "bin" / "python",
        *PIP,
        "--no-deps",
        "--no-index",
        "--force-reinstall",
        next(wheels.glob("*.whl")),
    )


def main(names: list[str]) -> None:
    """Make the named environments, or all."""
    for name in names or list(NAMES):
        print(f"{name:16} {python(name).relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
