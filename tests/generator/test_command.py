"""`python -m generator`, driven the way `make` drives it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generator import file_tree as tree
from generator.cli import main
from tests.generator.small_document import FOLDER

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client made from the small document."""
    target = tmp_path_factory.mktemp("written") / "client"
    assert main(["--openapi", str(FOLDER), "--out", str(target)]) == 0
    return target


def test_a_run_summarizes_itself_on_one_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The summary names resources, counts and files, in fewer lines than a screen has.
    """
    assert main(["--openapi", str(FOLDER), "--out", str(tmp_path / "client")]) == 0

    said = capsys.readouterr().out
    assert "margin          2  balance, repay_debt" in said
    assert "4 calls: 1 change something, 1 are read page by page" in said
    assert len(said.splitlines()) <= 24


def test_check_accepts_what_was_just_written(written: Path) -> None:
    """
    A tree without edits is up to date.
    """
    assert main(["--openapi", str(FOLDER), "--out", str(written), "--check"]) == 0


@pytest.mark.parametrize("damage", ["edit", "orphan", "delete"])
def test_check_finds_every_kind_of_drift(
    written: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An edited file, an orphan and a deleted file each end in exit code 1 and the command to run.
    """
    target = tmp_path / "client"
    shutil.copytree(written, target)
    victim = target / "paydown_wire" / "codec.py"
    if damage == "edit":
        victim.write_text(victim.read_text() + "\n")
    elif damage == "orphan":
        (target / "paydown_wire" / "spare.py").write_text("x = 1\n")
    else:
        victim.unlink()
    before = tree.read(target)

    assert main(["--openapi", str(FOLDER), "--out", str(target), "--check"]) == 1

    said = capsys.readouterr().err
    assert "run 'make generate'" in said
    assert ("spare.py" if damage == "orphan" else "codec.py") in said
    assert tree.read(target) == before


def test_a_refused_document_leaves_the_client_as_it_was(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 2, the reason on stderr, and not one byte of the old client has moved.
    """
    openapi = tmp_path / "openapi"
    shutil.copytree(FOLDER, openapi)
    market = openapi / "paths" / "market.yaml"
    market.write_text(market.read_text().replace("    x-weight: {value: 1, scope: ip}\n", ""))
    target = tmp_path / "client"
    shutil.copytree(written, target)
    before = tree.read(target)

    assert main(["--openapi", str(openapi), "--out", str(target)]) == 2

    said = capsys.readouterr().err
    assert "The document is refused: 1 problem. Nothing was written." in said
    assert "paths/market.yaml:2 #/ping/get" in said
    assert tree.read(target) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "openapi"]


def test_a_fault_in_the_tools_has_an_exit_code_of_its_own(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A ruff of another version ends in exit code 3 and says what to install.
    """
    from generator.render import python_formatting

    monkeypatch.setattr(python_formatting, "version", lambda name: "0.15.0")

    assert main(["--openapi", str(FOLDER), "--out", str(tmp_path / "client")]) == 3
    assert f"ruff {python_formatting.PINNED} is needed, found 0.15.0" in capsys.readouterr().err


def test_a_missing_tool_is_reported_with_its_installation() -> None:
    """
    Without the development tools the command ends in exit code 3 and one line, not in a traceback.
    """
    program = (
        "import sys; sys.modules['jsonschema_rs'] = None\n"
        "from generator.cli import main\n"
        f"sys.exit(main(['--openapi', {str(FOLDER)!r}, '--check']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 3
    assert done.stderr == "generator: jsonschema_rs is not installed. Run: pip install -e '.[dev]'\n"


def test_the_manifest_holds_the_hash_of_every_file(written: Path) -> None:
    """
    The manifest names each file once, with the hash of what stands there.
    """
    import hashlib

    files = tree.read(written)
    manifest = json.loads(files.pop(tree.MANIFEST))

    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert manifest["tools"] == {"openapi-python-client": "0.29.1", "ruff": "0.17.6"}


def test_output_is_the_same_under_every_hash_seed(written: Path, tmp_path: Path) -> None:
    """
    Three other interpreters, each with another hash seed, write the same bytes.
    """
    runs = {
        seed: subprocess.Popen(
            [sys.executable, "-m", "generator", "--openapi", str(FOLDER), "--out", str(tmp_path / seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.DEVNULL,
        )
        for seed in ("0", "1", "4711")
    }

    assert [run.wait() for run in runs.values()] == [0, 0, 0]
    for seed in runs:
        assert tree.compare(tree.read(tmp_path / seed), tree.read(written)) == tree.Difference((), (), ())


def test_the_committed_client_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """
    generated_client/ is up to date with openapi/ and generator/.
    """
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_diff_of_two_folders_proposes_a_version_and_writes_the_changelog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    `diff OLD NEW` prints what changes, marks what breaks, proposes a version and fills the changelog.
    """
    edited = tmp_path / "edited"
    shutil.copytree(FOLDER, edited)
    margin = edited / "paths" / "margin.yaml"
    margin.write_text(margin.read_text().replace("x-method-name: repay_debt", "x-method-name: repay"))
    log = tmp_path / "CHANGELOG.md"

    code = main(
        ["diff", str(FOLDER), str(edited), "--write-changelog", "--changelog", str(log), "--fail-on-breaking"]
    )

    said = capsys.readouterr().out
    assert code == 1
    assert "1 user-visible change, 1 breaking" in said
    assert "- `client.margin.repay_debt()` is now `client.margin.repay()`." in said
    assert "(breaking)" in said
    assert "- **Breaking:** `client.margin.repay_debt()` is now `client.margin.repay()`." in log.read_text()


def test_diff_against_an_unknown_revision_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A revision that git does not know ends in exit code 3.
    """
    assert main(["diff", "no-such-revision"]) == 3
    assert "git ls-tree failed" in capsys.readouterr().err
