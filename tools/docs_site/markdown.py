"""Build small pieces of Markdown that come out as meant, with any text put into them.

Text of the document may hold `<`, `|`, `*` or a whole HTML page. Everything here escapes it once; a text
that went through `prose` or `code` must not go through it again.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Iterable, Sequence

_CODE_SPAN = re.compile(r"`([^`]+)`")
# What Markdown would read as markup. The underscore inside a word is left alone by the parser, and so here.
_MARKUP = {character: f"&#{ord(character)};" for character in "\\*[]`|_{}"}


def prose(text: str) -> str:
    """Return text as inline Markdown: spans in backticks become code, everything else is taken literally."""
    flat = " ".join(text.split())
    parts: list[str] = []
    end = 0
    for match in _CODE_SPAN.finditer(flat):
        parts += [_literal(flat[end : match.start()]), code(match.group(1))]
        end = match.end()
    return "".join([*parts, _literal(flat[end:])])


def paragraphs(text: str) -> str:
    """Return text whose paragraphs are parted by blank lines as Markdown paragraphs."""
    return "\n\n".join(prose(part) for part in re.split(r"\n\s*\n", text.strip()) if part)


def code(text: str) -> str:
    """Return text as inline code. It is HTML, because a `|` in backticks would end the cell of a table."""
    # Without the last step an address would become a link that runs on into the closing tag.
    return f"<code>{_literal(text).replace('://', '&#58;//')}</code>"


def codes(texts: Iterable[str], *, between: str = ", ") -> str:
    """Return several texts as inline code.

    Args:
        texts: What to show.
        between: Markdown between two of them.
    """
    return between.join(code(text) for text in texts)


def block(language: str, text: str) -> str:
    """Return a fenced block of code.

    Args:
        language: Language for the highlighting, such as "python".
        text: The code.
    """
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def json_block(value: object) -> str:
    """Return a value as indented JSON."""
    return block("json", json.dumps(value, indent=2, ensure_ascii=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    Args:
        heads: Titles of the columns, Markdown already.
        rows: Cells of each row, Markdown already.

    Raises:
        ValueError: A row has another number of cells.
    """
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"a row of {len(row)} cells under {len(heads)} heads: {row!r:.120}")
        lines.append(f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |")
    return "\n".join(lines)


def note(kind: str, title: str, body: str) -> str:
    """Return an admonition.

    Args:
        kind: Kind of the note, such as "danger".
        title: Its title, plain text.
        body: Its content, Markdown already.
    """
    indented = "\n".join(f"    {line}".rstrip() for line in body.split("\n"))
    return f'!!! {kind} "{title}"\n\n{indented}'


def anchor(name: str) -> str:
    """Return a place inside a page that links can lead to."""
    return f'<a id="{html.escape(name, quote=True)}"></a>'


def page(*parts: str) -> str:
    """Return a page: the parts that are not empty, with a blank line between."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


class Links:
    """Make links from one page of the tree to others, with paths relative to it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def to(self, target: str, text: str, anchor_name: str = "", style: str = "") -> str:
        """Return a link.

        Args:
            target: Path of the other page in the tree, such as "api/errors.md".
            text: Markdown already.
            anchor_name: A place in that page.
            style: CSS classes, such as ".mark".
        """
        path = "" if target == self.path else posixpath.relpath(target, posixpath.dirname(self.path) or ".")
        url = f"{path}#{anchor_name}" if anchor_name else path
        return f"[{text}]({url})" + (f"{{ {style} }}" if style else "")

    def marks(self, provenance: Iterable[str]) -> str:
        """Return marks of provenance, each a link to its explanation."""
        return " ".join(
            self.to("api/provenance.md", mark, f"mark-{mark}", f".mark .mark-{mark}") for mark in provenance
        )

    def findings(self, numbers: Iterable[int]) -> str:
        """Return numbers of findings, each a link to the table of sources."""
        return ", ".join(
            self.to("api/sources.md", f"finding {number}", f"finding-{number}") for number in numbers
        )

    def error_code(self, number: int) -> str:
        """Return the number of an error code as a link to its row."""
        return self.to("api/errors.md", code(str(number)), f"code{number}")


def symbol(identifier: str, text: str | None = None) -> str:
    """Return a reference to a Python object, which mkdocstrings resolves.

    Args:
        identifier: Dotted name of the object.
        text: What to show; its last name if None.
    """
    return f"[`{text or identifier.rpartition('.')[2]}`][{identifier}]"


def _literal(text: str) -> str:
    escaped = html.escape(text, quote=False)
    return "".join(_MARKUP.get(character, character) for character in escaped)
