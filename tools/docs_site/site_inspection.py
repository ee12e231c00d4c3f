"""Check a built site: it loads nothing from elsewhere, and every link inside it leads somewhere.

What counts as loading: scripts, style sheets, fonts, pictures, frames, and addresses in style sheets. A link
that a reader may follow to another site is none of that.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
_LOADING_RELATIONS = frozenset(
    {
        "stylesheet",
        "icon",
        "preload",
        "prefetch",
        "preconnect",
        "dns-prefetch",
        "modulepreload",
        "manifest",
        "apple-touch-icon",
    }
)
_STYLE_ADDRESS = re.compile(r"""(?:url\(\s*|@import\s+)["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


@dataclass(slots=True)
class Inspection:
    """Hold the result of an inspection.

    Attributes:
        pages: How many pages were read.
        links: How many links lead to a place inside the site.
        complaints: One line for each thing that is wrong.
    """

    pages: int = 0
    links: int = 0
    complaints: list[str] = field(default_factory=list[str])


class _Page(HTMLParser):
    """Collect what one page loads, where it links to, and the anchors that it offers."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.styles: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.loaded += [given[name] for name in _LOADED.get(tag, ()) if given.get(name)]
        if tag == "link" and _LOADING_RELATIONS & set(given.get("rel", "").split()):
            self.loaded.append(given.get("href", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if given.get("style"):
            self.styles.append(given["style"])
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.styles.append(data)


def inspect(site: Path) -> Inspection:
    """Read every page and style sheet of a site.

    Args:
        site: Folder with the built site.
    """
    found = Inspection()
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    found.pages = len(pages)
    if not pages:
        found.complaints.append(f"{site}: there is no page")
    for name, page in pages.items():
        found.complaints += [f"{name}: loads {address}" for address in page.loaded if _is_elsewhere(address)]
        found.complaints += [
            f"{name}: loads {address}" for text in page.styles for address in _addresses(text)
        ]
        if name != "404.html":  # its links are absolute: the server answers it in the place of any page
            for link in page.links:
                _follow(site, pages, name, link, found)
    for sheet in sorted(site.rglob("*.css")):
        name = sheet.relative_to(site).as_posix()
        found.complaints += [
            f"{name}: loads {address}" for address in _addresses(sheet.read_text(encoding="utf-8"))
        ]
    return found


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address.strip()).netloc)


def _addresses(style: str) -> Iterator[str]:
    for match in _STYLE_ADDRESS.finditer(style):
        yield match.group(1)


def _follow(site: Path, pages: dict[str, _Page], name: str, link: str, found: Inspection) -> None:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return
    target = name
    if parts.path:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
        if parts.path.endswith("/") or target == ".":
            target = posixpath.normpath(posixpath.join(target, "index.html"))
    found.links += 1
    if target in pages:
        anchor = unquote(parts.fragment)
        if anchor and anchor not in pages[target].anchors:
            found.complaints.append(f"{name}: {link} leads to a place that {target} does not have")
    elif not (site / target).is_file():
        found.complaints.append(f"{name}: {link} leads nowhere")
