"""Run the generator from the command line.

    python -m generator                 write generated_client/ from openapi/
    python -m generator --check         exit 1 unless generated_client/ is exactly what would be written
    python -m generator --out DIR       write to another folder
    python -m generator diff [OLD [NEW]]  show what an edit of openapi/ changes for users

Exit codes: 0 done, 1 the client is stale, 2 the document is refused, 3 a tool is not the pinned one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from generator import file_tree
from generator.diff import changelog
from generator.problems import DocumentRefused, GeneratorFault
from generator.quoting import visible

if TYPE_CHECKING:
    from generator.client.client_model import Client

_ROOT = Path(__file__).resolve().parents[1]
_STALE, _REFUSED, _FAULT = 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the generator and return its exit code.

    Args:
        arguments: Words of the command line; those of the process if None.
    """
    options = _parser().parse_args(arguments)
    try:
        return _diff(options) if options.command == "diff" else _generate(options)
    except DocumentRefused as refused:
        count = len(refused.problems)
        print(
            f"The document is refused: {count} problem{'' if count == 1 else 's'}. Nothing was written.\n",
            file=sys.stderr,
        )
        print(refused, file=sys.stderr)
        return _REFUSED
    except ModuleNotFoundError as missing:
        print(f"generator: {missing.name} is not installed. Run: pip install -e '.[dev]'", file=sys.stderr)
        return _FAULT
    except GeneratorFault as fault:
        print(f"generator: {fault}", file=sys.stderr)
        return _FAULT


def _show(text: str) -> None:
    """Print lines that quote the document, with every control sequence that a terminal would obey escaped."""
    print("\n".join(visible(line) for line in text.split("\n")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m generator", description="Write generated_client/ from openapi/."
    )
    parser.add_argument(
        "--openapi", type=Path, default=_ROOT / "openapi", help="folder of the document (openapi/)"
    )
    parser.add_argument(
        "--out", type=Path, default=_ROOT / "generated_client", help="folder to write (generated_client/)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the folder is not up to date"
    )
    commands = parser.add_subparsers(dest="command", metavar="diff")
    diff = commands.add_parser("diff", help="show what an edit of the document changes for users")
    diff.add_argument("old", nargs="?", default="HEAD", help="git revision, or folder of a document (HEAD)")
    diff.add_argument("new", nargs="?", default=None, help="git revision or folder (the folder openapi/)")
    diff.add_argument(
        "--write-changelog", action="store_true", help='put a section "Exchange API" into CHANGELOG.md'
    )
    diff.add_argument("--changelog", type=Path, default=_ROOT / "CHANGELOG.md", help="the changelog to write")
    diff.add_argument("--fail-on-breaking", action="store_true", help="exit 1 if a change is breaking")
    return parser


def _generate(options: argparse.Namespace) -> int:
    from generator import run_report
    from generator.pipeline import produce  # late: it loads the parser, which `--help` does not need

    target: Path = options.out
    with produce(options.openapi, target) as product:
        difference = file_tree.compare(file_tree.read(target), product.files)
        if options.check:
            return _checked(target, difference)
        if difference:
            file_tree.swap(product.folder, target)
        _show(run_report.generated(product, difference, f"{target.name}/", time.process_time()))
    return 0


def _checked(target: Path, difference: file_tree.Difference) -> int:
    if not difference:
        print(f"{target.name}/ is up to date with openapi/ and generator/")
        return 0
    print(
        f"{target.name}/ is not up to date with openapi/ and generator/: run 'make generate'", file=sys.stderr
    )
    for what, names in (
        ("differs", difference.changed),
        ("missing", difference.missing),
        ("not generated", difference.orphans),
    ):
        for name in names:
            print(f"  {what}: {name}", file=sys.stderr)
    return _STALE


def _diff(options: argparse.Namespace) -> int:
    from generator import run_report
    from generator.diff.document_comparison import compare

    old = _version(options.old, options.openapi)
    new = _version(options.new or str(options.openapi), options.openapi)
    changes = compare(old, new)
    current = changelog.current_version(_ROOT / "pyproject.toml")
    proposed = changelog.next_version(current, changes)
    _show(
        run_report.compared(
            changes, options.old, options.new or f"{options.openapi.name}/", current, proposed
        )
    )
    if options.write_changelog:
        changelog.write(options.changelog, changes)
        print(f"wrote {changelog.SECTION.removeprefix('### ')!r} into {options.changelog.name}")
    return _STALE if options.fail_on_breaking and any(change.breaking for change in changes) else 0


def _version(name: str, openapi: Path) -> Client:
    """Return the client of a document: a folder is held to every check, a git revision is taken as it was."""
    from generator.checks.validation import validate
    from generator.document.bundle import bundle
    from generator.document.source_files import parse_files, read_revision
    from generator.pipeline import describe, load

    folder = Path(name)
    if folder.is_dir():
        joined = load(folder)
        validate(joined)
        return describe(joined)
    files = read_revision(_ROOT, name, openapi.name)
    if not files:
        raise GeneratorFault(f"{name} holds no {openapi.name}/")
    return describe(bundle(parse_files(files), lenient=True))
