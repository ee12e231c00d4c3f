"""Join the files of a document into one, and remember in which file each part was written.

    components/schemas.yaml#/Balance   -> {"$ref": "#/components/schemas/Balance"}   named parts stay named
    paths/margin.yaml#/repayDebt       -> its content                     path items are put in place
    examples/repay-debt.json           -> its content                     under an example's `value`
    components/errors.yaml#/codes      -> its content                     under an `x-` key

A `$ref` that leads nowhere, out of the folder or round in a circle is refused, and so is anything that
nothing refers to: a reference that got lost must not take an operation with it in silence.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from generator.document.json_pointer import Json, at, escape, unescape
from generator.document.size_limits import DEEPEST, LARGEST_TREE, LONGEST_CHAIN
from generator.document.source_files import ROOT_FILE, SourceFile
from generator.problems import DocumentRefused, Problem

# File stem below components/ -> kind of component it defines.
_KINDS = {
    "schemas": "schemas",
    "events": "schemas",
    "parameters": "parameters",
    "responses": "responses",
    "headers": "headers",
    "links": "links",
    "security": "securitySchemes",
}
# Maps whose keys are names given by people: an "x-" or "value" in them is a name, not a keyword.
_NAME_MAPS = frozenset(
    {
        "properties",
        "headers",
        "schemas",
        "parameters",
        "responses",
        "links",
        "securitySchemes",
        "examples",
        "mapping",
    }
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hold one document, and where its parts were written.

    Attributes:
        document: The whole document as JSON data; every `$ref` in it starts with `#/components/`.
        origins: File and pointer of each part that was put in place, keyed by its pointer in `document`.
        files: The parsed files, keyed by name.
    """

    document: dict[str, Json]
    origins: Mapping[str, tuple[str, str]]
    files: Mapping[str, SourceFile]

    def place(self, pointer: str) -> tuple[str, str]:
        """Return (file, pointer in that file) of a pointer in the bundled document."""
        known, rest = pointer, ""
        while known and known not in self.origins:
            known, _, part = known.rpartition("/")
            rest = f"/{part}{rest}"
        file, start = self.origins.get(known, (ROOT_FILE, ""))
        return file, start + rest

    def problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        """Return a problem, located in the file that a person edits.

        Args:
            pointer: Place in the bundled document.
            reason: What is wrong, as a statement.
            remedy: What to write instead.
        """
        file, inside = self.place(pointer)
        return Problem(file, self.files[file].line(inside), inside, reason, remedy)


def bundle(files: Mapping[str, SourceFile], *, lenient: bool = False) -> Bundle:
    """Join files into one document.

    Args:
        files: As `source_files.parse_files` returns them.
        lenient: Accept parts that nothing refers to. Used for old revisions, which obeyed other rules.

    Raises:
        DocumentRefused: A reference is broken, or a part is unused.
    """
    bundler = _Bundler(files)
    document = bundler.run()
    problems = bundler.problems or ([] if lenient else bundler.unused())
    if problems:
        raise DocumentRefused(problems)
    return Bundle(document, bundler.origins, files)


