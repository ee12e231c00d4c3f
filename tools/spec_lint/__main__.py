"""Run every tool on every document; exit 1 if a tool refuses one of them."""

from __future__ import annotations

import sys

from .tools import CONTROL, DOCUMENT, another_generator, redocly, validator


def main() -> int:
    """Run the tools, print what each found, and return the exit code."""
    failed = False
    for name, document, tools in (
        ("document", DOCUMENT, (validator, redocly, another_generator)),
        ("control API", CONTROL, (validator, redocly)),
    ):
        for ask in tools:
            finding = ask(document)
            failed |= finding.verdict == "refused"
            indented = finding.text.replace("\n", "\n    ")
            stream = sys.stderr if finding.verdict == "refused" else sys.stdout
            stream.write(f"{name}, {finding.tool}: {finding.verdict}. {indented}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
