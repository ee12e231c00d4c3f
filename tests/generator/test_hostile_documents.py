"""Whatever stands in any text of a document, it is refused or it is data: never code, never another file."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.checks.validation import validate
from generator.cli import main
from generator.client.client_model import Client
from generator.document.bundle import Bundle
from generator.document.json_pointer import at, escape, unescape, walk
from generator.pipeline import describe
from generator.problems import DocumentRefused, GeneratorFault
from generator.render.renderer import render
from generator.render.verification import verify
from tests.generator.hostile import ATTACKS, MARK, hostile_texts
from tests.generator.small_document import FOLDER, edited, joined, small

# Values that say what kind of code is to be written: another word there is another kind, or refused.
_KINDS = re.compile(r"/(type|format|style|in|enum|const|discriminator|scope|kind|encoding)(/\d+)?$")
# Texts for people, which no rule restricts.
_PROSE = re.compile(r"/(title|version|description|summary|text|meaning|question|reading|x-unit)$")


@cache
def _document() -> Bundle:
    return joined(small())


def _texts() -> Iterator[tuple[str, str]]:
    """Yield (pointer, "value" or "key") of every text of the document."""
    for pointer, value in walk(_document().document):
        if isinstance(value, str):
            yield pointer, "value"
        elif isinstance(value, dict):
            for key in value:
                yield f"{pointer}/{escape(key)}", "key"


PLACES = sorted(_texts())


def _spoilt(places: Iterable[tuple[str, str]], text: str) -> Bundle:
    """Return the small document with the texts at some places replaced by another."""
    document = copy.deepcopy(_document().document)
    for pointer, what in places:
        parent_pointer, _, last = pointer.rpartition("/")
        parent = at(document, parent_pointer)
        name = unescape(last)
        if isinstance(parent, list):
            parent[int(name)] = text
        elif what == "value":
            assert isinstance(parent, dict)
            parent[name] = text
        else:
            assert isinstance(parent, dict)
            changed = {text if key == name else key: value for key, value in parent.items()}
            parent.clear()
            parent.update(changed)
    return Bundle(document, _document().origins, _document().files)


def _written(document: Bundle) -> dict[str, str] | None:
    """Return the client of a document, or None if the document is refused with a readable reason."""
    client = _described(document)
    if isinstance(client, DocumentRefused):
        assert client.problems
        assert all(line.isprintable() for line in str(client).split("\n"))
        return None
    files = render(client, document.document)
    verify({name: text.encode() for name, text in files.items()}, client, document.document)
    return files


def _described(document: Bundle) -> Client | DocumentRefused:
    try:
        validate(document, specification=False)
        return describe(document)
    except DocumentRefused as refused:
        return refused


def _skeleton(source: str) -> list[str]:
    """Return the kinds of a module's nodes in order: its code without its names and constants."""
    return [
        type(node).__name__ for node in ast.walk(ast.parse(source)) if not isinstance(node, ast.expr_context)
    ]


@cache
def _clean() -> dict[str, str]:
    files = _written(_document())
    assert files is not None
    return files


def _check(pointer: str, what: str, text: str) -> None:
    files = _written(_spoilt([(pointer, what)], text))
    if files is None:
        return
    for name, source in files.items():
        assert re.fullmatch(r"[A-Za-z0-9_./]+", name), name
        assert ".." not in name
        if not name.endswith(".py"):
            continue
        tree = ast.parse(source)
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not any(MARK in call and "from_json" not in call for call in called), (pointer, called)
        if what == "value" and not _KINDS.search(pointer) and name in _clean():
            assert _skeleton(source) == _skeleton(_clean()[name]), (pointer, text, name)


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_every_attack_is_data_in_the_prose_of_a_document(text: str) -> None:
    """
    Each known way out, put into every description, meaning and unit at once, leaves the code as it was.
    """
    places = [
        (pointer, what)
        for pointer, what in PLACES
        if what == "value" and (_PROSE.search(pointer) or "descriptions/" in pointer or "-marks/" in pointer)
    ]

    files = _written(_spoilt(places, text))

    assert files is not None
    assert {name: _skeleton(text) for name, text in files.items() if name.endswith(".py")} == {
        name: _skeleton(text) for name, text in _clean().items() if name.endswith(".py")
    }


@pytest.mark.deep
def test_every_attack_is_data_in_every_text_of_a_document() -> None:
    """
    The same in every value and every key in turn: 29,000 documents, half an hour.
    """
    for pointer, what in PLACES:
        for text in ATTACKS:
            _check(pointer, what, text)


@settings(max_examples=30, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    text=hostile_texts().filter(lambda text: bool(text) and text.isascii()) | st.sampled_from(ATTACKS),
)
def test_any_text_is_data_in_any_text_of_a_document(place: tuple[str, str], text: str) -> None:
    """
    So is any text at all, in any place; an empty one is the same as none.
    """
    _check(*place, text)


