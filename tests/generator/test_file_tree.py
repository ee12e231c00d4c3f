"""A tree is written aside, compared as a whole, and put in place in one step or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator import file_tree as tree
from generator.problems import GeneratorFault


def test_differences_are_seen_from_both_sides() -> None:
    """
    A changed file, a missing one and an orphan are three different findings.
    """
    difference = tree.compare({"a": b"1", "b": b"1", "orphan": b""}, {"a": b"1", "b": b"2", "c": b"3"})

    assert difference == tree.Difference(changed=("b",), missing=("c",), orphans=("orphan",))
    assert not tree.compare({"a": b"1"}, {"a": b"1"})


def test_caches_are_not_part_of_a_tree(tmp_path: Path) -> None:
    """
    What an interpreter or a checker leaves behind is no difference.
    """
    tree.write(tmp_path, {"module.py": "x\n", "__pycache__/module.pyc": "y"})

    assert list(tree.read(tmp_path)) == ["module.py"]


def test_a_swap_replaces_everything(tmp_path: Path) -> None:
    """
    After a swap the folder holds the new files and none of the old ones, and nothing lies next to it.
    """
    target = tmp_path / "client"
    tree.write(target, {tree.MANIFEST: "{}", "old.py": "old\n"})

    with tree.staging(target) as fresh:
        tree.write(fresh, {tree.MANIFEST: "{}", "new.py": "new\n"})
        tree.swap(fresh, target)

    assert list(tree.read(target)) == [tree.MANIFEST, "new.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["client"]


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    """
    A folder that holds files and no manifest is left alone.
    """
    target = tmp_path / "letters"
    tree.write(target, {"letter.txt": "dear\n"})

    with tree.staging(target) as fresh, pytest.raises(GeneratorFault, match="did not write"):
        tree.swap(fresh, target)

    assert list(tree.read(target)) == ["letter.txt"]


def test_a_failed_swap_puts_the_old_tree_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If the new tree cannot be put in place, the old one is where it was.
    """
    target = tmp_path / "client"
    tree.write(target, {tree.MANIFEST: "{}", "old.py": "old\n"})
    replace = os.replace

    def failing(source: Path, destination: Path) -> None:
        if Path(source).name.startswith(".client-") and destination == target:
            raise PermissionError("held by somebody")
        replace(source, destination)

    with tree.staging(target) as fresh:
        monkeypatch.setattr(os, "replace", failing)
        with pytest.raises(PermissionError):
            tree.swap(fresh, target)

    assert list(tree.read(target)) == [tree.MANIFEST, "old.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["client"]


def test_line_ends_are_the_same_everywhere(tmp_path: Path) -> None:
    """
    Text is written with line feeds, whatever the system prefers.
    """
    tree.write(tmp_path, {"a/b.txt": "one\ntwo\n"})

    assert (tmp_path / "a" / "b.txt").read_bytes() == b"one\ntwo\n"
