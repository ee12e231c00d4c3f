"""The report for terminals, for Markdown and for machines that read JUnit."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from tests.contract.report.strength import Strength
from tests.contract.report.summary import Report, Row
from tests.contract.report.targets import CLIENT, EXCHANGE, KINDS, SIDES

# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.operation,
        f"{row.count(CLIENT):,}",
        f"{row.count(EXCHANGE):,}",
        f"{row.count(EXCHANGE, '2xx'):,}",
        f"{row.count(EXCHANGE, 'refused'):,}",
        "{} of {}".format(*row.coverage(CLIENT)),
        "{} of {}".format(*row.coverage(EXCHANGE)),
    )


_HEAD = (
    "operation",
    "client sent",
    "exchange got",
    "real 2xx",
    "refused",
    "client touched",
    "exchange touched",
)


def _total(report: Report) -> tuple[str, ...]:
    return (
        f"{len(report.rows)} operations",
        f"{report.count(CLIENT):,}",
        f"{report.count(EXCHANGE):,}",
        f"{report.count(EXCHANGE, '2xx'):,}",
        f"{report.count(EXCHANGE, 'refused'):,}",
        "{} of {}".format(*report.coverage(CLIENT)),
        "{} of {}".format(*report.coverage(EXCHANGE)),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if number == 0 else text.rjust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def as_terminal(report: Report, width: int) -> list[str]:
    """The summary that ends a run; what a narrow terminal cannot hold is left to the page."""
    table = [_HEAD, *(_cells(row) for row in report.rows), _total(report)]
    lines = _aligned(table)
    if len(lines[0]) > width:
        lines = _aligned([(row[0], row[3], row[4], row[6]) for row in table])
    found = [lines[0], "-" * len(lines[0]), *lines[1:-1], "-" * len(lines[0]), lines[-1], ""]
    for test in report.failed[:10]:
        found.append(f"✗ {test.nodeid.removeprefix('tests/contract/')}")
        found += [
            f"    {text}"
            for text in (test.clause and f"clause: {test.clause}", test.curl, test.answer)
            if text
        ]
    if len(report.failed) > 10:
        found.append(f"  and {len(report.failed) - 10} more")
    for complaint in report.complaints[:25]:
        found.append(f"✗ {complaint.kind}: {complaint.of}: {complaint.said}")
    if len(report.complaints) > 25:
        found.append(f"  and {len(report.complaints) - 25} more")
    if report.failed or report.complaints:
        found.append("")
    found.append(_strength_line(report.strength))
    if report.gaps:
        found.append(f"{len(report.gaps)} accepted gaps, each with its reason in gaps.allow.toml")
    if not report.whole:
        found.append("a part of the suite: what nothing touched fails nothing")
    found.append(f"profile {report.profile}, seed {report.seed}; again: {report.command}")
    return found


def _strength_line(strength: Strength) -> str:
    if not strength.rates:
        return "mutants: no result yet, run `make mutants`"
    return "mutants: {} of {} wrong ideas noticed, {} of {} of the sample".format(
        *strength.ideas, *strength.sample
    )


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return [line(rows[0]), "|" + "---|" * len(rows[0]), *(line(row) for row in rows[1:])]


def as_markdown(report: Report) -> str:
    """The report in Markdown."""
    counts = report.outcomes()
    lines = [
        "# Contract report",
        "",
        f"**{report.result.capitalize()}.** "
        + ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        + f", {report.requests():,} requests judged in {report.seconds:.0f} s.",
        "",
        f"Profile {report.profile}, seed {report.seed}. Again: `{report.command}`",
    ]
    if not report.whole:
        lines += ["", "Only a part of the suite ran: what nothing touched fails nothing."]
    for test in report.failed:
        lines += ["", f"## ✗ {test.nodeid.removeprefix('tests/contract/')}", ""]
        lines += [f"Clause: {test.clause}", ""] if test.clause else []
        for text in (test.message, test.curl, test.answer):
            lines += ["```", text.replace("```", "ʼʼʼ"), "```"] if text else []
    if report.complaints:
        rows = [
            ("what fails", "of", "why"),
            *((each.kind, f"`{each.of}`", each.said) for each in report.complaints),
        ]
        lines += ["", "## What fails besides", "", *_markdown_table(rows)]
    lines += ["", "## Operations", ""]
    lines += _markdown_table([_HEAD, *(_cells(row) for row in report.rows), _total(report)])
    lines += ["", "## The document, down to its keywords", ""]
    counts_of = [
        (kind, *("{} of {}".format(*report.kind_coverage(side, kind)) for side in SIDES)) for kind in KINDS
    ]
    lines += _markdown_table([("kind", *SIDES), *counts_of])
    lines += ["", "## Mutants", "", *strength_table(report.strength)]
    if report.gaps:
        lines += ["", "## Accepted gaps", ""]
        lines += _markdown_table(
            [
                ("kind", "of", "reason"),
                *((gap["kind"], f"`{gap['of']}`", gap["reason"]) for gap in report.gaps),
            ]
        )
    return "\n".join(lines) + "\n"


def strength_table(strength: Strength) -> list[str]:
    """Return how many wrong ideas and mutations were noticed, by area, as a table."""
    if not strength.rates:
        return ["No result yet: `make mutants`."]
    rows = [
        (rate.area, "{} of {}".format(*rate.ideas), "{} of {}".format(*rate.sample))
        for rate in strength.rates
    ]
    return _markdown_table([("area", "wrong ideas", "sample"), *rows])


def as_junit(report: Report) -> str:
    """One test suite for each layer, and one for what makes a run fail besides its tests."""
    root = ElementTree.Element("testsuites", name="contract")
    by_layer: dict[str, dict[str, ElementTree.Element]] = {}
    suites: dict[str, ElementTree.Element] = {}
    for test in report.tests:
        if test.layer not in suites:
            suites[test.layer] = ElementTree.SubElement(root, "testsuite", name=test.layer)
        cases = by_layer.setdefault(test.layer, {})
        case = cases.get(test.nodeid)
        if case is None:
            module, _, name = test.nodeid.partition("::")
            case = cases[test.nodeid] = ElementTree.SubElement(
                suites[test.layer],
                "testcase",
                classname=_xml(module.removesuffix(".py").replace("/", ".")),
                name=_xml(name),
                time=f"{test.seconds:.3f}",
            )
        if test.outcome == "failed":
            failure = ElementTree.SubElement(case, "failure", message=_xml(test.clause or test.message[:200]))
            failure.text = _xml("\n".join(part for part in (test.curl, test.answer, test.text) if part))
        elif test.outcome == "skipped":
            ElementTree.SubElement(case, "skipped", message=_xml(test.message))
    if report.complaints:
        suites["whole"] = ElementTree.SubElement(root, "testsuite", name="the run as a whole")
        for complaint in report.complaints:
            case = ElementTree.SubElement(
                suites["whole"], "testcase", classname=_xml(complaint.kind), name=_xml(complaint.of), time="0"
            )
            ElementTree.SubElement(case, "failure", message=_xml(complaint.said))
    for suite in suites.values():
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in suite)))
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in suite)))
    root.set("time", f"{report.seconds:.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
