"""Read the files of a document, from a folder or from a git revision, and parse them once.

YAML 1.1 has traps that turn a contract into something else without a word: a bare `no` is false, a bare
date is not text, a key written twice keeps the second value. Each of them is refused here. Every mapping
and sequence remembers its line, so that later stages can name the place of a problem.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from generator.document.json_pointer import Json, escape
from generator.document.size_limits import (
    MOST_DIGITS,
    TooMuch,
    check_text,
    check_tree,
    check_yaml,
    read_files,
)
from generator.problems import DocumentRefused, GeneratorFault, Problem

ROOT_FILE = "openapi.yaml"
_SUFFIXES = (".yaml", ".json")
_LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # ten times faster in C
_PLAIN_BOOLEANS = {"true": True, "false": False}
_PLAIN_NULLS = frozenset({"null", "~", ""})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Hold one parsed file.

    Attributes:
        name: Path below the document's folder, with forward slashes.
        data: Its content as plain JSON data.
        lines: Line (from 1) of each value, keyed by JSON pointer. Empty for JSON files.
    """

    name: str
    data: Json
    lines: Mapping[str, int] = field(default_factory=dict[str, int])

    def line(self, pointer: str) -> int:
        """Return the line of the nearest known ancestor of `pointer`, or 0."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 0)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the YAML and JSON files of a document, keyed by path below its folder, sorted."""
    if not (folder / ROOT_FILE).is_file():
        raise DocumentRefused(
            [
                Problem(
                    ROOT_FILE,
                    0,
                    "",
                    f"{folder} holds no {ROOT_FILE}.",
                    f"write the root of the document there, as {ROOT_FILE}.",
                )
            ]
        )
    return read_files(folder, _SUFFIXES)


def read_revision(repository: Path, revision: str, folder: str) -> dict[str, bytes]:
    """Return the files of a document as they were at a git revision, keyed by path below its folder.

    Args:
        repository: Top of the work tree.
        revision: Anything that git understands: a tag, a branch, a commit.
        folder: Path of the document's folder below `repository`.
    """
    listing = _git(
        repository, "ls-tree", "-r", "-z", "--name-only", f"{revision}^{{commit}}", "--", f"{folder}/"
    )
    names = [name for name in listing.decode().split("\0") if name.endswith(_SUFFIXES)]
    return {
        name.removeprefix(f"{folder}/"): _git(repository, "cat-file", "blob", f"{revision}:{name}")
        for name in sorted(names)
    }


