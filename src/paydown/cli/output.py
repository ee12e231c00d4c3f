"""What the command line prints: tables for people on stdout, JSON for machines, troubles on stderr.

rich is imported when the first line for a person is printed, so that `--json` does not pay for it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from paydown.errors import OutcomeUnknown, PaydownError

if TYPE_CHECKING:
    from rich.console import Console

    from paydown.repay import Report


def decimal_text(value: Decimal) -> str:
    """Plain decimal text without trailing zeros: `Decimal("1E-8")` is `0.00000001`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


class Output:
    """One command's output, in one of two languages.

    Args:
        json_mode: Print one JSON document on stdout and nothing else there.
    """

    def __init__(self, *, json_mode: bool) -> None:
        self.json_mode = json_mode

    @cached_property
    def console(self) -> Console:
        """stdout, for people."""
        from rich.console import Console

        return Console(highlight=False)

    @cached_property
    def errors(self) -> Console:
        """stderr, for people."""
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    def document(self, value: Mapping[str, object]) -> None:
        """Print one JSON document; amounts are text, so that no reader rounds them."""
        print(json.dumps(value, indent=2, default=_plain, ensure_ascii=False))

    def line(self, text: str, *, style: str | None = None) -> None:
        """Print a sentence for a person; square brackets in it are just brackets."""
        if not self.json_mode:
            self.console.print(text, style=style, markup=False)

    def note(self, text: str) -> None:
        """Print a remark on stderr, in both modes."""
        self.errors.print(text, markup=False)

    def table(self, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; `columns` are (heading, "left", "right" or "whole": left, and never broken)."""
        from rich import box
        from rich.table import Table

        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading, justify in columns:
            # An amount that is cut short is a wrong amount: fold it instead.
            table.add_column(
                heading,
                justify="right" if justify == "right" else "left",
                overflow="fold",
                no_wrap=justify == "whole",
            )
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def failure(self, error: PaydownError) -> None:
        """Say what went wrong, what is known about the debt, and what to do."""
        if self.json_mode:
            self.document({"ok": False, "error": describe(error)})
            return
        from rich.text import Text

        colour = "yellow" if isinstance(error, OutcomeUnknown) else "red"
        self.errors.print(Text.assemble((type(error).__name__, f"bold {colour}"), ": ", str(error)))

    def refusal(self, text: str, *, exit_code: int) -> None:
        """Say why the command itself did not go on, in the mode's language."""
        if self.json_mode:
            self.document(
                {
                    "ok": False,
                    "error": {"class": None, "outcome": "not sent", "message": text, "exit_code": exit_code},
                }
            )
        else:
            self.note(text)

    def report(self, report: Report) -> None:
        """Print what became of a plan; a doubt also goes to stderr, with the command that settles it."""
        if self.json_mode:
            ok = report.exit_code == 0
            self.document({"ok": ok, "outcome": _OUTCOMES[report.exit_code], "report": report.to_json()})
            return
        self.line(str(report), style="green" if report else None)
        doubt = next((line.id for line in report.attempts if line.state in {"UNKNOWN", "INTENT"}), None)
        if doubt is not None:
            from rich.text import Text

            text = (
                f": attempt {doubt} may have happened. Run `paydown reconcile {doubt}` before anything else."
            )
            self.errors.print(Text.assemble(("OutcomeUnknown", "bold yellow"), text))

    def confirm(self, question: str) -> bool | None:
        """Ask a person; `None` when there is nobody to ask (stdin is no terminal)."""
        if not sys.stdin.isatty():
            return None
        self.errors.print(question, markup=False, end=" ")
        try:
            answer = input()
        except EOFError:
            return False
        return answer.strip().lower() in {"y", "yes"}


def describe(error: PaydownError) -> dict[str, object]:
    """An error as JSON-able data: the class name decides, the rest explains."""
    described: dict[str, object] = {
        "class": type(error).__name__,
        "outcome": _OUTCOMES.get(error.exit_code, "failed"),
        "message": str(error),
        "exit_code": error.exit_code,
        "operation": error.operation,
        "status": error.status,
        "code": error.code,
        "code_name": error.code_name,
        "msg": error.msg,
        "sent_at_ms": error.sent_at_ms,
    }
    attempt_id = getattr(error, "attempt_id", None)
    if attempt_id is not None:
        described["attempt_id"] = attempt_id
    return described


_OUTCOMES = {0: "executed", 3: "not sent", 4: "rejected", 5: "unknown", 6: "read failed"}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # any tuple
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
