"""The report as one HTML page: nothing is loaded from anywhere, it reads in light and dark, narrow and wide."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from tests.contract.report.summary import Complaint, Report, Row, Test
from tests.contract.report.targets import CLIENT, EXCHANGE, KINDS, SIDES

_STYLE: Final = """
:root { color-scheme: light dark;
  --back: #ffffff; --card: #f5f6f8; --line: #d5d9e0; --text: #1b1f27; --soft: #545c6b;
  --good: #14693a; --good-back: #ddf3e4; --bad: #a11d1d; --bad-back: #fbe3e1; --bar: #2a6fbb; --track: #dfe3ea; }
@media (prefers-color-scheme: dark) { :root {
  --back: #12151b; --card: #1b2029; --line: #343c4a; --text: #e8ebf0; --soft: #a5afbf;
  --good: #7fdba1; --good-back: #15341f; --bad: #ff9c94; --bad-back: #431917; --bar: #6db1f7; --track: #303847; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 20px 16px 64px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; }
h3 { font-size: 1rem; margin: 16px 0 4px; overflow-wrap: anywhere; }
p { margin: 4px 0 12px; max-width: 75ch; }
.soft { color: var(--soft); }
.result { display: inline-block; font-weight: 600; padding: 6px 14px; border-radius: 999px; margin: 8px 0 4px; }
.good { color: var(--good); background: var(--good-back); }
.bad { color: var(--bad); background: var(--bad-back); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 16px 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .875rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; margin: 8px 0 16px; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; padding: 7px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > th, tr:last-child > td { border-bottom: 0; }
thead th { background: var(--card); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
tbody th small { display: block; color: var(--soft); font-weight: 400; }
@media (max-width: 640px) {
  tbody th { white-space: normal; min-width: 9rem; max-width: 11rem; overflow-wrap: anywhere; }
  th, td { padding: 7px 8px; } }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot th, tfoot td { background: var(--card); font-weight: 600; border-top: 1px solid var(--line); }
.bar { display: block; min-width: 84px; height: 6px; border-radius: 3px; background: var(--track); margin-top: 4px; }
.bar i { display: block; height: 6px; border-radius: 3px; background: var(--bar); }
.case { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--bad);
  border-radius: 10px; padding: 12px 16px; margin: 12px 0; }
.case h3 { margin-top: 0; }
pre { overflow-x: auto; background: var(--back); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 12px; margin: 8px 0; font: .8125rem/1.5 ui-monospace, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 10px; margin: 8px 0; padding: 0 14px; }
details[open] { padding-bottom: 10px; }
summary { cursor: pointer; padding: 9px 0; font-weight: 600; overflow-wrap: anywhere; }
summary span { font-weight: 400; color: var(--soft); }
ul { margin: 4px 0 12px; padding-left: 20px; }
li { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 8px 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 480px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; } }
@media print { details { break-inside: avoid; } .scroll { overflow: visible; } }
"""


def as_html(report: Report) -> str:
    """The whole page."""
    body = "".join(
        (
            _head(report),
            _tiles(report),
            _what_fails(report),
            _operations(report),
            _keywords(report),
            _strength(report),
            _tests(report),
            _gaps(report),
            _each_operation(report),
        )
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>Contract report: {report.result}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    rows = [
        ("Profile", escape(report.profile)),
        ("Seed", f"<code>{report.seed}</code>"),
        ("To run it again", f"<code>{escape(report.command)}</code>"),
        ("Took", f"{report.seconds:.0f} s"),
    ]
    if not report.whole:
        rows.append(
            ("Part only", "Not the whole suite ran: what no request touched is shown, and fails nothing.")
        )
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    kind = "good" if report.passed else "bad"
    return (
        "<h1>Contract report</h1>"
        '<p class="soft">Document, client, exchange and evidence, held to each other.</p>'
        f'<div class="result {kind}" role="status">{report.result.capitalize()}</div><dl>{facts}</dl>'
    )


def _tiles(report: Report) -> str:
    counts = report.outcomes()
    tiles = [
        (f"{counts['passed']:,}", "tests passed"),
        (f"{counts['failed']:,}", "tests failed"),
        (f"{report.requests():,}", "requests judged"),
        (_percent(report.coverage(CLIENT)), "of the document, by the client"),
        (_percent(report.coverage(EXCHANGE)), "of the document, at the exchange"),
    ]
    if report.strength.rates:
        tiles.append(("{} of {}".format(*report.strength.ideas), "wrong ideas noticed"))
    inner = "".join(f'<div class="tile"><b>{number}</b><span>{what}</span></div>' for number, what in tiles)
    return f'<div class="tiles">{inner}</div>'


def _what_fails(report: Report) -> str:
    if report.passed:
        return ""
    parts = ['<h2 id="fails">What fails</h2>']
    parts += [_case(test) for test in report.failed[:50]]
    if len(report.failed) > 50:
        parts.append(f"<p>And {len(report.failed) - 50} more: junit.xml has all.</p>")
    if report.complaints:
        by_kind: dict[str, list[Complaint]] = {}
        for complaint in report.complaints:
            by_kind.setdefault(complaint.kind, []).append(complaint)
        for kind, rows in by_kind.items():
            parts.append(f"<h3>{escape(_KIND_TITLES.get(kind, kind))}: {len(rows)}</h3>")
            parts.append(
                _table(
                    ("What", "Why"), [(f"<code>{escape(row.of)}</code>", escape(row.said)) for row in rows]
                )
            )
    if not report.tests:
        parts.append("<p>No test ran.</p>")
    return "".join(parts)


_KIND_TITLES: Final = {
    "successes": "Too few real successes",
    "keyword": "In the document, touched by nothing",
    "mutant": "Wrong ideas that no test noticed",
    "mutants": "The result of make mutants is out of date",
    "worker": "Workers that died",
}


def _case(test: Test) -> str:
    parts = [f'<article class="case"><h3>{escape(test.nodeid.removeprefix("tests/contract/"))}</h3>']
    if test.clause:
        parts.append(f"<p><b>Clause:</b> {escape(test.clause)}</p>")
    if test.message:
        parts.append(f"<pre>{escape(test.message)}</pre>")
    if test.curl:
        parts.append(
            f'<p class="soft">The request, key and signature cut off:</p><pre>{escape(test.curl)}</pre>'
        )
    if test.answer:
        parts.append(f'<p class="soft">Its answer:</p><pre>{escape(test.answer)}</pre>')
    if test.text:
        parts.append(
            f"<details><summary>Everything pytest printed</summary><pre>{escape(test.text)}</pre></details>"
        )
    return "".join(parts) + "</article>"


def _operations(report: Report) -> str:
    rows = [
        (
            f"{escape(row.operation)}<small>{row.method} {escape(row.path)}</small>",
            f"{row.count(CLIENT):,}",
            f"{row.count(CLIENT, '2xx'):,}",
            f"{row.count(EXCHANGE):,}",
            f"{row.count(EXCHANGE, '2xx'):,}",
            f"{row.count(EXCHANGE, 'refused'):,}",
            _bar(row.coverage(CLIENT)),
            _bar(row.coverage(EXCHANGE)),
        )
        for row in report.rows
    ]
    total = (
        "All",
        f"{report.count(CLIENT):,}",
        f"{report.count(CLIENT, '2xx'):,}",
        f"{report.count(EXCHANGE):,}",
        f"{report.count(EXCHANGE, '2xx'):,}",
        f"{report.count(EXCHANGE, 'refused'):,}",
        _bar(report.coverage(CLIENT)),
        _bar(report.coverage(EXCHANGE)),
    )
    head = (
        "Operation",
        "Client sent",
        "read 2xx",
        "Exchange got",
        "real 2xx",
        "refused",
        "Client touched",
        "Exchange touched",
    )
    return (
        '<h2 id="operations">Operations</h2><p class="soft">What was sent, what came of it, and how much of what the '
        "document says about the call was touched on each side.</p>"
        + _table(head, rows, first="th", numbers=(1, 2, 3, 4, 5), foot=total)
    )


def _keywords(report: Report) -> str:
    rows = [(kind, *(_bar(report.kind_coverage(side, kind)) for side in SIDES)) for kind in KINDS]
    return (
        '<h2 id="document">The document, down to its keywords</h2><p class="soft">Parameters present and absent, '
        "each bound at its edge and one step beyond, each choice, patterns kept and broken, each documented status and "
        "code, each member of an answer. The client refuses what is wrong before anything leaves, so on its side only "
        "right values count.</p>" + _table(("Kind", "Client", "Exchange"), rows, first="th")
    )


def _strength(report: Report) -> str:
    strength = report.strength
    if not strength.rates:
        return ""
    rows = [
        (rate.area, "{} of {}".format(*rate.ideas), "{} of {}".format(*rate.sample))
        for rate in strength.rates
    ]
    total = ("All", "{} of {}".format(*strength.ideas), "{} of {}".format(*strength.sample))
    return (
        '<h2 id="strength">Is the suite any good?</h2><p class="soft">One change at a time in a copy of the tree: does '
        "a test notice? From the newest result of <code>make mutants</code>: wrong ideas of a catalogue, and a sample "
        "of mechanical mutations. <code>tools/mutation/RESULTS.md</code> names what survived.</p>"
        + _table(("Area", "Wrong ideas", "Sample"), rows, first="th", numbers=(1, 2), foot=total)
    )


def _tests(report: Report) -> str:
    layers: dict[str, list[Test]] = {}
    for test in report.tests:
        layers.setdefault(test.layer, []).append(test)
    rows = [
        (
            layer,
            f"{len(tests):,}",
            f"{len({test.nodeid for test in tests if test.outcome == 'failed'}):,}",
            f"{_requests_of(report, layer):,}",
            f"{sum(test.seconds for test in tests):.1f}",
        )
        for layer, tests in layers.items()
    ]
    return '<h2 id="layers">Layers</h2>' + _table(
        ("Layer", "Tests", "failed", "Requests", "Seconds"), rows, first="th", numbers=(1, 2, 3, 4)
    )


def _requests_of(report: Report, layer: str) -> int:
    return sum(
        sum(outcomes.values())
        for row in report.rows
        for (_, each), outcomes in row.requests.items()
        if each == layer
    )


def _gaps(report: Report) -> str:
    if not report.gaps:
        return '<h2 id="gaps">Accepted gaps</h2><p>None.</p>'
    rows = [
        (escape(gap["kind"]), f"<code>{escape(gap['of'])}</code>", escape(gap["reason"]))
        for gap in report.gaps
    ]
    return (
        '<h2 id="gaps">Accepted gaps</h2><p class="soft">What the suite is known to lack, from '
        "<code>gaps.allow.toml</code>. A gap that is closed and still listed fails the run.</p>"
        + _table(("Kind", "Of", "Reason"), rows)
    )


def _each_operation(report: Report) -> str:
    return '<h2 id="each">Each operation</h2>' + "".join(_one(row) for row in report.rows)


def _one(row: Row) -> str:
    layers = [
        (f"{layer}, {side}", f"{counts.get('2xx', 0):,}", f"{counts.get('refused', 0):,}")
        for (side, layer), counts in sorted(row.requests.items())
    ]
    kinds = []
    for kind in KINDS:
        cells = [kind]
        for side in SIDES:
            pair = row.covered.get((side, kind))
            cells.append(f"{pair[0]} of {pair[1]}" if pair else "–")
        kinds.append(tuple(cells))
    done = tuple(sum(pair) for pair in zip(row.coverage(CLIENT), row.coverage(EXCHANGE), strict=True))
    missing = "".join(f"<li><code>{escape(_short(row, target))}</code></li>" for target in row.missing)
    untouched = f"<h3>Untouched: {len(row.missing)}</h3><ul>{missing}</ul>" if missing else ""
    return (
        f"<details><summary>{escape(row.operation)} <span>{row.method} {escape(row.path)}, "
        f"{done[0]} of {done[1]} touched</span></summary>"
        + _table(("Layer", "2xx", "refused"), layers, first="th", numbers=(1, 2))
        + _table(("Keywords", "Client", "Exchange"), kinds, first="th", numbers=(1, 2))
        + untouched
        + "</details>"
    )


def _short(row: Row, target: str) -> str:
    side, _, rest = target.split(" ", 2)
    return f"{side}: {rest}"


def _percent(pair: tuple[int, int]) -> str:
    """Never 100 unless nothing is missing."""
    done, wanted = pair
    if not wanted:
        return "–"
    return "100 %" if done == wanted else f"{min(99.9, int(1000 * done / wanted) / 10):.1f} %"


def _bar(pair: tuple[int, int]) -> str:
    done, wanted = pair
    if not wanted:
        return "–"
    width = f"{100 * done / wanted:.1f}%"
    return f'{done} of {wanted}<span class="bar" aria-hidden="true"><i style="width:{width}"></i></span>'


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    first: str = "td",
    numbers: Sequence[int] = (),
    foot: Sequence[str] = (),
) -> str:
    """A table that scrolls inside; cells are HTML already."""

    def cell(tag: str, number: int, text: str, scope: str = "") -> str:
        kind = ' class="n"' if number in numbers else ""
        return f"<{tag}{kind}{scope}>{text}</{tag}>"

    def line(cells: Sequence[str]) -> str:
        inner = "".join(
            cell(first, 0, text, ' scope="row"' if first == "th" else "")
            if number == 0
            else cell("td", number, text)
            for number, text in enumerate(cells)
        )
        return f"<tr>{inner}</tr>"

    top = "".join(cell("th", number, escape(text), ' scope="col"') for number, text in enumerate(head))
    bottom = f"<tfoot>{line(foot)}</tfoot>" if foot else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(head[0])} table"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(line(row) for row in rows)}</tbody>{bottom}</table></div>"
    )
