"""A document that means harm is refused in a line, in time: bombs, depth, circles, devices, files without an end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.checks.validation import validate
from generator.cli import main
from generator.document.bundle import bundle
from generator.document.source_files import parse_files
from generator.pipeline import describe
from generator.problems import DocumentRefused
from generator.render.renderer import render
from tests.generator.small_document import small

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 10)}]\n" for at in range(12)
)
TEXTS = {
    "alias bomb": BOMB,
    "alias bomb of mappings": BOMB.replace("[x,", "[{x: y},"),
    "alias of itself": "a: &a {b: *a}\n",
    "alias of its folder": "a: &a [[[*a]]]\n",
    "alias of nothing": "a: *b\n",
    "100,000 brackets": "a: " + "[" * 100_000,
    "100,000 closed brackets": "a: " + "[" * 100_000 + "]" * 100_000,
    "100,000 braces": "a: " + "{a: " * 100_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(500)),
    "deep dashes": "a:\n  " + "- " * 50_000,
    "a huge number": "a: " + "9" * 100_000,
    "infinity": "a: 1e999",
    "a tag of Python": "a: !!python/object/apply:os.system ['true']",
    "two documents": "a: 1\n---\nb: 2\n",
    "a sign that is none": "a: \x00",
    "half a pair": 'a: "\\ud800"',
    "half a pair in a key": '"\\udfff": a',
    "empty": "",
    "a list": "- 1",
    "a text": "x",
    "a list as a key": "? [a, b]\n: c\n",
    "references that double": "x-a: {$ref: '#/x-b0'}\n"
    + "".join(f"x-b{at}: [{{$ref: '#/x-b{at + 1}'}}, {{$ref: '#/x-b{at + 1}'}}]\n" for at in range(18))
    + "x-b18: [x]\n",
    "references one behind the other": "x-a: {$ref: '#/x-b0'}\n"
    + "".join(f"x-b{at}: {{$ref: '#/x-b{at + 1}'}}\n" for at in range(2_000))
    + "x-b2000: x\n",
    "a circle": "x-a: {$ref: '#/x-b'}\nx-b: {$ref: '#/x-a'}\n",
    "out of the folder": "x-a: {$ref: ../../../../../etc/passwd}\n",
    "an absolute path": "x-a: {$ref: /etc/passwd}\n",
    "the network": "x-a: {$ref: 'https://evil.example/a.yaml'}\n",
    "a pointer of ten thousand steps": "x-a: {$ref: '#" + "/a" * 10_000 + "'}\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_root_that_means_harm_is_refused_in_time(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 2, a reason in printable lines, no traceback, and within seconds.
    """
    (tmp_path / "openapi").mkdir()
    (tmp_path / "openapi" / "openapi.yaml").write_text(TEXTS[name])
    begun = time.monotonic()

    assert main(["--openapi", str(tmp_path / "openapi"), "--out", str(tmp_path / "client")]) == 2

    said = capsys.readouterr().err
    assert time.monotonic() - begun < 10
    assert "The document is refused" in said
    assert "openapi.yaml" in said
    assert all(line.isprintable() for line in said.split("\n"))
    assert not (tmp_path / "client").exists()


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a": ' * 50_000, '{"a": 1e999}', '{"a": ' + "9" * 9_999 + "}", '["\\ud800"]'],
    ids=["lists", "objects", "infinity", "digits", "half a pair"],
)
def test_a_sample_that_means_harm_is_refused(text: str) -> None:
    """
    JSON files are held to the same bounds.
    """
    with pytest.raises(DocumentRefused, match="not readable as JSON"):
        parse_files({"examples/a.json": text.encode()})


@pytest.mark.parametrize(
    "kind",
    ["pipe", "device", "outside", "folder outside", "circle", "huge", "odd name", "newline", "coding"],
)
def test_a_file_that_is_none_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A pipe is not waited for, a link out of the folder not followed, a file of gigabytes not loaded.
    """
    folder = tmp_path / "openapi"
    folder.mkdir()
    for name, content in small().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "secret.yaml").write_text("secret: text")
    victim = folder / "extra.yaml"
    if kind == "pipe":
        os.mkfifo(victim)
    elif kind == "device":
        victim.symlink_to("/dev/zero")
    elif kind == "outside":
        victim.symlink_to(tmp_path / "secret.yaml")
    elif kind == "folder outside":
        (folder / "examples" / "more").symlink_to(tmp_path)
        victim.symlink_to("examples/more/secret.yaml")
    elif kind == "circle":
        victim.symlink_to(victim)
    elif kind == "huge":
        with victim.open("wb") as made:
            made.truncate(10**10)
    else:
        names = {
            "odd name": "\x1b]0;x\x07.yaml",
            "newline": "a\nimport os.yaml",
            "coding": "coding=utf-7.yaml",
        }
        (folder / names[kind]).write_text("a: 1")

    assert main(["--openapi", str(folder), "--out", str(tmp_path / "client")]) == 2

    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "secret" not in said
    assert all(line.isprintable() for line in said.split("\n"))


_FILES = sorted(small())
_PUT = [
    "&a",
    "*a",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "\n",
    "- ",
    "$ref: '#/Balance'",
    "null",
    "x",
    '"',
    "''",
    "? ",
    "!!set ",
]


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(_FILES),
    at=st.integers(0, 3_000),
    length=st.integers(0, 40),
    put=st.one_of(
        st.sampled_from(_PUT),
        st.text("{}[]&*!:,-#'\"| \n\tab01$/", max_size=12),
    ),
)
def test_a_document_that_was_damaged_anywhere_is_refused_or_read(
    name: str, at: int, length: int, put: str
) -> None:
    """
    Wherever a file is cut or something is put in, the outcome is a client or problems with their places.
    """
    files = small()
    content = files[name]
    at = at % (len(content) + 1)
    files[name] = content[:at] + put.encode() + content[at + length :]
    try:
        joined = bundle(parse_files(files))
        validate(joined, specification=False)
        render(describe(joined), joined.document)
    except DocumentRefused as refused:
        assert all(problem.reason and problem.remedy for problem in refused.problems)  # noqa: PT017  (or accepted)