@pytest.mark.parametrize(
    "edit",
    [
        (
            "components/schemas.yaml",
            "NORMAL: Nothing to do.",
            "NORMAL: \"Nothing.\\nimport os; os.mkdir('owned')\"",
        ),
        ("openapi.yaml", "description: Debts.", 'description: \'Debts"""; import os; os.mkdir("owned")\''),
        (
            "openapi.yaml",
            "{docs: On the page.,",
            '{docs: On the page., "\\"\\"\\"\\nimport os; os.mkdir(1)": x,',
        ),
    ],
    ids=["enum", "tag", "mark"],
)
def test_a_client_made_from_a_hostile_document_runs_nothing_when_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str, str]
) -> None:
    """
    The texts that once became code are written, compiled, imported, and do nothing.
    """
    monkeypatch.chdir(tmp_path)
    folder = _on_disk(tmp_path / "openapi", edited(edit))

    assert main(["--openapi", str(folder), "--out", str(tmp_path / "client")]) == 0

    assert not (tmp_path / "owned").exists()
    assert "os.mkdir" in "".join(path.read_text() for path in (tmp_path / "client").rglob("*.py"))


@pytest.mark.parametrize(
    "edits",
    [
        [("openapi.yaml", "{name: market,", "{name: ../../evil,"), ("paths/market.yaml", "[market]", "[../../evil]")],
        [("openapi.yaml", "{name: market,", "{name: class,"), ("paths/market.yaml", "[market]", "[class]")],
        [("openapi.yaml", "{name: market,", "{name: __init__,"), ("paths/market.yaml", "[market]", "[__init__]")],
        [("openapi.yaml", "{name: market,", "{name: Market,"), ("paths/market.yaml", "[market]", "[Market]")],
        [("components/schemas.yaml", "x-enum-name: BalanceStatus", "x-enum-name: StrEnum")],
        [("components/schemas.yaml", "x-enum-name: BalanceStatus", "x-enum-name: Mapping")],
        [("components/schemas.yaml", "isDebt: {", "field: {")],
        [("components/schemas.yaml", "isDebt: {", "isDebt: {x-python-name: classmethod, ")],
        [("components/schemas.yaml", "side: {", "side: {x-python-name: operations, ")],
        [("paths/market.yaml", "operationId: ping", "operationId: allOperations")],
    ],
    ids=["path", "keyword", "package", "case", "enum", "import", "field", "builtin", "argument", "constant"],
)  # fmt: skip
def test_names_that_the_generated_code_needs_itself_are_refused(edits: list[tuple[str, str, str]]) -> None:
    """
    A name that is a path, a keyword, or one that the generated modules use themselves is a problem with a remedy.
    """
    assert _written(joined(edited(*edits))) is None


def test_a_file_name_cannot_become_code(tmp_path: Path) -> None:
    """
    A file of the document whose name holds a line break or a coding line is refused by its name.
    """
    for name in ("paths/market\nimport os.yaml", "paths/coding=utf-7.yaml", "paths/\x1b]0;x.yaml"):
        files = edited(("openapi.yaml", "paths/market.yaml", "'x'"))
        files[name] = files.pop("paths/market.yaml")
        folder = _on_disk(tmp_path / str(abs(hash(name))), files)

        assert main(["--openapi", str(folder), "--out", str(tmp_path / "client")]) == 2


def test_a_tree_that_cannot_be_imported_does_not_replace_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A stream without its facts would miss arguments when imported: the run ends, and the old client stays.
    """
    target = tmp_path / "client"
    assert main(["--openapi", str(FOLDER), "--out", str(target)]) == 0
    before = (target / "manifest.json").read_bytes()
    folder = _on_disk(tmp_path / "openapi", edited(("openapi.yaml", "{minimum-ms: 120000, ", "{")))

    assert main(["--openapi", str(folder), "--out", str(target)]) in (2, 3)

    assert "Traceback" not in capsys.readouterr().err
    assert (target / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("print('x')", "stands alone"),
        ("X = print('x')", "a call that no template writes: print"),
        ("with open('x') as f: pass", "a statement that no template writes"),
        ("X = (lambda: 1)()", "no template writes"),
        ("X = 1 +", "does not compile"),
        ("X = '\\d'", "does not compile"),
        ("X = '\x00'", "does not compile"),
    ],
)
def test_code_that_no_template_writes_is_a_fault(code: str, fault: str) -> None:
    """
    The finished tree is held to what the templates can write, whichever way a line came into it.
    """
    client = describe(_document())
    files = {name: text.encode() for name, text in _clean().items()}
    files["paydown_wire/enums.py"] += f"\n{code}\n".encode()

    with pytest.raises(GeneratorFault, match=re.escape(fault)):
        verify(files, client, _document().document)


def _on_disk(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
