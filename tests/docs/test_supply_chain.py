"""Whatever is installed is pinned with its hashes, the tools of a build too, and a build fetches nothing by itself."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
_INSTALL = re.compile(r"pip(?:\s+--?[\w-]+)*\s+(?:install|wheel)\b[^\n;&|]*(?:\\\n[^\n;&|]*)*")


def _commands(file: Path) -> list[str]:
    return [" ".join(found.split()) for found in _INSTALL.findall(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=[file.name for file in REQUIREMENTS])
def test_every_requirement_is_pinned_with_its_hashes(file: Path) -> None:
    """
    Each package has one exact version and at least one SHA-256, and no line says where to fetch it.
    """
    text = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[A-Za-z0-9.+!-]+( ;[^-]*)?(\s|$)", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile"])
def test_no_build_fetches_what_is_not_pinned(name: str) -> None:
    """
    Every pip command checks hashes, or may fetch nothing: neither the project nor its build tools come unchecked.
    """
    commands = _commands(ROOT / name)

    assert commands
    for command in commands:
        assert (
            "--require-hashes" in command
            or "--no-index" in command
            or ("--no-deps" in command and "--no-build-isolation" in command)
        ), command


def test_the_tools_of_a_build_are_the_ones_that_are_pinned() -> None:
    """
    The version of the build's backend stands in pyproject.toml, and with its hashes beside the other pins.
    """
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert all("==" in each for each in needed)
    for name in ("build.txt", "dev.txt"):
        pinned = (ROOT / "requirements" / name).read_text()
        for each in needed:
            assert re.search(rf"^{re.escape(each)} ", pinned, re.MULTILINE), (name, each)


def _program(name: str) -> ModuleType:
    """Return a program of requirements/, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(f"paydown_{name}", ROOT / "requirements" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    """The program behind `make audit`."""
    return _program("audit")


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    """The program behind `make lock`."""
    return _program("lock")


def _offered(marker: str, *wheels: str) -> dict[str, Any]:
    """Return a package of a lock whose files have their own names in the place of hashes."""
    return {
        "name": "a",
        "version": "1",
        "marker": marker,
        "sdist": {"url": "x/a-1.tar.gz", "hashes": {"sha256": "source"}},
        "wheels": [{"url": f"x/a-1-{tag}.whl", "hashes": {"sha256": tag}} for tag in wheels],
    }


@pytest.mark.parametrize(
    ("marker", "offered", "pinned"),
    [
        pytest.param("", ["py3-none-any"], ["py3-none-any"], id="one wheel for all needs no source"),
        pytest.param(
            "",
            ["cp314-cp314t-win_amd64", "pp311-pypy311_pp73-win_amd64", "cp312-abi3-musllinux_1_2_x86_64"],
            ["source"],
            id="free threads, PyPy and musl are not supported",
        ),
        pytest.param(
            "sys_platform == 'win32'",
            ["cp39-abi3-win_amd64", "cp312-abi3-win_amd64", "cp310-cp310-win_amd64", "cp39-abi3-win32"],
            ["cp312-abi3-win_amd64", "cp39-abi3-win_amd64"],
            id="the newest stable interface that an interpreter has",
        ),
        pytest.param(
            "sys_platform == 'win32' and python_full_version < '3.11.5'",
            ["cp311-cp311-win_amd64", "cp312-cp312-win_amd64"],
            ["cp311-cp311-win_amd64"],
            id="a marker leaves interpreters out, down to the patch release",
        ),
        pytest.param(
            "sys_platform == 'linux' and python_version == '3.13' and platform_machine == 'x86_64'",
            ["cp313-cp313-manylinux_2_34_x86_64", "cp313-cp313-manylinux2014_x86_64", "py3-none-any"],
            ["cp313-cp313-manylinux2014_x86_64"],
            id="the oldest glibc, which newer ones run too",
        ),
        pytest.param(
            "sys_platform == 'darwin'",
            ["cp38-abi3-macosx_11_0_arm64", "cp38-abi3-macosx_10_9_universal2"],
            ["cp38-abi3-macosx_10_9_universal2", "cp38-abi3-macosx_11_0_arm64"],
            id="the universal wheel where none is made for the processor",
        ),
        pytest.param(
            "python_version == '3.14' and sys_platform != 'darwin'",
            ["cp314-cp314-manylinux_2_17_x86_64", "cp314-cp314-win_amd64"],
            ["cp314-cp314-manylinux_2_17_x86_64", "cp314-cp314-win_amd64", "source"],
            id="the source where one supported system has no wheel",
        ),
    ],
)
def test_a_lock_pins_what_supported_machines_install(
    lock: ModuleType, marker: str, offered: list[str], pinned: list[str]
) -> None:
    """One wheel per supported interpreter and system is pinned, and the source only where one has none."""
    assert lock.chosen(_offered(marker, *offered)) == pinned


def test_a_lock_refuses_a_package_without_any_file(lock: ModuleType) -> None:
    """A package that no supported machine could install is named, and no file is written without its hashes."""
    with pytest.raises(SystemExit, match="a 1 has no file"):
        lock.chosen(_offered("sys_platform == 'plan9'", "py3-none-any"))


def test_a_lock_writes_pins_with_hashes(lock: ModuleType) -> None:
    """Each pin keeps its marker and is followed by its hashes."""
    packages = [_offered("", "py3-none-any"), {**_offered("", "py3-none-any"), "version": "2"}]

    assert lock.written("a==1\na==2 ; sys_platform == 'linux'\n", {"packages": packages}) == (
        "a==1 \\\n    --hash=sha256:py3-none-any\n"
        "a==2 ; sys_platform == 'linux' \\\n    --hash=sha256:py3-none-any\n"
    )


def test_an_audit_that_asked_nothing_claims_nothing(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """
    Without the tool, without an answer, and with "not found" for every package: one sentence, exit code 0.
    """
    skipped = json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]})
    for answer in (None, "", "[]", '{"dependencies": [{}]}', skipped):
        program = tmp_path / "answers.py"
        program.write_text(f"print({answer!r})")
        command = [str(tmp_path / "absent")] if answer is None else [sys.executable, str(program)]
        assert audit.main(command) == 0
        assert capsys.readouterr().out.strip() == audit.UNREACHABLE


def test_an_audit_names_what_is_known(
    audit: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """
    A known vulnerability is a line with the version that fixes it, and exit code 1.
    """
    vulnerable = {"name": "b", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
    answer = {
        "dependencies": [
            vulnerable,
            {"name": "c", "version": "1", "vulns": []},
            {"name": "d", "skip_reason": "x"},
        ]
    }
    program = tmp_path / "answers.py"
    program.write_text(f"print({json.dumps(answer)!r})")

    assert audit.main([sys.executable, str(program)]) == 1

    said = capsys.readouterr().out
    assert "b 1: X-1, fixed in 2" in said
    assert "not in the database: d" in said