class _Bundler:
    def __init__(self, files: Mapping[str, SourceFile]) -> None:
        self._files = files
        self._wanted: dict[tuple[str, str], str] = {}  # (kind, name) -> file
        self._used: set[tuple[str, str]] = {(ROOT_FILE, "")}  # (file, top-level pointer)
        self._open: list[tuple[str, str]] = []  # references being followed
        self._count = 0  # values copied
        self.origins: dict[str, tuple[str, str]] = {}
        self.problems: list[Problem] = []

    def run(self) -> dict[str, Json]:
        if ROOT_FILE not in self._files:
            self.problems.append(
                Problem(
                    ROOT_FILE, 0, "", f"the document has no {ROOT_FILE}.", f"a root file named {ROOT_FILE}."
                )
            )
            return {}
        root = self._content(ROOT_FILE)
        self.origins[""] = (ROOT_FILE, "")
        components = root.get("components")
        listed = components if isinstance(components, dict) else {}
        document: dict[str, Json] = {}
        for key, value in root.items():
            if key == "components":
                document[key] = {}  # keeps its place
            else:
                document[key] = self._walk(
                    value, ROOT_FILE, f"/{escape(key)}", f"/{escape(key)}", key.startswith("x-")
                )
        document["components"] = self._components(listed)
        return document

    # ------------------------------------------------------------------------------- named components

    def _components(self, listed: Mapping[str, Json]) -> dict[str, Json]:
        parts: dict[str, dict[str, Json]] = {}
        for kind, entries in listed.items():
            if not isinstance(entries, dict):
                continue
            for name, value in entries.items():
                self._listed(kind, name, value, parts)
        done: set[tuple[str, str]] = set()
        while pending := [item for item in self._wanted.items() if item[0] not in done]:
            for (kind, name), file in pending:
                done.add((kind, name))
                pointer = f"/components/{kind}/{escape(name)}"
                start = f"/{escape(name)}"
                self.origins[pointer] = (file, start)
                parts.setdefault(kind, {})[name] = self._walk(
                    self._content(file)[name], file, start, pointer, False
                )
        return {kind: self._in_file_order(kind, parts[kind]) for kind in sorted(parts)}

    def _listed(self, kind: str, name: str, value: Json, parts: dict[str, dict[str, Json]]) -> None:
        pointer = f"/components/{escape(kind)}/{escape(name)}"
        if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
            parts.setdefault(kind, {})[name] = self._walk(value, ROOT_FILE, pointer, pointer, False)
            return
        found = self._find(str(value["$ref"]), ROOT_FILE, pointer)
        if found is None:
            return
        file, start = found
        if self._named(file, start) != (kind, name):
            self._refuse(
                ROOT_FILE,
                pointer,
                f"the entry is called {kind}/{name} but refers to {value['$ref']}.",
                f"the same name on both sides, in components/{kind}.yaml.",
            )

    def _in_file_order(self, kind: str, entries: dict[str, Json]) -> Json:
        """Return entries by file and by place in the file, so that the order of references does not matter."""

        def place(name: str) -> tuple[str, int, str]:
            file = self._wanted.get((kind, name), ROOT_FILE)
            names = list(self._content(file))
            return file, names.index(name) if name in names else len(names), name

        return {name: entries[name] for name in sorted(entries, key=place)}

    def _named(self, file: str, pointer: str) -> tuple[str, str] | None:
        """Return (kind, name) if the place is a named component, and note that it is wanted."""
        path = PurePosixPath(file)
        if path.parent.as_posix() != "components" or path.stem not in _KINDS or pointer.count("/") != 1:
            return None
        kind, name = _KINDS[path.stem], unescape(pointer[1:])
        if path.stem == "security" and not self._is_scheme(file, name):
            return None  # security.yaml also holds the table of security types, which is data
        owner = self._wanted.setdefault((kind, name), file)
        if owner != file:
            self._refuse(
                file, pointer, f"{kind} {name} is defined in {owner} and in {file}.", "two different names."
            )
        return kind, name

    def _is_scheme(self, file: str, name: str) -> bool:
        entry = self._content(file).get(name)
        return isinstance(entry, dict) and "type" in entry

    # ------------------------------------------------------------------------------- walking

    def _walk(self, value: Json, file: str, source: str, target: str, inline: bool) -> Json:
        """Copy a value to its place in the bundle.

        Args:
            value: What stands at `source` in `file`.
            file: Name of the file.
            source: Pointer in the file.
            target: Pointer in the bundled document.
            inline: Whether every reference is replaced by content (below `x-` keys and example values).
        """
        self._count += 1
        if self._count > LARGEST_TREE or target.count("/") > DEEPEST:
            raise DocumentRefused(
                [
                    Problem(
                        file,
                        self._files[file].line(source),
                        source,
                        f"the references unfold to more than {LARGEST_TREE} values, or {DEEPEST} levels.",
                        "a named schema in components/ for what is used many times.",
                    )
                ]
            )
        if isinstance(value, list):
            return [
                self._walk(item, file, f"{source}/{index}", f"{target}/{index}", inline)
                for index, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            return self._reference(value, file, source, target, inline)
        copied: dict[str, Json] = {}
        names = target.rpartition("/")[2] in _NAME_MAPS and not inline
        for key, child in value.items():
            step = f"/{escape(key)}"
            if key == "externalValue" and not inline:
                self._refuse(
                    file,
                    source + step,
                    "externalValue is not followed.",
                    "value: {$ref: ../examples/name.json}",
                )
            below = inline or (not names and (key.startswith("x-") or _is_example(key, target)))
            if key == "mapping" and target.endswith("/discriminator") and isinstance(child, dict):
                copied[key] = {
                    name: self._mapped(ref, file, f"{source}/mapping/{escape(name)}")
                    for name, ref in child.items()
                }
            else:
                copied[key] = self._walk(child, file, source + step, target + step, below)
        return copied

    def _reference(self, value: dict[str, Json], file: str, source: str, target: str, inline: bool) -> Json:
        found = self._find(str(value["$ref"]), file, source)
        if found is None:
            return {}
        target_file, start = found
        siblings = {key: child for key, child in value.items() if key != "$ref"}
        named = None if inline else self._named(target_file, start)
        copied = {
            key: self._walk(
                child,
                file,
                f"{source}/{escape(key)}",
                f"{target}/{escape(key)}",
                inline or key.startswith("x-"),
            )
            for key, child in siblings.items()
        }
        if named is not None:
            return {"$ref": f"#/components/{named[0]}/{escape(named[1])}", **copied}
        if not inline and start.count("/") > 1:
            self._refuse(
                file,
                source,
                f"{value['$ref']} points into the inside of a named part.",
                "give that part a name of its own in components/ and refer to it.",
            )
            return {}
        if found in self._open or len(self._open) >= LONGEST_CHAIN:
            self._refuse(
                file,
                source,
                f"{value['$ref']} leads back to itself."
                if found in self._open
                else f"{value['$ref']} is the end of {LONGEST_CHAIN} references one behind the other.",
                "a schema in components/schemas.yaml, which may refer to itself, or the content.",
            )
            return {}
        self.origins[target] = found
        for key in siblings:
            self.origins[f"{target}/{escape(key)}"] = (file, f"{source}/{escape(key)}")
        self._open.append(found)
        content = self._walk(at(self._files[target_file].data, start), target_file, start, target, inline)
        self._open.pop()
        if siblings and not isinstance(content, dict):
            self._refuse(
                file, source, "members beside a $ref to something that is not a mapping.", "the $ref alone."
            )
        return {**content, **copied} if isinstance(content, dict) else content

    def _mapped(self, ref: Json, file: str, source: str) -> Json:
        found = self._find(ref, file, source) if isinstance(ref, str) else None
        named = self._named(*found) if found else None
        if named is None:
            if found is not None or not isinstance(ref, str):
                self._refuse(
                    file,
                    source,
                    f"{ref} is not a named schema.",
                    "'#/Name' of a schema in this file, or its path.",
                )
            return None
        return f"#/components/{named[0]}/{escape(named[1])}"

    # ------------------------------------------------------------------------------- finding

    def _find(self, ref: str, file: str, source: str) -> tuple[str, str] | None:
        """Return (file, pointer) that a `$ref` means, or None after noting what is wrong with it."""
        path, _, pointer = ref.partition("#")
        if "://" in path or path.startswith(("/", "\\")) or "\\" in path:
            self._refuse(
                file,
                source,
                f"{ref} is not a path inside this folder.",
                "a relative path such as ../components/schemas.yaml#/Name; the document needs no network.",
            )
            return None
        where = file if not path else _joined(PurePosixPath(file).parent, path)
        if where is None:
            self._refuse(
                file,
                source,
                f"{ref} leaves the folder of the document.",
                "a copy of that file inside the folder.",
            )
            return None
        if where not in self._files:
            self._refuse(
                file,
                source,
                f"{ref} refers to {where}, which does not exist.",
                f"one of: {', '.join(_near(where, self._files))}.",
            )
            return None
        if where == ROOT_FILE and pointer.startswith("/components/"):
            return self._find_listed(ref, file, source, pointer)
        if pointer and not pointer.startswith("/"):
            self._refuse(file, source, f"{ref} is not a JSON pointer.", f"{path}#/{pointer}")
            return None
        node: Json = self._files[where].data
        for part in pointer.split("/")[1:]:
            key = unescape(part)
            if isinstance(node, dict) and key in node:
                node = node[key]
            elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
                node = node[int(key)]
            else:
                names = ", ".join(_near(key, node)) if isinstance(node, dict) and node else "nothing"
                self._refuse(
                    file, source, f"{ref} finds no {key!r} in {where}.", f"a name that stands there: {names}."
                )
                return None
        top = "/" + pointer.split("/")[1] if pointer else ""
        self._used.add((where, top))
        return where, pointer

    def _find_listed(self, ref: str, file: str, source: str, pointer: str) -> tuple[str, str] | None:
        """Follow `#/components/<kind>/<Name>` of the root file to the file that defines it."""
        entry = at(self._content(ROOT_FILE), pointer)
        if isinstance(entry, dict) and isinstance(entry.get("$ref"), str):
            return self._find(str(entry["$ref"]), ROOT_FILE, pointer)
        self._refuse(
            file,
            source,
            f"{ref} finds nothing in {ROOT_FILE}.",
            "components/schemas.yaml#/Name, the file that defines it.",
        )
        return None

    # ------------------------------------------------------------------------------- leftovers

    def unused(self) -> list[Problem]:
        """Return a problem for every file, and every name in a file, that nothing refers to."""
        problems: list[Problem] = []
        touched = {file for file, _ in self._used}
        whole = {file for file, pointer in self._used if not pointer}
        for name, source in self._files.items():
            if name not in touched:
                problems.append(
                    Problem(name, 0, "", "nothing refers to this file.", "a $ref to it, or delete it.")
                )
            elif name not in whole and isinstance(source.data, dict):
                for key in source.data:
                    pointer = f"/{escape(key)}"
                    if (name, pointer) not in self._used:
                        remedy = f"a $ref to it, an entry below components in {ROOT_FILE}, or delete it."
                        problems.append(
                            Problem(name, source.line(pointer), pointer, f"nothing refers to {key}.", remedy)
                        )
        return problems

    def _content(self, file: str) -> dict[str, Json]:
        """Return the top level of a file, which is a mapping in every YAML file."""
        data = self._files[file].data
        return data if isinstance(data, dict) else {}

    def _refuse(self, file: str, pointer: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(file, self._files[file].line(pointer), pointer, reason, remedy))


def _is_example(key: str, target: str) -> bool:
    """Return whether a key holds sample data: `example`, or `value` below `examples/<name>`."""
    parts = target.split("/")
    return key == "example" or (key == "value" and len(parts) > 2 and parts[-2] == "examples")


def _joined(folder: PurePosixPath, path: str) -> str | None:
    parts = [part for part in folder.parts if part != "."]
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _near(wanted: str, names: Mapping[str, object]) -> list[str]:
    """Return up to five names, the most similar first."""
    ranked = sorted(names, key=lambda name: (-difflib.SequenceMatcher(None, wanted, name).ratio(), name))
    return ranked[:5]
