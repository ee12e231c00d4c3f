"""The Makefile takes the newest Python that the project supports and that can do the work."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAKE = shutil.which("make") or "make"


def told(expression: str, path: str | None = None, **environ: str) -> str:
    """What the Makefile makes of an expression."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHON")}
    shown = subprocess.run(
        [MAKE, "--silent", "--no-print-directory", f"--eval=show: ; @echo '{expression}'", "show"],
        cwd=ROOT,
        env={**environment, "PATH": path or environment["PATH"], **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A path with the tools that make itself needs, and without any Python."""
    for tool in ("bash", "sh", "echo"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def install(machine: Path, name: str, *, works: bool) -> None:
    """An interpreter that can do the work, or one that cannot: too old, without venv, or a shim of nothing."""
    program = machine / name
    program.write_text(f"#!/bin/sh\nexit {0 if works else 127}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("works", "broken", "chosen"),
    [
        (("python3.11", "python3.12", "python3.13", "python3.14", "python3"), (), "python3.14"),
        (("python3.11", "python3.13", "python3"), (), "python3.13"),
        (("python3.11", "python3.12"), ("python3.14", "python3.13"), "python3.12"),
        (("python3",), ("python3.12",), "python3"),
        (("python3.10", "python3.15", "python"), ("python3",), ""),
        ((), (), ""),
    ],
)
def test_the_newest_python_that_can_do_the_work_is_taken(machine, works, broken, chosen):
    """Not the oldest, not a shim that runs nothing, and none that the project does not support."""
    for name in works:
        install(machine, name, works=True)
    for name in broken:
        install(machine, name, works=False)
    assert told("$(PYTHON)", str(machine)) == chosen


def test_a_python_that_was_asked_for_is_taken(machine):
    """Whoever names one gets it."""
    install(machine, "python3.14", works=True)
    assert told("$(PYTHON)", str(machine), PYTHON="/opt/own/python") == "/opt/own/python"


def test_a_machine_without_python_is_told_what_to_install(machine, tmp_path):
    """The versions, and the modules that a distribution may keep apart."""
    ended = subprocess.run(
        [MAKE, "setup", f"VENV={tmp_path}/env"],
        cwd=ROOT,
        env={"PATH": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    for needed in (*supported(), "python3-venv", "make PYTHON="):
        assert needed in ended.stderr


def supported() -> list[str]:
    """The versions that the Makefile names."""
    return told("$(SUPPORTED)").split()


def test_makefile_and_package_support_the_same_versions():
    """What pip is told, what a reader of the package index is told, and what is tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    classified = [
        f"3.{line.removeprefix(prefix)}" for line in project["classifiers"] if line.startswith(prefix)
    ]
    assert supported() == classified[::-1]
    assert project["requires-python"] == f">={classified[0]}"


def test_every_python_of_the_machine_is_tested_and_the_others_are_named(machine):
    """One that fails does not keep the next from being tried, and each has an environment of its own."""
    for name in ("python3.14", "python3.12", "python3.11"):
        install(machine, name, works=True)
    inner = machine / "inner-make"
    inner.write_text('#!/bin/sh\necho "$@"\ncase "$*" in *3.14*) exit 1;; esac\n')
    inner.chmod(0o755)

    def all_of_them() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [MAKE, "--silent", "--no-print-directory", "test-all", f"MAKE={inner}"],
            cwd=ROOT,
            env={"PATH": str(machine)},
            capture_output=True,
            text=True,
            check=False,
        )

    ended = all_of_them()
    assert ended.returncode != 0
    assert ended.stdout.splitlines()[-1] == "passed: 3.12 3.11; failed: 3.14; not on this machine: 3.13"
    for version in ("3.14", "3.12", "3.11"):
        assert f"PYTHON=python{version} VENV=.build/envs/{version}" in ended.stdout

    (machine / "python3.14").unlink()
    ended = all_of_them()
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == "passed: 3.12 3.11; failed: none; not on this machine: 3.14 3.13"

    for name in ("python3.12", "python3.11"):
        (machine / name).unlink()
    assert all_of_them().returncode != 0  # nothing was tested
