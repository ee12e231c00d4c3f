"""The pages say everything that the document says, the same each time, and lead nowhere wrong."""

from __future__ import annotations

import ast
import hashlib
import html
import inspect
import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import yaml

import paydown_wire
from tools.docs_site.document_pages.call_page import path_of
from tools.docs_site.document_pages.sources_page import finding_numbers
from tools.docs_site.page_facts import ROOT, Facts
from tools.docs_site.page_tree import hand_written, tree, write

DOCUMENT = json.loads((ROOT / "generated_client/paydown_wire/openapi.json").read_bytes())
CALLS = [
    (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if isinstance(operation, dict)
]
IDS = [operation["operationId"] for _, _, operation in CALLS]
FENCE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)


def plain(markdown: str) -> str:
    """What a reader sees of a text: no tags, no backticks, entities resolved, blanks single."""
    return " ".join(html.unescape(re.sub(r"<[^<>]+>", "", markdown)).replace("`", "").split())


def page_of(pages: dict[str, str], operation: dict[str, object]) -> str:
    """The page of a call."""
    return pages[f"api/{operation['tags'][0]}/{operation['x-method-name']}.md"]


def nodes(value: object) -> Iterator[dict[str, object]]:
    """Every object below a value, sample values left out."""
    if isinstance(value, dict):
        yield value
        for key, child in value.items():
            if key != "value":
                yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


# ---------------------------------------------------------------------------------------- nothing is left out


@pytest.mark.parametrize(("method", "path", "operation"), CALLS, ids=IDS)
def test_every_call_has_a_page_that_names_it(pages, method, path, operation):
    """A call's page says its method, its path, its Python name, its weight and its source."""
    page = plain(page_of(pages, operation))

    assert f"{method.upper()} {path}" in page
    assert f"client.{operation['tags'][0]}.{operation['x-method-name']}(" in page
    assert str(operation["x-weight"]["value"]) in page
    assert operation["x-source"] in page_of(pages, operation)
    assert operation["x-security-type"] in page


@pytest.mark.parametrize(("method", "path", "operation"), CALLS, ids=IDS)
def test_a_page_holds_every_rule_cap_and_open_question_of_its_call(pages, method, path, operation):
    """Caps, rules and open questions stand on the page of the call, each with its text."""
    page = plain(page_of(pages, operation))

    for kind, members in (
        ("x-caps", ["text"]),
        ("x-rules", ["text"]),
        ("x-undocumented", ["question", "reading"]),
    ):
        for row in operation.get(kind, []):
            for member in members:
                assert plain(row[member]) in page, row["id"]


def test_the_overview_lists_every_call(pages):
    """The first page of the reference leads to each call."""
    for _, _, operation in CALLS:
        assert f"{operation['tags'][0]}/{operation['x-method-name']}.md" in pages["api/index.md"]


def test_every_argument_and_field_stands_on_the_page_of_its_call(facts: Facts, pages):
    """Arguments and answer fields are there with both their names, the wire's and Python's."""
    for operation in facts.client.operations:
        page = plain(pages[path_of(operation)])
        for parameter in (*operation.parameters, *operation.exposed):
            assert parameter.name in page, parameter.name
            assert parameter.python_name in page, parameter.python_name
        for name in operation.result.names("model"):
            for field in facts.model(name).fields:
                assert field.name in page, field.name
                assert field.python_name in page, field.python_name


def test_python_names_of_fields_are_attributes_of_the_generated_models(facts: Facts):
    """The pages spell a field as the generated class does."""
    for model in facts.client.models:
        generated = getattr(paydown_wire.models, model.class_name)
        names = [field.name for field in attrs.fields(generated)]
        assert [field.python_name for field in model.fields] == [
            name for name in names if name != "additional"
        ]


def test_the_error_table_holds_every_code(pages):
    """Each code of the document is there with its name, what it means and what the exchange says."""
    page = plain(pages["api/errors.md"])

    assert len(DOCUMENT["x-error-codes"]) >= 80
    for row in DOCUMENT["x-error-codes"]:
        assert f"{row['code']}" in page
        assert row["name"] in page
        assert plain(row["meaning"]) in page
        assert plain(row["msg"]) in page


def test_every_status_outcome_is_shown_in_its_order(pages):
    """The first rule that fits decides, so the order of the page is that of the document."""
    page = pages["api/outcomes.md"]
    statuses = re.findall(r"^\| \d+ \| (?:\*\*(\w+)\*\*|(anything else))", page, re.MULTILINE)

    assert [a or "default" for a, _ in statuses] == [row["status"] for row in DOCUMENT["x-status-outcomes"]]


