"""Writes what an examination found: for people, and for machines."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from paydown_contract.bounded_reader import visible
from paydown_contract.curl import as_curl
from paydown_contract.examination import Examination, Finding, Result, gist

# So many findings of one kind are written out; a server that refuses nothing would fill screens.
ALIKE: Final = 6


def as_text(found: Examination, url: str, secrets: Sequence[str]) -> str:
    """The result for people: each broken clause once, with the smallest request that shows it."""
    lines = [""]
    shown: Counter[str] = Counter()
    for finding in found.findings:
        kind = _kind(finding)
        shown[kind] += 1
        if shown[kind] > ALIKE:
            continue
        named = finding.clause.startswith(finding.operation)
        lines.append(f"✗ {finding.clause if named else f'{finding.operation}: {finding.clause}'}")
        lines.append(f"    {finding.said}")
        lines.append(f"    {finding.variant}")
        lines.append(f"    {as_curl(finding.request, url, tuple(secrets))}")
        if finding.status:
            lines.append(f"    {finding.status} {' '.join(_shown(finding, secrets).split())[:200]}")
    lines += [
        f"… and {count - ALIKE} more clauses: {kind} (--json has all)"
        for kind, count in shown.items()
        if count > ALIKE
    ]
    sent = sum(tally.sent for tally in found.tallies.values())
    count = len(found.findings)
    word = {
        Result.KEPT: "the document is kept",
        Result.BROKEN: f"{count} {'clause is' if count == 1 else 'clauses are'} broken",
        Result.UNDECIDED: "too little was answered to say whether the document is kept",
    }[found.result]
    lines.append(f"{sent} requests to {len(found.tallies)} operations in {found.seconds:.0f} s: {word}")
    if found.result is Result.UNDECIDED and found.undecided:
        lines.append(
            f"Too few answers could be judged, or none of them was a success: {', '.join(found.undecided)}"
        )
    beyond = {name: tally for name, tally in found.tallies.items() if tally.left_out}
    if beyond:
        lines.append(
            "Answered 429 again and again, so the rest was not sent: "
            + ", ".join(f"{name} ({tally.left_out} left out)" for name, tally in beyond.items())
            + ". Raise the server's limits to examine these in full."
        )
    if found.links_missed:
        lines.append(f"Not followed, because the first call was refused: {', '.join(found.links_missed)}")
    return "\n".join(visible(" ".join(line.split("\n"))) for line in lines)


def as_json(found: Examination, url: str, secrets: Sequence[str]) -> str:
    """The result for machines."""
    return json.dumps(
        {
            "passed": found.passed,
            "result": found.result.value,
            "undecided": found.undecided,
            "seconds": round(found.seconds, 3),
            "operations": {
                name: {
                    "sent": tally.sent,
                    "accepted": tally.accepted,
                    "refused": tally.refused,
                    "refused_by_state": tally.business,
                    "beyond_a_limit": tally.limited,
                    "left_out": tally.left_out,
                    "no_opinion": tally.silent,
                    "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
                }
                for name, tally in found.tallies.items()
            },
            "links": {"followed": found.links_followed, "not_followed": found.links_missed},
            "findings": [
                {
                    "operation": finding.operation,
                    "clause": finding.clause,
                    "said": finding.said,
                    "variant": finding.variant,
                    "request": as_curl(finding.request, url, tuple(secrets)),
                    "status": finding.status,
                    "body": _shown(finding, secrets),
                }
                for finding in found.findings
            ],
        },
        indent=1,  # ASCII only: what a server sends shall not reach a terminal as it is
    )


def _kind(finding: Finding) -> str:
    """What many findings of a server that is wrong in one way have in common."""
    if finding.clause == "paths":
        return "a path that " + finding.said[finding.said.index("is not documented") :]
    return gist(finding.said).partition(" where ")[0].removesuffix(",").removesuffix(", code")


def _shown(finding: Finding, secrets: Sequence[str]) -> str:
    """The answer, without what a server should not have repeated."""
    text = finding.body.decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, secret[:4] + "…") if secret else text
    return text
