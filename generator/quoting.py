"""Quote text of the document: the only place where foreign text becomes Python, Markdown or terminal output.

A description, a tag or a file name is data, no matter who wrote it. In generated code it may stand in a string literal,
a docstring, a comment, or as an identifier, and each of these has its own way out: a quote, a line break, a hash.
Every function here closes all of them and returns `Source`. The templates print nothing else: the renderer makes a
plain `str` in a template an error, so that a forgotten filter stops the run instead of opening a hole.
"""

from __future__ import annotations

import keyword
import re
import textwrap

# Comments that tools obey. Their last sign is escaped, so that they stay readable and mean nothing.
_INSTRUCTION = re.compile(
    r"(?:coding|type|fmt|ruff|isort|mypy|pyright|pylint|flake8|pragma)\s*[:=]"
    r"|no(?:qa|sec)",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"([\\`|<>\[\]*])")


class Source(str):
    """Mark text that is source code already, so that it is not quoted again."""

    __slots__ = ()


def string(text: str) -> Source:
    """Return the Python literal of a text. It reads back as the same text, lone surrogates included."""
    if "\\" in text and '"' not in text and not text.endswith("\\") and text.isprintable():
        return Source(f'r"{text}"')
    return Source('"' + visible(text.replace("\\", "\\\\").replace('"', '\\"')) + '"')


def visible(text: str) -> str:
    """Return a text with each unprintable character as an escape: controls, blanks, bidi marks, surrogates."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(sign: str) -> str:
    if sign.isprintable():
        return sign
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(sign) or _escape(sign)


def _escape(sign: str) -> str:
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def docstring(text: str, indent: int) -> Source:
    """Return the body of a docstring, without its quotation marks; its later lines are indented.

    Args:
        text: The words. Line feeds are kept, every other character that is not printable is escaped.
        indent: Column of the docstring.
    """
    inside, last = (
        (text[:-1], '\\"') if text.endswith('"') else (text, "")
    )  # a quote would join the closing ones
    safe = inside.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') + last
    lines = [visible(line) for line in safe.split("\n")]
    return Source("\n".join([lines[0], *(" " * indent + line if line.strip() else "" for line in lines[1:])]))


def comment(text: str, indent: int, width: int) -> Source:
    """Return a text as comment lines, of which the first is not indented: it stands where the template puts it.

    A hash inside the text, and words that tools obey (`type:`, `noqa`, `coding=`), are escaped.

    Args:
        text: The words, on any number of lines.
        indent: Column of the comment.
        width: Column at which lines end.
    """
    flat = visible(" ".join(text.replace("#", "\\x23").split()))
    inert = _INSTRUCTION.sub(lambda found: found[0][:-1] + _escape(found[0][-1]), flat)
    lines = textwrap.wrap(inert, width - indent - 2, initial_indent="# ", subsequent_indent="# ")
    return Source(f"\n{' ' * indent}".join(lines))


def identifier(name: str) -> Source:
    """Return a name as Python source.

    Args:
        name: What the document calls it, already spelled as Python does.

    Raises:
        ValueError: Python would not accept the name. The checks refuse such a document before it comes here.
    """
    if not is_plain(name) or keyword.iskeyword(name):
        raise ValueError(f"{visible(name)!r} is not a name in Python")
    return Source(name)


def is_plain(name: str) -> bool:
    """Return whether Python reads a text as one name, and as the same one: letters of other alphabets look alike."""
    return name.isidentifier() and name.isascii()


def cell(text: str) -> Source:
    """Return a text for a cell of a Markdown table, outside of backticks."""
    return Source(_MARKDOWN.sub(r"\\\1", visible(" ".join(text.split()))))


def code_cell(text: str) -> Source:
    """Return a text for a cell of a Markdown table, between backticks, which no escape can leave."""
    return Source(visible(" ".join(text.split())).replace("`", "'").replace("|", "\\|"))
