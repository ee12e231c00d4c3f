"""Run every stage of the generator, from the files of the document to a tree that is ready to be put in place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator import file_tree
from generator.checks.validation import validate
from generator.client import parser_adapter
from generator.client.client_assembly import assemble
from generator.client.client_model import Client
from generator.client.parser_document import transform
from generator.document.bundle import Bundle, bundle
from generator.document.source_files import parse_files, read_folder
from generator.problems import DocumentRefused
from generator.render import python_formatting
from generator.render.renderer import render, written_by
from generator.render.verification import check_import, check_manifest, compiled, verify


@dataclass(frozen=True, slots=True)
class Product:
    """Hold a finished client.

    Attributes:
        client: The facts that it was rendered from.
        bundle: The document that it was made from.
        folder: Where its files stand, until they are put in place.
        files: The same files, keyed by path below `generated_client/`.
    """

    client: Client
    bundle: Bundle
    folder: Path
    files: Mapping[str, bytes]


def load(openapi: Path) -> Bundle:
    """Read the files of a document and join them.

    Args:
        openapi: Folder of the document.

    Raises:
        DocumentRefused: A file is unreadable, or a reference is broken.
    """
    return bundle(parse_files(read_folder(openapi)))


def describe(joined: Bundle) -> Client:
    """Return the client that a document describes, without writing anything.

    Args:
        joined: A bundled document that passed validation.

    Raises:
        DocumentRefused: The parser would leave something out.
    """
    transformed = transform(joined.document)
    try:
        parsed = parser_adapter.parse(transformed.document)
    except parser_adapter.ParserComplaint as complaint:
        raise DocumentRefused(
            joined.problem(
                f"/components/schemas/{name}" if name in transformed.models else "",
                f"the parser would leave this out: {what}",
                "a schema of a supported form; generator/checks/unsupported.py lists what is not.",
            )
            for name, what in complaint.complaints
        ) from complaint
    return assemble(joined.document, joined.place, transformed, parsed)


@contextmanager
def produce(openapi: Path, target: Path) -> Generator[Product]:
    """Make a client from a document, in a folder next to the target.

    Args:
        openapi: Folder of the document.
        target: The folder that the client is to replace; it is not touched here.

    Raises:
        DocumentRefused: The document is broken, or has something that this generator cannot express in Python.
        GeneratorFault: A tool is not the pinned one, or the result does not match the document.
    """
    python_formatting.check_pin()
    joined = load(openapi)
    validate(joined)
    client = describe(joined)
    with file_tree.staging(target) as folder:
        rendered = render(client, joined.document)
        compiled({name: text.encode() for name, text in rendered.items()})
        file_tree.write(folder, rendered)
        python_formatting.format_tree(folder)
        files = file_tree.read(folder)
        file_tree.write(folder, {file_tree.MANIFEST: _manifest(joined, files)})
        files = file_tree.read(folder)
        verify(files, client, joined.document)
        check_manifest(files)
        check_import(folder)
        yield Product(client, joined, folder, files)


def _manifest(joined: Bundle, files: Mapping[str, bytes]) -> str:
    """Return the text of the manifest: the tools and the document that made the tree, and the hash of every file."""
    document = json.dumps(joined.document, sort_keys=True, ensure_ascii=False).encode()
    manifest = {
        "written-by": written_by("generator/pipeline.py"),
        "tools": {"openapi-python-client": parser_adapter.PINNED, "ruff": python_formatting.PINNED},
        "document": {"sha256": hashlib.sha256(document).hexdigest(), "files": sorted(joined.files)},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