def _git(repository: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  (no shell, fixed program)
    if done.returncode:
        raise GeneratorFault(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def parse_files(files: Mapping[str, bytes]) -> dict[str, SourceFile]:
    """Parse every file of a document.

    Args:
        files: Content of each file, keyed by relative path.

    Raises:
        DocumentRefused: Holds everything that is unreadable in any of them.
    """
    problems: list[Problem] = []
    parsed: dict[str, SourceFile] = {}
    for name, content in files.items():
        reader = _JsonFile(name) if name.endswith(".json") else _YamlFile(name)
        parsed[name] = reader.read(content)
        problems += reader.problems
    if problems:
        raise DocumentRefused(problems)
    return parsed


class _YamlFile:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []

    def read(self, content: bytes) -> SourceFile:
        try:
            check_yaml(content)
            loader = _LOADER(content)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except TooMuch as error:
            self._refuse("", error.line, error.reason, "a document that can be read by people.")
            return SourceFile(self.name, None)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            what = " ".join(str(getattr(error, "problem", None) or error).split())
            line = mark.line + 1 if mark is not None else 0
            self.problems.append(
                Problem(
                    self.name,
                    line,
                    "",
                    f"not readable as YAML: {what}.",
                    "valid YAML; check the indentation and the quotes of this line.",
                )
            )
            return SourceFile(self.name, None)
        data = None if node is None else self._value(node, "")
        if not isinstance(data, dict) and not self.problems:
            self._refuse("", 1, "the file is not a mapping.", "`Name: ...` entries at the top level.")
        return SourceFile(self.name, data, self.lines)

    def _value(self, node: yaml.Node, pointer: str) -> Json:
        self.lines[pointer] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, f"{pointer}/{index}") for index, child in enumerate(node.value)]
        return self._scalar(node, pointer)

    def _mapping(self, node: yaml.MappingNode, pointer: str) -> Json:
        mapping: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str) or key_node.tag == "tag:yaml.org,2002:merge":
                self._refuse(
                    pointer,
                    line,
                    "a merge key (`<<`) or a key that is not text.",
                    "the members themselves, or a $ref.",
                )
                continue
            if key_node.tag != "tag:yaml.org,2002:str":
                self._refuse(
                    pointer,
                    line,
                    f"the key {key} is read as {key_node.tag.rpartition(':')[2]}, not as text.",
                    f'"{key}", in quotes.',
                )
            try:
                check_text(key)
            except TooMuch as error:
                self._refuse(pointer, line, error.reason, "the whole sign.")
            if key in mapping:
                self._refuse(
                    f"{pointer}/{escape(key)}",
                    line,
                    f"the key {key!r} is written twice; the first value would be lost.",
                    "one of the two.",
                )
            mapping[key] = self._value(value_node, f"{pointer}/{escape(key)}")
            self.lines[f"{pointer}/{escape(key)}"] = line
        return mapping

    def _scalar(self, node: yaml.Node, pointer: str) -> Json:
        text: str = node.value
        kind = node.tag.rpartition(":")[2]
        line = node.start_mark.line + 1
        if kind == "str":
            try:
                check_text(text)
            except TooMuch as error:
                self._refuse(pointer, line, error.reason, "the whole sign.")
            return text
        if kind == "null" and text in _PLAIN_NULLS:
            return None
        if kind == "bool" and text in _PLAIN_BOOLEANS:
            return _PLAIN_BOOLEANS[text]
        if kind == "int" and (
            len(text) <= MOST_DIGITS
            and text.lstrip("-").isdigit()
            and (text.lstrip("-") == "0" or not text.lstrip("-").startswith("0"))
        ):
            return int(text)
        if kind == "float":
            try:
                number = float(json.loads(text))  # JSON's spelling only: no .5, no 1_0.0, no .inf
            except ValueError:
                number = math.inf
            if math.isfinite(number):  # 1e999 would be infinity
                return number
        text = text if len(text) <= MOST_DIGITS else f"{text[:20]}…"
        self._refuse(
            pointer,
            line,
            f"a bare {text} is read as {kind} by YAML 1.1.",
            f'"{text}", in quotes, or a plain true, false or number.',
        )
        return None

    def _refuse(self, pointer: str, line: int, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self.name, line, pointer, reason, remedy))


class _JsonFile:
    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []

    def read(self, content: bytes) -> SourceFile:
        try:
            data = json.loads(
                content,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_int=self._integer,
                parse_float=self._float,
            )
            check_tree(data)
        except (ValueError, RecursionError) as error:
            self.problems.append(
                Problem(
                    self.name,
                    getattr(error, "lineno", 0),
                    "",
                    f"not readable as JSON: {str(error).rstrip('.')[:200]}.",
                    "valid JSON. If it is published like this, repair it and say so in `x-note`.",
                )
            )
            data = None
        return SourceFile(self.name, data)

    def _object(self, pairs: list[tuple[str, Json]]) -> Json:
        members = dict(pairs)
        if len(members) != len(pairs):
            names = [name for name, _ in pairs]
            twice = sorted({name for name in names if names.count(name) > 1})
            self.problems.append(
                Problem(
                    self.name,
                    0,
                    "",
                    f"the member {twice[0]!r} is written twice; the first value would be lost.",
                    "one of the two.",
                )
            )
        return members

    @staticmethod
    def _constant(text: str) -> Json:
        raise ValueError(f"{text} is not JSON")

    @staticmethod
    def _integer(text: str) -> Json:
        if len(text) > MOST_DIGITS:
            raise ValueError("a number of hundreds of digits")
        return int(text)

    @staticmethod
    def _float(text: str) -> Json:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text[:20]} is larger than every number")
        return number
