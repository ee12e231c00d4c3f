"""Propose the next version of the project, and write the section "Exchange API" of its changelog."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from generator.diff.change import Change, Effect
from generator.problems import GeneratorFault
from generator.quoting import visible

SECTION = "### Exchange API"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def current_version(pyproject: Path) -> str:
    """Return the version of the project, which `pyproject.toml` holds."""
    with pyproject.open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def next_version(current: str, changes: Sequence[Change]) -> str:
    """Return the version that semantic versioning asks for after some changes.

    Below 1.0.0 a breaking change raises the second number and everything else the third.

    Args:
        current: Version of today, three numbers with dots between.
        changes: What changes for users.

    Raises:
        GeneratorFault: `current` is not a version of three numbers.
    """
    match = _VERSION.fullmatch(current)
    if match is None:
        raise GeneratorFault(f"{current} is not a version of three numbers")
    major, minor, patch = (int(part) for part in match.groups())
    effect = max((change.effect for change in changes), default=None)
    if effect is None:
        return current
    if effect is Effect.BREAKING:
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if effect is Effect.TEXT or not major:
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def section(changes: Sequence[Change]) -> str:
    """Return the section of the changelog: one line for each change that users can see."""
    lines = [
        f"- {'**Breaking:** ' if change.breaking else ''}{visible(' '.join(change.text.split()))}"
        for change in changes
        if change.effect is not Effect.TEXT
    ]
    return "\n".join([SECTION, *(lines or ["- Nothing but words and provenance."])])


def write(changelog: Path, changes: Sequence[Change]) -> None:
    """Put the section under "Unreleased", in the place of an older one; leave the rest of the changelog alone.

    Args:
        changelog: The file, which is made if needed.
        changes: What changes for users.
    """
    text = changelog.read_text(encoding="utf-8") if changelog.exists() else "# Changelog\n"
    changelog.write_text(_inserted(text, section(changes)), encoding="utf-8", newline="\n")


def _inserted(text: str, new: str) -> str:
    found = re.search(r"^## \[?Unreleased\]?.*$", text, re.MULTILINE | re.IGNORECASE)
    if found is None:
        first = re.search(r"^## ", text, re.MULTILINE)
        at = first.start() if first else len(text)
        head = text[:at].rstrip("\n")
        return f"{head}\n\n## [Unreleased]\n\n{new}\n\n{text[at:]}".rstrip("\n") + "\n"
    following = re.search(r"^## ", text[found.end() :], re.MULTILINE)
    end = found.end() + following.start() if following else len(text)
    body = text[found.end() : end]
    old = re.search(rf"^{re.escape(SECTION)}\n.*?(?=^### |\Z)", body, re.MULTILINE | re.DOTALL)
    kept = (body[: old.start()] + body[old.end() :] if old else body).strip("\n")
    joined = f"{kept}\n\n{new}" if kept else new
    return f"{text[: found.end()]}\n\n{joined}\n\n{text[end:]}".rstrip("\n") + "\n"