def test_every_stream_event_is_described(pages):
    """Each event of the stream has a heading of its own."""
    for event in DOCUMENT["x-stream"]["events"]:
        assert f"## {event['name']} " in pages["api/events.md"]


def test_the_unknowns_page_lists_every_open_question(pages):
    """What the double does not know is complete: questions of the protocol and of every call."""
    page = plain(pages["unknowns.md"])
    rows = [*DOCUMENT["x-undocumented"]]
    for _, _, operation in CALLS:
        rows += operation.get("x-undocumented", [])

    assert len(rows) > 40
    for row in rows:
        assert plain(row["question"]) in page, row["id"]
        assert plain(row["reading"]) in page, row["id"]


def test_the_unknowns_page_lists_every_option_with_its_default(facts: Facts, pages):
    """Each option of the sandbox stands there with the value it has when nobody sets it."""
    page = pages["unknowns.md"]

    for option in facts.options.values():
        row = next(line for line in page.splitlines() if f'id="option-{option.name}"' in line)
        assert f"**{option.default}**" in re.sub(r"</?code>", "", html.unescape(row))
        for value in option.values:
            assert value in html.unescape(row)


def test_the_unknowns_page_shows_the_whole_table_of_choices(facts: Facts, pages):
    """Each choice under its topic with its source, each value with its meaning, reason, likelihood and cost."""
    page = plain(pages["unknowns.md"])

    assert len(facts.choices) >= 80
    for shown in facts.choices:
        choice = shown.choice
        assert plain(facts.topics[choice.about]) in page
        for text in (choice.name, choice.question, choice.source, *choice.values, *choice.means.values()):
            assert plain(text) in page, choice.name
        for why in (choice.reason, choice.likelihood, choice.cost):
            for text in why.values():
                assert plain(text) in page, choice.name


def test_every_option_that_the_document_promises_exists_in_the_sandbox(facts: Facts):
    """The document names an option and its default; the sandbox has that option with that default."""
    for _, question in facts.all_questions():
        if question.option:
            assert question.option in facts.options, question.option
            assert facts.options[question.option].default == question.default, question.option


def test_every_option_of_the_page_is_read_by_the_sandbox(facts: Facts):
    """An option that no code asks for would be a promise without an effect."""
    modules = [path for path in (ROOT / "src/paydown_sandbox").rglob("*.py") if path.name != "options.py"]
    code = "".join(path.read_text("utf-8") for path in modules)

    assert [name for name in facts.options if f'"{name}"' not in code] == []


def test_the_control_api_is_complete(pages):
    """Every call and every object of the sandbox's own document has its place."""
    document = json.loads((ROOT / "src/paydown_sandbox/serving/control.openapi.json").read_bytes())
    page = plain(pages["control.md"])

    for path, item in document["paths"].items():
        for method, call in item.items():
            assert f"{method.upper()} {path}" in page
            assert plain(call["summary"]) in page
    for name in document["components"]["schemas"]:
        assert f"## {name} " in pages["control.md"]


def test_the_provenance_page_shows_every_marked_fact(facts: Facts, pages):
    """Each place of the document that carries `x-evidence` is one row."""
    marked = [node for node in nodes(facts.document) if "x-evidence" in node]
    tables = pages["api/provenance.md"].partition("## Calls")[2]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and ".mark" in line]

    assert len(rows) == len(marked) > 400
    for mark in DOCUMENT["x-evidence-marks"]:
        assert f'<a id="mark-{mark}"></a>' in pages["api/provenance.md"]


def test_every_finding_that_a_fact_names_is_in_the_sources(facts: Facts):
    """`x-discrepancy` never points at a row that `SOURCES.md` does not have."""
    named = {number for node in nodes(facts.document) for number in node.get("x-discrepancy", [])}

    assert named <= finding_numbers(facts)


# ---------------------------------------------------------------------------------------- it is true


