"""A small document that uses everything the generator knows, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from generator.checks.validation import validate
from generator.client.client_model import Client
from generator.document.bundle import Bundle, bundle
from generator.document.source_files import parse_files, read_folder
from generator.pipeline import describe
from generator.problems import DocumentRefused, Problem

FOLDER = Path(__file__).parent / "small"


@cache
def _files() -> Mapping[str, bytes]:
    return read_folder(FOLDER)


def small() -> dict[str, bytes]:
    """Return the files of the small document."""
    return dict(_files())


def edited(*edits: tuple[str, str, str]) -> dict[str, bytes]:
    """Return the files with one text replaced by another in each edit (file, old, new)."""
    files = small()
    for name, old, new in edits:
        text = files[name].decode()
        assert old in text, f"{name} does not hold {old!r}"
        files[name] = text.replace(old, new, 1).encode()
    return files


def joined(files: Mapping[str, bytes]) -> Bundle:
    """Return the bundled document of some files."""
    return bundle(parse_files(files))


def client(files: Mapping[str, bytes]) -> Client:
    """Return the client of some files, held to every rule of ours."""
    document = joined(files)
    validate(document, specification=False)
    return describe(document)


def problems(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Return why some files are refused; empty if they are not."""
    try:
        client(files)
    except DocumentRefused as refused:
        return refused.problems
    return ()
