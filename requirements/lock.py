"""Pin every dependency anew, with the hashes of the files that a supported machine installs: `make lock`.

uv chooses the versions, and it keeps those of today unless a requirement forbids them. An index offers up to 170 files
of one version, for interpreters and systems that paydown does not support. Pinned are the one wheel per supported
interpreter and system that pip would install there, and the source where such a wheel is missing. Files of other kinds
are refused by `pip install --require-hashes`. No address of an index is written.

    python requirements/lock.py PATH_OF_UV [NAME ...]     write requirements/NAME.txt (default: all of them)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
OLDEST, NEWEST = 11, 14

# What a requirements file is made from: extras of pyproject.toml, or a file of its own (requirements/NAME.in).
EXTRAS = {"dev": ("dev",), "docs": ("docs",), "sandbox": ("sandbox",), "interop-paydown": ()}
NAMES = (*EXTRAS, *sorted(file.stem for file in FOLDER.glob("*.in")))


@dataclass(frozen=True, slots=True)
class Machine:
    """One interpreter on one system.

    Attributes:
        minor: The 12 of CPython 3.12.
        system: As `sys.platform` names it.
        families: What the platform tags of its wheels begin with.
        architectures: What they end with, the preferred one first.
    """

    minor: int
    system: str
    families: tuple[str, ...]
    architectures: tuple[str, ...]

    def allows(self, marker: str) -> bool:
        """Return whether a requirement with this marker is installed here with any patch release of Python."""
        architecture = {"amd64": "AMD64"}.get(self.architectures[0], self.architectures[0])
        here = {
            "implementation_name": "cpython",
            "os_name": "nt" if self.system == "win32" else "posix",
            "platform_machine": architecture,
            "platform_python_implementation": "CPython",
            "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[self.system],
            "python_version": f"3.{self.minor}",
            "sys_platform": self.system,
        }
        return not marker or any(
            Marker(marker).evaluate({**here, "python_full_version": f"3.{self.minor}.{patch}"})
            for patch in (0, 99)
        )

    def rank(self, tag: Tag) -> tuple[int, ...] | None:
        """Return how well a wheel with this tag fits, the least first, or None where it does not.

        The wheel for the oldest system is preferred: with it alone pinned, every newer system installs it too.
        """
        interpreter = self._interpreter(tag)
        if interpreter is None:
            return None
        if tag.platform == "any":
            return (*interpreter, 1)
        for place, architecture in enumerate(self.architectures):
            if tag.platform.startswith(self.families) and tag.platform.endswith(f"_{architecture}"):
                return (*interpreter, 0, place, *_release(tag.platform))
        return None

    def _interpreter(self, tag: Tag) -> tuple[int, int] | None:
        """Return (0, 0) for a wheel of this very interpreter; then come the stable interface and plain Python."""
        kind, version = tag.interpreter[:2], tag.interpreter[2:]
        if kind not in {"cp", "py"} or not version.startswith("3"):
            return None
        minor = int(version[1:] or 0)
        if kind == "cp" and minor == self.minor and tag.abi == tag.interpreter:
            return (0, 0)
        if minor <= self.minor and (kind, tag.abi) in {("cp", "abi3"), ("py", "none")}:
            return (1 if kind == "cp" else 2, self.minor - minor)
        return (1, 0) if (kind, minor, tag.abi) == ("cp", self.minor, "none") else None


MACHINES = tuple(
    Machine(minor, *system)
    for minor in range(OLDEST, NEWEST + 1)
    for system in (
        ("linux", ("manylinux", "linux"), ("x86_64",)),
        ("linux", ("manylinux", "linux"), ("aarch64",)),
        ("darwin", ("macosx",), ("x86_64", "universal2")),
        ("darwin", ("macosx",), ("arm64", "universal2")),
        ("win32", ("win",), ("amd64",)),
    )
)


def _release(platform: str) -> tuple[int, ...]:
    """Return the oldest release of the system that a platform tag asks for, such as (2, 17) of glibc."""
    named = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    first, _, rest = platform.partition("_")
    return named.get(first) or tuple(int(part) for part in rest.split("_")[:2] if part.isdigit())


def chosen(package: dict[str, Any]) -> list[str]:
    """Return the hashes to pin of one package of a lock: a wheel for each machine, and the source where one lacks.

    Args:
        package: A table of `packages` in pylock.toml (PEP 751).
    """
    wheels = {_name(wheel): wheel for wheel in package.get("wheels", ())}
    tags = {name: parse_wheel_filename(name)[3] for name in wheels}
    hashes: set[str] = set()
    for machine in MACHINES:
        if not machine.allows(package.get("marker", "")):
            continue
        fitting = [
            (rank, name) for name in wheels for tag in tags[name] if (rank := machine.rank(tag)) is not None
        ]
        file = wheels[min(fitting)[1]] if fitting else package.get("sdist")
        if file is not None:
            hashes.add(file["hashes"]["sha256"])
    if not hashes:
        raise SystemExit(f"{package['name']} {package['version']} has no file for any supported machine")
    return sorted(hashes)


def _name(file: dict[str, Any]) -> str:
    return str(file.get("name") or file["url"].rsplit("/", 1)[-1])


def written(pins: str, lock: dict[str, Any]) -> str:
    """Return a requirements file: the pins as uv wrote them, each followed by its hashes.

    Args:
        pins: Output of uv: a requirement per line, perhaps with a marker.
        lock: Content of the lock file, which holds the hashes.
    """
    packages = {(package["name"], package["version"]): package for package in lock["packages"]}
    lines: list[str] = []
    for pin in pins.splitlines():
        requirement, _, marker = pin.partition(";")
        name, _, version = requirement.strip().partition("==")
        package = {**packages[name, version], "marker": marker.strip()}
        lines.append(" \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in chosen(package))]))
    return "\n".join(lines) + "\n"


def _lock(uv: str, name: str) -> str:
    """Let uv choose the versions of one requirements file, and return the file with hashes."""
    made_from = (
        ["pyproject.toml", *(word for extra in EXTRAS[name] for word in ("--extra", extra))]
        if name in EXTRAS
        else [f"requirements/{name}.in"]
    )
    common = (
        uv,
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        f"3.{OLDEST}",
        "--no-header",
    )
    with tempfile.TemporaryDirectory() as folder:
        pins, lock = Path(folder, f"{name}.txt"), Path(folder, "pylock.toml")
        today = FOLDER / f"{name}.txt"
        if today.exists():
            pins.write_bytes(today.read_bytes())  # uv keeps the versions that it finds in its output
        _run(
            *common,
            *made_from,
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "-o",
            str(pins),
        )
        _run(*common, str(pins), "--no-deps", "--format", "pylock.toml", "-o", str(lock))
        return written(pins.read_text(encoding="utf-8"), tomllib.loads(lock.read_text(encoding="utf-8")))


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  # put together above, from no outside text


def main(uv: str, names: list[str]) -> Iterator[str]:
    """Write the named files, or all, and yield a line about each.

    Args:
        uv: Path of the uv program.
        names: Names of the files, without suffix; all of them if empty.
    """
    for name in names or NAMES:
        text = _lock(uv, name)
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
        yield f"requirements/{name}.txt: {text.count('--hash=')} hashes"


if __name__ == "__main__":
    for line in main(sys.argv[1], sys.argv[2:]):
        sys.stdout.write(line + "\n")
