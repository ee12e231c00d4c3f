"""What a reader copies from the guides works: Python runs, tests pass, calls of the control API are accepted."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from paydown_sandbox.faults.faults import FAULTS
from paydown_sandbox.faults.scenario import bundled_scenarios
from paydown_sandbox.sandbox import SocketSandbox
from paydown_sandbox.serving.application import create_app
from paydown_sandbox.state.state_reader import demo_state
from tools.docs_site.page_facts import ROOT

GUIDES = sorted((ROOT / "docs").glob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    """Every fenced block of a language, named after its page and its number there."""
    return [
        pytest.param(text, id=f"{path.stem}-{number}")
        for path in GUIDES
        for number, (found, text) in enumerate(FENCE.findall(path.read_text("utf-8")), 1)
        if found == language
    ]


PROGRAMS = [one for one in blocks("python") if "def test_" not in one.values[0]]
TESTS = [one for one in blocks("python") if "def test_" in one.values[0]]


def environment(state: Path) -> dict[str, str]:
    """An environment whose state directory is the test's own, with no key from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYDOWN_")}
    return {**kept, "XDG_STATE_HOME": str(state), "HOME": str(state)}


def run(command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
    """Run a program; what it wrote is shown if it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_guides_runs(program, tmp_path):
    """Each Python block runs as it stands, against a sandbox in the state that it starts with."""
    with SocketSandbox(demo_state()) as sandbox:
        env = environment(tmp_path) | sandbox.environment
        run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, env=env)


def test_the_tests_of_the_guides_pass(tmp_path):
    """Each block of tests passes as it stands, in an empty folder, with no other plugin than ours."""
    for number, one in enumerate(TESTS):
        (tmp_path / f"test_copied_{number}.py").write_text(one.values[0], encoding="utf-8")
    env = environment(tmp_path) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "paydown_sandbox.pytest_plugin", "-W", "error"]

    assert TESTS
    run([sys.executable, "-m", "pytest", *quiet], cwd=tmp_path, env=env)


def test_the_examples_of_other_clients_are_shown():
    """The line that takes in a file stands as mkdocs reads it: a formatter of Python would rewrite it."""
    page = (ROOT / "docs" / "your-tests.md").read_text("utf-8")
    examples = sorted((ROOT / "examples").glob("other_clients_*.py"))

    assert examples
    for example in examples:
        line = f'    --8<-- "examples/{example.name}"'
        assert f"    ``` {{ .python }}\n{line}\n    ```\n" in page
    assert "--8 <" not in "".join(path.read_text("utf-8") for path in GUIDES)


def curls() -> list[object]:
    """Every `curl` of the guides as (method, target, body)."""
    found: list[object] = []
    for one in blocks("bash"):
        text = one.values[0]
        for line in re.split(r"^(?=curl )", text, flags=re.MULTILINE):
            words = shlex.split(line) if line.startswith("curl ") else []
            if not words or "state.json" in line:
                continue
            body = words[words.index("--json") + 1] if "--json" in words else ""
            method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
            url = urlsplit(next(word for word in words if word.startswith("http://")))
            target = f"{url.path}?{url.query}" if url.query else url.path
            found.append(pytest.param(method, target, body, id=f"{one.id}-{method}-{url.path}"))
    return found


@pytest.mark.parametrize(("method", "target", "body"), curls())
def test_a_call_of_the_control_api_is_accepted(method, target, body):
    """Each `curl` of the guides is a call that the sandbox takes."""

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(state=demo_state()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8087") as client:
            headers = {"content-type": "application/json"} if body else {}
            return await client.request(method, target, content=body, headers=headers)

    answer = asyncio.run(call())

    assert answer.status_code in (200, 201), answer.text
    assert isinstance(json.loads(answer.text), dict)


def test_the_guide_to_faults_names_each_fault_with_its_kind():
    """Every fault of the sandbox has a row, and no row names a fault that is gone."""
    page = (ROOT / "docs/faults.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (gateway|refused|executed|passage) \| .* \| ([^|]+) \|$", page, re.MULTILINE
    )

    assert {name: kind for name, kind, _ in rows} == FAULTS
    assert len(rows) == len(FAULTS)
    for name, kind, executed in rows:
        assert executed.startswith("**yes**") == (kind == "executed" or name == "delay_before"), name


def test_the_guide_to_faults_names_each_bundled_scenario():
    """Every scenario that comes with the package can be found by reading."""
    page = (ROOT / "docs/faults.md").read_text("utf-8")

    for name in bundled_scenarios():
        assert f"`{name}`" in page


def test_every_make_target_of_the_guides_exists():
    """A guide never names a target that the Makefile does not have."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = {target for path in GUIDES for target in re.findall(r"`make ([a-z-]+)`", path.read_text("utf-8"))}

    assert named <= targets
