"""Ask a public database of vulnerabilities about every pinned package: `make audit`.

The database is reached over the network by pip-audit, which lives in an environment of its own. Where it cannot be
reached, the report states that and claims nothing. Exit codes: 0 nothing known or nothing asked, 1 something is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
UNREACHABLE = "The database of vulnerabilities cannot be reached from here: nothing was audited."


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the packages of one file.

    Attributes:
        asked: How many of them the database knows.
        unknown: Names of those that it does not know.
        vulnerable: A line for each known vulnerability.
    """

    asked: int
    unknown: tuple[str, ...]
    vulnerable: tuple[str, ...]


def read(answer: str) -> Audit | None:
    """Return the result in pip-audit's JSON answer, or None if it is no answer.

    A database that answers "not found" for a package has not looked at it: such packages are counted apart, since
    pip-audit itself calls that "no known vulnerabilities".
    """
    try:
        packages = json.loads(answer)["dependencies"]
        unknown = tuple(package["name"] for package in packages if "skip_reason" in package)
        vulnerable = tuple(
            f"{package['name']} {package['version']}: {known['id']}, "
            f"fixed in {', '.join(known['fix_versions']) or 'no version'}"
            for package in packages
            if "skip_reason" not in package
            for known in package["vulns"]
        )
    except (ValueError, KeyError, TypeError):
        return None
    return Audit(len(packages) - len(unknown), unknown, vulnerable)


def summary(audits: dict[str, Audit]) -> str:
    """Return the result in words."""
    if not any(audit.asked for audit in audits.values()):
        return UNREACHABLE
    lines: list[str] = []
    for name, audit in audits.items():
        lines.append(f"{name}: {len(audit.vulnerable) or 'nothing'} known of {audit.asked} packages")
        lines += [f"  {line}" for line in audit.vulnerable]
        if audit.unknown:
            lines.append(f"  not in the database: {', '.join(audit.unknown)}")
    return "\n".join(lines)


def main(command: list[str]) -> int:
    """Audit every file of pins.

    Args:
        command: How pip-audit is called.
    """
    audits: dict[str, Audit] = {}
    for file in sorted(FOLDER.glob("*.txt")):
        arguments = [
            "--require-hashes",
            "--disable-pip",
            "--progress-spinner",
            "off",
            "-f",
            "json",
            "-r",
            str(file),
        ]
        try:
            done = subprocess.run(  # noqa: S603  (our own arguments)
                [*command, *arguments], capture_output=True, text=True, check=False, timeout=300
            )
            audit = read(done.stdout)
        except (OSError, subprocess.TimeoutExpired):
            audit = None
        if audit is None or not audit.asked:  # the others would fail in the same way, each after its time-out
            break
        audits[file.name] = audit
    sys.stdout.write(summary(audits) + "\n")
    return 1 if any(audit.vulnerable for audit in audits.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
