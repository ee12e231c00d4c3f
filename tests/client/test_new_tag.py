"""A resource of the document is a property of both clients without a line written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from generator.cli import main
from generator.document.source_files import read_folder

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import inspect
from paydown import AsyncClient, Client
for kind in (Client, AsyncClient):
    method = kind().reachability.ping
    print(type(kind().reachability).__name__, inspect.iscoroutinefunction(method), hasattr(kind().market, "ping"))
"""


def test_a_new_tag_reaches_both_clients_by_generating_alone(tmp_path):
    """A call that moves to a tag of its own is found there, blocking and awaited, and no longer where it was."""
    document = tmp_path / "openapi"
    for name, content in read_folder(ROOT / "openapi").items():
        text = content.decode()
        if name == "openapi.yaml":
            text = text.replace(
                "\ntags:\n", "\ntags:\n  - {name: reachability, description: Whether it answers.}\n"
            )
        if name == "paths/market.yaml":
            text = text.replace("tags: [market]", "tags: [reachability]", 1)
        path = document / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert main(["--openapi", str(document), "--out", str(tmp_path / "client")]) == 0

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "client")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.splitlines() == [
        "ReachabilityResource False False",
        "AsyncReachabilityResource True False",
    ], done.stderr
