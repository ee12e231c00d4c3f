"""Run each of the three tools behind one function that returns its finding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .samples import samples

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "generated_client/paydown_wire/openapi.json"
CONTROL = ROOT / "src/paydown_sandbox/serving/control.openapi.json"
_DATAMODEL_ENV = ROOT / ".build/datamodel-env"
_DATAMODEL_PINS = ROOT / "requirements/datamodel.txt"
_NPM = ROOT / ".build/npm"
_MODELS = ROOT / ".build/datamodel/models.py"

# One package without dependencies; npm records its hash, and it is compared with this one before it runs.
_REDOCLY = "2.77.0"
_REDOCLY_INTEGRITY = (
    "sha512-XUa4hURDWLPG9WukIXo+UBqa9VpeTndmLI5PHu9QDkwtwH990Jsgz9nl2m1pZjsWrKFPP7avn6etRxxDbuD2Bg=="
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold the result of one tool on one document.

    Attributes:
        tool: Its name and version.
        verdict: "ok", "refused", or "left out" when it cannot run on this machine.
        text: The reason, in the words of the tool.
    """

    tool: str
    verdict: Literal["ok", "refused", "left out"]
    text: str


def validator(document: Path = DOCUMENT) -> Finding:
    """Check with openapi-spec-validator that a document is OpenAPI 3.1."""
    done = _run([sys.executable, "-m", "openapi_spec_validator", "--errors", "all", str(document)])
    return Finding("openapi-spec-validator", "refused" if done.returncode else "ok", _tail(done, document))


def redocly(document: Path = DOCUMENT) -> Finding:
    """Check with Redocly CLI, installed below .build/npm, for errors and warnings of its recommended rules."""
    tool = f"@redocly/cli {_REDOCLY}"
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return Finding(tool, "left out", "there is no npm on this machine")
    program = _NPM / "node_modules/.bin/redocly"
    if _installed() != (_REDOCLY, _REDOCLY_INTEGRITY):
        shutil.rmtree(_NPM, ignore_errors=True)
        _NPM.mkdir(parents=True)
        quiet = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        done = _run([npm, "install", "--prefix", str(_NPM), *quiet, f"@redocly/cli@{_REDOCLY}"])
        if done.returncode:
            return Finding(tool, "left out", f"npm could not install it: {_tail(done, document)}")
        if _installed() != (_REDOCLY, _REDOCLY_INTEGRITY):
            return Finding(tool, "refused", "what npm installed is not the package that was pinned")
    config = Path(__file__).with_name("redocly.yaml")
    done = _run(
        [
            str(program),
            "lint",
            "--config",
            str(config),
            "--format",
            "json",
            "--max-problems",
            "50",
            str(document),
        ],
        # It must not call home, neither with what it saw nor for a newer version of itself.
        environment={"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
    )
    try:
        problems = json.loads(done.stdout)["problems"]
    except (ValueError, KeyError, TypeError):
        return Finding(tool, "refused", _tail(done, document))
    listed = [
        f"{one['severity']} {one['ruleId']}: {one['message']} ({one['location'][0].get('pointer', '')})"
        for one in problems
        if not one.get("ignored")
    ]
    if listed or done.returncode:
        return Finding(tool, "refused", "\n".join(listed) or _tail(done, document))
    return Finding(tool, "ok", "recommended rules, no errors and no warnings")


def another_generator(document: Path = DOCUMENT) -> Finding:
    """Let datamodel-code-generator write models, import them, and put every sample of the document through them."""
    tool = "datamodel-code-generator"
    trouble = _environment()
    if trouble:
        return Finding(tool, "left out", f"its environment could not be made: {trouble}")
    program = _DATAMODEL_ENV / "bin/datamodel-codegen"
    _MODELS.parent.mkdir(parents=True, exist_ok=True)
    _MODELS.unlink(missing_ok=True)
    done = _run(
        [
            *(
                str(program),
                "--input",
                str(document),
                "--input-file-type",
                "openapi",
                "--output",
                str(_MODELS),
            ),
            *("--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11"),
            *("--formatters", "builtin", "--disable-timestamp"),
        ]
    )
    if done.returncode:
        return Finding(tool, "refused", _tail(done, document))
    found = [asdict(sample) for sample in samples(json.loads(document.read_bytes()))]
    checker = Path(__file__).with_name("foreign_models.py")
    done = _run([str(_DATAMODEL_ENV / "bin/python"), str(checker), str(_MODELS)], given=json.dumps(found))
    return Finding(tool, "refused" if done.returncode else "ok", _tail(done, document))


def _environment() -> str:
    """Make the environment of the other generator unless it holds these pins; return why that failed, or ""."""
    made_from = _DATAMODEL_ENV / "made-from.txt"
    pins = _DATAMODEL_PINS.read_text(encoding="utf-8")
    if made_from.exists() and made_from.read_text(encoding="utf-8") == pins:
        return ""
    python = str(_DATAMODEL_ENV / "bin/python")
    install = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r")
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(_DATAMODEL_ENV)],
        [python, "-m", "pip", *install, str(_DATAMODEL_PINS)],
    ):
        done = _run(command)
        if done.returncode:
            return (done.stderr.strip() or done.stdout.strip())[-500:]
    made_from.write_text(pins, encoding="utf-8")
    return ""


def _installed() -> tuple[str, str]:
    try:
        lock = json.loads((_NPM / "node_modules/.package-lock.json").read_bytes())
        package = lock["packages"]["node_modules/@redocly/cli"]
        return str(package["version"]), str(package["integrity"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""


def _run(
    command: Sequence[str], *, given: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # every command is put together above, from no outside text
        command,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )


def _tail(done: subprocess.CompletedProcess[str], document: Path) -> str:
    """Return the last lines that a tool wrote, without the path of the document."""
    text = (done.stdout.strip() or done.stderr.strip()).replace(f"{document}: ", "")
    return "\n".join(text.splitlines()[-20:])
