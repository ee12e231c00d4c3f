"""Whatever is installed is pinned with its hashes, the tools of a build too, and a build fetches nothing by itself."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    """The program behind `make audit`, which is no package."""
    spec = importlib.util.spec_from_file_location("paydown_audit", ROOT / "requirements" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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
