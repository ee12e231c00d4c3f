"""Summarize a run of the generator on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from generator.diff.change import Change, Effect
from generator.file_tree import Difference
from generator.pipeline import Product

_SHOWN = 8  # names of changed files, before the rest is only counted
_TITLES = {
    Effect.BREAKING: "Breaking",
    Effect.ADDITION: "Added",
    Effect.CHANGE: "Changed",
    Effect.TEXT: "Words and provenance only",
}


def generated(product: Product, difference: Difference, target: str, cpu_s: float) -> str:
    """Return the summary of a run that wrote, or would have written, a client.

    Args:
        product: The finished client.
        difference: How the folder in use differed from it.
        target: Name of that folder, for people.
        cpu_s: Seconds of CPU time that the run took.
    """
    client = product.client
    sources = len(product.bundle.files)
    lines = [f"{target}: {len(product.files)} files from {sources} files of openapi/, {cpu_s:.1f} s of CPU"]
    for resource in client.resources:
        names = ", ".join(operation.python_name for operation in resource.operations)
        lines.append(f"  {resource.tag:<14}{len(resource.operations):>3}  {names}")
    pages = sum(operation.pagination is not None for operation in client.operations)
    writes = sum(operation.mutates for operation in client.operations)
    lines += [
        f"  {len(client.operations)} calls: {writes} change something, {pages} are read page by page",
        f"  {len(client.models)} models, {len(client.enums)} enums, {len(client.error_codes)} error codes",
        f"  {_security(product)}",
    ]
    return "\n".join([*lines, *_files(difference)])


def _security(product: Product) -> str:
    counts = Counter(operation.security_type for operation in product.client.operations)
    return "security: " + ", ".join(f"{name} {count}" for name, count in counts.items())


def _files(difference: Difference) -> list[str]:
    if not difference:
        return ["nothing changed"]
    lines: list[str] = []
    for what, names in (
        ("changed", difference.changed),
        ("new", difference.missing),
        ("deleted", difference.orphans),
    ):
        if names:
            rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            lines.append(f"{what}: {', '.join(names[:_SHOWN])}{rest}")
    return lines


def compared(changes: Sequence[Change], old: str, new: str, current: str, proposed: str) -> str:
    """Return the differences of two versions of the document, for people.

    Args:
        changes: What changes for users.
        old: Name of the older version.
        new: Name of the newer version.
        current: Version of the project.
        proposed: The version that semantic versioning asks for.
    """
    breaking = sum(change.breaking for change in changes)
    visible = sum(change.effect is not Effect.TEXT for change in changes)
    plural = "" if visible == 1 else "s"
    lines = [f"{new} against {old}: {visible} user-visible change{plural}, {breaking} breaking"]
    for effect in sorted(Effect, reverse=True):
        texts = [" ".join(change.text.split()) for change in changes if change.effect is effect]
        if texts:
            lines += ["", f"{_TITLES[effect]}:", *(f"  - {text}" for text in texts)]
    reason = "nothing changed" if not changes else _TITLES[max(change.effect for change in changes)].lower()
    return "\n".join([*lines, "", f"Version: {current} -> {proposed} ({reason})"])
