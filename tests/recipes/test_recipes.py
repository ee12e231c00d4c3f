"""The recipes of CONTRIBUTING.md do what they promise, on a copy of the tree."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.recipes.recipe_steps import ROOT, Step, apply_edit, commands, copy_tree, recipes, run

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = recipes(PAGE)
# Written by commands alone: a recipe that edits one of these is no recipe.
GENERATED = ("generated_client/", "tests/contract/evidence/ledger.json")


def edit_a_copy(root: Path, step: Step) -> None:
    """Make the edit of a step below `root`, where the file is first copied from the tree of today."""
    target = root / step.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if step.order != "new file" and not target.exists():
        target.write_bytes((ROOT / step.path).read_bytes())
    apply_edit(root, step)


def test_there_is_a_recipe_for_each_of_the_five_changes():
    """Each recipe edits files, and ends with a command or a program that must pass."""
    assert list(RECIPES) == [
        "add a call",
        "add an error code",
        "add a fault",
        "add a choice",
        "add a repay rule",
    ]
    for steps in RECIPES.values():
        assert any(step.edits for step in steps)
        assert (steps[-1].order, steps[-1].anchor) in (("run", ""), ("try", ""))


def test_every_file_line_and_test_that_the_recipes_name_exists(tmp_path):
    """Each edit, made in order, finds its file and line in the tree of today, and each command its module and tests."""
    for step in (step for steps in RECIPES.values() for step in steps):
        if step.edits:
            assert not step.path.startswith(GENERATED), step.path
            edit_a_copy(tmp_path, step)
        elif step.order == "run":
            for words in commands(step):
                named = words[words.index("-m") + 1].replace(".", "/")
                assert named == "pytest" or any(
                    (ROOT / f"{named}{end}").is_file() for end in (".py", "/__main__.py")
                )
                for path in (word for word in words if word.startswith("tests/")):
                    assert (ROOT / path).exists(), path
            if step.anchor.startswith("test_"):
                (path,) = (word for words in commands(step) for word in words if word.startswith("tests/"))
                assert step.anchor in (ROOT / path).read_text(encoding="utf-8")


def test_every_file_that_a_recipe_changes_can_still_be_read(tmp_path):
    """Python, JSON and YAML that the recipes change are well-formed: no block has lost its indentation."""
    edits = [step for steps in RECIPES.values() for step in steps if step.edits]
    for step in edits:
        edit_a_copy(tmp_path, step)

    readers = {".py": ast.parse, ".json": json.loads, ".yaml": yaml.safe_load, ".md": str}
    for path in sorted({step.path for step in edits}):
        assert readers[Path(path).suffix]((tmp_path / path).read_text(encoding="utf-8")), path
    for step in (step for steps in RECIPES.values() for step in steps if step.order == "try"):
        assert ast.parse(step.block).body


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:src|tests|tools|docs|openapi|models)/[\w/.-]+)`", PAGE)))
)
def test_a_file_that_the_page_names_exists(path):
    """Every path in the prose of CONTRIBUTING.md is one of the tree, unless a recipe creates it."""
    created = {step.path for steps in RECIPES.values() for step in steps if step.order == "new file"}
    assert path in created or (ROOT / path).exists()


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("Do this:\n\n```sh\ntrue\n```\n", "states what to do"),
        ("**In** `README.md`\n\n```sh\ntrue\n```\n", "name the line"),
        ("**Append to** `README.md`, **after the line** `a`\n\n```sh\ntrue\n```\n", "name the line"),
    ],
)
def test_a_block_without_an_order_is_refused(block, reason):
    """A recipe with a block that no program can apply is an error, not a block that is left out."""
    with pytest.raises(ValueError, match=reason):
        recipes(f"## Recipe: add nothing\n\n{block}")


def test_an_edit_whose_line_is_not_there_once_is_refused(tmp_path):
    """An edit of a file without the line, or with two such lines, changes nothing."""
    (tmp_path / "page").write_text("one\ntwo\ntwo\n", encoding="utf-8")
    for anchor in ("two", "three"):
        with pytest.raises(ValueError, match=f"lines begin with '{anchor}'"):
            apply_edit(tmp_path, Step("after", "new\n", "page", anchor))
    assert (tmp_path / "page").read_text(encoding="utf-8") == "one\ntwo\ntwo\n"


def follow(root: Path, step: Step) -> None:
    """Do one step in the copy, and compare what a command ends with to what the page promises."""
    if step.edits:
        apply_edit(root, step)
    elif step.order == "try":
        done = run(root, "-W", "error", "-c", step.block)
        assert done.returncode == 0, done.stderr
    else:
        ended = [run(root, *words) for words in commands(step)]
        texts = [one.stdout + one.stderr for one in ended]
        assert [one.returncode == 0 for one in ended] == [True] * (len(ended) - 1) + [not step.anchor], texts
        assert step.anchor in texts[-1]


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_does_what_it_promises(name, tmp_path):
    """Applied as printed behind the edits of the recipes before it, each command and program ends as promised."""
    copy_tree(tmp_path)
    earlier = list(RECIPES)[: list(RECIPES).index(name)]
    for step in (step for one in earlier for step in RECIPES[one] if step.edits):
        apply_edit(tmp_path, step)
    if earlier:
        for module in ("generator", "tests.contract.support.facts"):
            done = run(tmp_path, "-m", module, *(["--accept"] if module != "generator" else []))
            assert done.returncode == 0, done.stderr

    for step in RECIPES[name]:
        follow(tmp_path, step)