@pytest.mark.parametrize("operation", IDS)
def test_example_calls_fit_the_methods_they_call(facts: Facts, pages, operation):
    """An example that a reader copies has the arguments which the method takes."""
    call = next(one for one in facts.client.operations if one.id == operation)
    resource = getattr(paydown_wire.resources, f"{call.resource.title().replace('_', '')}Resource")
    signature = inspect.signature(getattr(resource, call.python_name))
    examples = pages[path_of(call)].partition("## Examples")[2]
    found = 0
    for block in re.findall(r"```python\n(.*?)```", examples, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"client.{call.name}":
                signature.bind(None, **{keyword.arg: None for keyword in node.keywords if keyword.arg})
                found += 1

    assert found or any(parameter.required for parameter in call.parameters)


# ---------------------------------------------------------------------------------------- it leads somewhere


def anchors(page: str) -> set[str]:
    """Every place inside a page that a link can name."""
    found = set(re.findall(r'<a id="([^"]+)"></a>', page)) | set(re.findall(r"\{ #([\w-]+) \}", page))
    for heading in re.findall(r"^#+ (.+?)(?: \{ #.*\})?$", FENCE.sub("", page), re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", plain(heading)).strip().lower()
        found.add(re.sub(r"[-\s]+", "-", words))
    return found


def test_links_between_pages_resolve(pages):
    """Every relative link names a page that exists, and a place on it that exists."""
    places = {path: anchors(page) for path, page in pages.items()}
    followed = 0
    for path, page in pages.items():
        for target in re.findall(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)", FENCE.sub("", page)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            name = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
            assert name in pages, f"{path} links to {target}"
            assert not anchor or anchor in places[name], f"{path} links to {target}"
            followed += 1

    assert followed > 1000


def test_the_navigation_reaches_every_page_written_by_hand():
    """mkdocs.yml names each page of docs/, and no page that does not exist."""

    def named(entry: object) -> Iterator[str]:
        if isinstance(entry, dict):
            entry = list(entry.values())
        if isinstance(entry, list):
            for child in entry:
                yield from named(child)
        elif isinstance(entry, str):
            yield entry

    navigation = set(named(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    written = {path for path in hand_written(ROOT) if path.endswith(".md")}

    assert written <= navigation
    assert {path for path in navigation - written if "/" not in path} == {"unknowns.md", "control.md"}


def test_pages_of_the_python_reference_name_modules_that_exist(pages):
    """Each directive of mkdocstrings names an object in a module of this project."""
    for path, page in pages.items():
        for name in re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE):
            parts = name.split(".")
            module = next(
                found
                for length in range(len(parts), 0, -1)
                for base in ("src", "generated_client")
                if (found := _module(ROOT / base, parts[:length])) is not None
            )
            last = parts[-1]
            assert module.stem == last or module.parent.name == last or last in module.read_text("utf-8"), (
                path,
                name,
            )


def _module(base: Path, parts: list[str]) -> Path | None:
    path = base.joinpath(*parts)
    for found in (path.with_suffix(".py"), path / "__init__.py"):
        if found.is_file():
            return found
    return None


# ---------------------------------------------------------------------------------------- the same each time


def digest(files: dict[str, bytes]) -> str:
    """One hash for a whole tree."""
    return hashlib.sha256(
        json.dumps({name: content.hex() for name, content in files.items()}).encode()
    ).hexdigest()


def test_pages_are_the_same_in_another_process_with_another_hash_seed(facts: Facts, tmp_path):
    """Writing the pages twice, with another order of sets, gives the same bytes."""
    subprocess.run(
        [sys.executable, "-m", "tools.docs_site", "--out", str(tmp_path / "src")],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        check=True,
        capture_output=True,
    )
    again = {
        path.relative_to(tmp_path / "src").as_posix(): path.read_bytes()
        for path in (tmp_path / "src").rglob("*")
        if path.is_file()
    }

    assert digest(dict(sorted(again.items()))) == digest(tree(facts))


def test_a_page_of_an_earlier_tree_does_not_remain(tmp_path):
    """The folder holds exactly what was written last."""
    write({"old.md": b"old", "sub/old.md": b"old"}, tmp_path / "src")
    write({"new.md": b"new"}, tmp_path / "src")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["new.md"]


def test_mkdocs_is_not_told_to_be_quiet():
    """With `--quiet` mkdocs drops its warnings before it counts them, and strict mode lets everything pass."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    builds = [line for line in makefile.splitlines() if "mkdocs build" in line]

    assert builds
    assert [line for line in builds if "--quiet" in line or " -q" in line] == []


# ---------------------------------------------------------------------------------------- nothing from elsewhere


def test_the_theme_loads_nothing_from_elsewhere():
    """No font service, no address of another host in style sheets or scripts of the configuration."""
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))

    assert config["theme"]["font"] is False
    assert config["strict"] is True
    assert "repo_url" not in config  # the theme would ask the host of the repository for its stars
    for name in ("extra_css", "extra_javascript"):
        assert [address for address in config.get(name, []) if "//" in address] == []
    for path, content in hand_written(ROOT).items():
        if path.endswith(".css"):
            assert re.findall(rb"(?:url\(|@import)[^;]*//", content) == []
