"""The vectors for clients and servers in other languages are small, and another language checks them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from paydown_contract.document import Document
from paydown_contract.requests.raw_request import Request
from tests.contract.support import tamper_vectors
from tests.contract.support.exchange import exchange
from tests.contract.support.places import ROOT

NODE = shutil.which("node")
VERIFIER = ROOT / "tests" / "vectors" / "verify.mjs"


@pytest.fixture(scope="module")
def tamper(tmp_path_factory: pytest.TempPathFactory, contract: Document) -> Path:
    """The tamper matrix, written for this run."""
    folder = tmp_path_factory.mktemp("vectors") / "tamper"
    tamper_vectors.write(contract, folder)
    return folder


def test_the_matrix_stays_small(tamper: Path) -> None:
    """There is a file for each call, and together they are less than a megabyte."""
    files = sorted(tamper.glob("*"))
    assert [file.stem for file in files] == sorted(tamper_vectors.CALLS)
    assert sum(file.stat().st_size for file in files) < 1_000_000


@pytest.mark.parametrize("name", ["accountBalance", "ping"])
def test_a_reader_of_the_files_alone_can_hold_a_server_to_them(name: str, tamper: Path) -> None:
    """Read by their README, the requests get from the sandbox the answers that the files allow."""
    matrix = json.loads((tamper / f"{name}.json").read_text("utf-8"))
    accepted = 0
    with exchange() as running:
        for what, method, path, query, body, number, *headers in matrix["requests"]:
            verdict = matrix["verdicts"][number]
            usual = matrix["headers_with_body" if body else "headers"]
            request = Request(
                method or matrix["method"],
                path or matrix["path"],
                query.encode("latin-1"),
                tuple((key, value) for key, value in (headers[0] if headers else usual)),
                body.encode("latin-1"),
            )
            answer = running.send(request)
            if verdict["accepted"]:
                accepted += answer.status == 200
                assert answer.status == 200 or answer.code == -1108, what
            else:
                assert answer.status in verdict["statuses"], what
                assert not verdict["codes"] or answer.code in verdict["codes"], what
    assert accepted >= 2


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed: the vectors are checked by Python alone")
def test_another_language_finds_the_same(tamper: Path) -> None:
    """Node.js, with its own cryptography, verifies what verifies and nothing else."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(VERIFIER), str(tamper)], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    counts = [int(text) for text in re.findall(r"\d+", re.sub(r"tamper/\w+\.json", "", done.stdout))]
    assert counts[:2] == [11, 4]
    assert sum(counts[2:]) > 2000


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed: the vectors are checked by Python alone")
def test_another_language_sees_a_changed_vector(tmp_path: Path) -> None:
    """One character of a signature changed, and the checker names the vector that does not hold."""
    assert NODE is not None
    copy = tmp_path / "vectors"
    shutil.copytree(ROOT / "tests" / "vectors", copy)
    file = copy / "signing" / "c1.json"
    file.write_text(file.read_text("utf-8").replace('"signature": "c0', '"signature": "c1'), "utf-8")
    done = subprocess.run(
        [NODE, str(copy / "verify.mjs")], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 1
    assert "C1" in done.stderr
