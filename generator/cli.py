"""The command line of the generator.

    python -m generator               write generated_client/ from openapi/
    python -m generator --check       exit 1 unless generated_client/ is exactly what would be written
    python -m generator --out DIR     write to another folder
    python -m generator diff [REV]    what an edit of openapi/ changes for users

Exit codes: 0 done, 1 the client is stale, 2 the document is refused, 3 a tool is not the pinned one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import tree
from .problem import DocumentRefused, GeneratorFault

_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _generate(options)
    except DocumentRefused as refused:
        count = len(refused.problems)
        print(
            f"{options.openapi}: refused, {count} problem{'s' if count > 1 else ''}. Nothing was written.\n",
            file=sys.stderr,
        )
        print(refused, file=sys.stderr)
        return 2
    except GeneratorFault as fault:
        print(f"generator: {fault}", file=sys.stderr)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m generator", description="Write generated_client/ from openapi/."
    )
    parser.add_argument(
        "--openapi", type=Path, default=_ROOT / "openapi", help="folder of the document (default: openapi/)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=_ROOT / "generated_client",
        help="folder to write (default: generated_client/)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the folder is not up to date"
    )
    return parser


def _generate(options: argparse.Namespace) -> int:
    from .pipeline import produce  # late: it loads the parser, which `--help` does not need

    target: Path = options.out
    with produce(options.openapi, target) as product:
        present = tree.read(target)
        difference = tree.compare(present, product.files)
        if options.check:
            if difference:
                print(
                    f"{target.name}/ is not what openapi/ and generator/ say: run 'make generate'",
                    file=sys.stderr,
                )
                for what, names in (
                    ("differs", difference.changed),
                    ("missing", difference.missing),
                    ("nobody wrote", difference.orphans),
                ):
                    for name in names:
                        print(f"  {what}: {name}", file=sys.stderr)
            return 1 if difference else 0
        if difference:
            tree.swap(product.folder, target)
        print(f"{len(product.client.operations)} operations, {len(product.files)} files")
    return 0
