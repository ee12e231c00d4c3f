"""A built site is searched for what it loads from elsewhere and for links that lead nowhere."""

from __future__ import annotations

import pytest

from tools.docs_site.site_inspection import inspect


def site(folder, **files):
    """Write a site: `index="..."` becomes index.html."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "loading",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<link rel="icon" href="http://elsewhere.example/i.png">',
        '<img src="https://elsewhere.example/i.png">',
        '<source srcset="https://elsewhere.example/i.png">',
        '<iframe src="https://elsewhere.example/"></iframe>',
        '<style>@import "https://fonts.example/css";</style>',
        "<p style=\"background: url('https://elsewhere.example/i.png')\">x</p>",
    ],
)
def test_a_page_that_loads_from_elsewhere_is_named(tmp_path, loading):
    """Every way in which a page can make a browser fetch something from another host is seen."""
    found = inspect(site(tmp_path, index__html=f"<html><body>{loading}</body></html>"))

    assert len(found.complaints) == 1
    assert "index.html: loads " in found.complaints[0]


def test_a_style_sheet_that_loads_from_elsewhere_is_named(tmp_path):
    """Fonts come in through style sheets."""
    found = inspect(
        site(tmp_path, index__html="<p>x</p>", a__css="@font-face{src:url(https://fonts.example/f.woff2)}")
    )

    assert found.complaints == ["a.css: loads https://fonts.example/f.woff2"]


def test_a_link_that_a_reader_may_follow_is_no_loading(tmp_path):
    """Links to other sites, and addresses in data, are fine."""
    page = '<a href="https://example.org/">x</a><link rel="canonical" href="https://example.org/"><img src="data:,">'

    assert inspect(site(tmp_path, index__html=page)).complaints == []


def test_dead_links_and_missing_places_are_named(tmp_path):
    """A link to a page that is not there, or to a place that the page does not have, is a complaint."""
    found = inspect(
        site(
            tmp_path,
            index__html='<a href="b.html#here">1</a><a href="b.html#gone">2</a>'
            '<a href="c.html">3</a><a href="#top">4</a>',
            b__html='<h2 id="here">x</h2>',
        )
    )

    assert found.links == 4
    assert found.complaints == [
        "index.html: b.html#gone leads to a place that b.html does not have",
        "index.html: c.html leads nowhere",
        "index.html: #top leads to a place that index.html does not have",
    ]


def test_an_empty_folder_is_a_complaint(tmp_path):
    """Nothing to complain about because nothing was built is no success."""
    assert inspect(tmp_path).complaints != []
