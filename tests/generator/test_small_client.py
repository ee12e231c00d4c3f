"""The client made from the small document, used the way the runtime uses it, in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from generator.cli import main
from tests.generator.small_document import FOLDER

PROGRAM = Path(__file__).parent / "programs" / "use_small_client.py"


@pytest.fixture(scope="module")
def small_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client made from the small document."""
    target = tmp_path_factory.mktemp("small") / "client"
    assert main(["--openapi", str(FOLDER), "--out", str(target)]) == 0
    return target


def test_the_small_client_follows_its_document(small_client: Path) -> None:
    """
    Arguments, both colours, two shapes of one answer, pages, decimals, enums, events and facts all work.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(small_client)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "used\n"), done.stderr
