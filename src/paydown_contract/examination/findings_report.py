"""Write the result of an examination as text for people, or as JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from paydown_contract.bounded_reader import visible
from paydown_contract.curl import as_curl
from paydown_contract.examination.examination import Examination, Result
from paydown_contract.examination.finding import Finding

# So many findings of one kind are written out as text: a server that refuses nothing would fill screens.
_ALIKE: Final = 6


def as_text(examination: Examination, url: str, secrets: Sequence[str]) -> str:
    """Write the result for people: each broken clause once, with the smallest request that shows it.

    Args:
        examination: The result.
        url: Address of the server, for the curl lines.
        secrets: Texts of which only the first characters are written.
    """
    lines = [""]
    shown: Counter[str] = Counter()
    for finding in examination.findings:
        kind = _headline(finding)
        shown[kind] += 1
        if shown[kind] > _ALIKE:
            continue
        named = finding.clause.startswith(finding.operation)
        lines.append(f"✗ {finding.clause if named else f'{finding.operation}: {finding.clause}'}")
        lines.append(f"    {finding.symptom}")
        lines.append(f"    {finding.variant}")
        lines.append(f"    {as_curl(finding.request, url, tuple(secrets))}")
        if finding.status:
            lines.append(f"    {finding.status} {' '.join(_shown(finding, secrets).split())[:200]}")
    lines += [
        f"… and {count - _ALIKE} more clauses: {kind} (--json has all)"
        for kind, count in shown.items()
        if count > _ALIKE
    ]
    sent = sum(tally.sent for tally in examination.tallies.values())
    count = len(examination.findings)
    word = {
        Result.KEPT: "the document is kept",
        Result.BROKEN: f"{count} {'clause is' if count == 1 else 'clauses are'} broken",
        Result.UNDECIDED: "too little was answered to conclude whether the document is kept",
    }[examination.result]
    lines.append(
        f"{sent} requests to {len(examination.tallies)} operations in {examination.seconds:.0f} s: {word}"
    )
    if examination.result is Result.UNDECIDED and examination.undecided:
        lines.append(
            f"Too few answers could be judged, or none of them was a success: {', '.join(examination.undecided)}"
        )
    beyond = {name: tally for name, tally in examination.tallies.items() if tally.left_out}
    if beyond:
        lines.append(
            "Answered 429 again and again, so the rest was not sent: "
            + ", ".join(f"{name} ({tally.left_out} left out)" for name, tally in beyond.items())
            + ". Raise the server's limits to examine these in full."
        )
    if examination.links_missed:
        lines.append(
            f"Not followed, because the first call was refused: {', '.join(examination.links_missed)}"
        )
    return "\n".join(visible(" ".join(line.split("\n"))) for line in lines)


def as_json(examination: Examination, url: str, secrets: Sequence[str]) -> str:
    """Write the result as one JSON object in ASCII.

    Args:
        examination: The result, with all findings.
        url: Address of the server, for the curl lines.
        secrets: Texts of which only the first characters are written.
    """
    return json.dumps(
        {
            "passed": examination.passed,
            "result": examination.result.value,
            "undecided": examination.undecided,
            "seconds": round(examination.seconds, 3),
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
                for name, tally in examination.tallies.items()
            },
            "links": {"followed": examination.links_followed, "not_followed": examination.links_missed},
            "findings": [
                {
                    "operation": finding.operation,
                    "clause": finding.clause,
                    "said": finding.symptom,
                    "variant": finding.variant,
                    "request": as_curl(finding.request, url, tuple(secrets)),
                    "status": finding.status,
                    "body": _shown(finding, secrets),
                }
                for finding in examination.findings
            ],
        },
        indent=1,  # ASCII only: bytes of the server must not reach a terminal as they are
    )


def _headline(finding: Finding) -> str:
    """Return what the findings of a server that is wrong in one way have in common."""
    if finding.clause == "paths":
        return "a path that " + finding.symptom[finding.symptom.index("is not documented") :]
    return finding.kind.partition(" where ")[0].removesuffix(",").removesuffix(", code")


def _shown(finding: Finding, secrets: Sequence[str]) -> str:
    """Decode the body of an answer, and cut secrets that the server has repeated in it."""
    text = finding.body.decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, secret[:4] + "…") if secret else text
    return text
