"""Write the pages, or inspect the site that was built from them.

python -m tools.docs_site                   write .build/docs-src
python -m tools.docs_site --inspect site    exit 1 if the site loads anything from elsewhere or has a dead link
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.docs_site.page_facts import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages or inspect a site, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.docs_site", description="Write the pages of the documentation."
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / ".build/docs-src",
        help="folder to write (default: .build/docs-src)",
    )
    parser.add_argument(
        "--inspect", type=Path, metavar="SITE", help="check a site that was built, write nothing"
    )
    options = parser.parse_args(arguments)
    if options.inspect is not None:
        return _inspect(options.inspect)
    from tools.docs_site.page_facts import read_facts
    from tools.docs_site.page_tree import tree, write

    files = tree(read_facts())
    write(files, options.out)
    sys.stdout.write(f"{sum(path.endswith('.md') for path in files)} pages in {options.out}\n")
    return 0


def _inspect(site: Path) -> int:
    from tools.docs_site.site_inspection import inspect

    found = inspect(site)
    for complaint in found.complaints:
        sys.stderr.write(f"{complaint}\n")
    if found.complaints:
        return 1
    sys.stdout.write(
        f"{found.pages} pages, {found.links} links inside the site, nothing loaded from elsewhere\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
