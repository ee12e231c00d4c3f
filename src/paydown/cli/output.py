"""The output of the command line: tables for people on stdout, JSON for machines, errors on stderr.

rich is imported when the first line for a person is printed, so that `--json` does not pay for it.

A failure to write (a reader that went away, a full disk) never raises here: the exit code states what is known about
the debt, and a display must not change it. `Output.lost` keeps the failure, and `paydown repay` sends nothing once it
is set.
"""

from __future__ import annotations

import io
import json
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from paydown.errors import OutcomeUnknown, PaydownError

if TYPE_CHECKING:
    from rich.console import Console

    from paydown.repay import Progress, Report


def decimal_text(value: Decimal) -> str:
    """Write a decimal as plain text without trailing zeros: `Decimal("1E-8")` is `0.00000001`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def shown(text: str) -> str:
    r"""Spell out characters that would steer a terminal or turn the reading direction, so that any text may be shown.

    Line breaks and tabs stay, since our own sentences hold them. Every text of the exchange passes through here on its
    way to a terminal: an asset called "\x1b[2J" is seen, not obeyed.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter in "\n\t" or letter.isprintable()
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def on_one_line(text: str) -> str:
    """Spell out foreign text for a cell of a table or a live line, where line breaks and tabs are spelled out, too."""
    return shown(text).replace("\n", "\\n").replace("\t", "\\t")


class Output:
    """Print one command's output, as text for people or as JSON for machines.

    Args:
        json_mode: Print one JSON document on stdout and nothing else there.
    """

    def __init__(self, *, json_mode: bool) -> None:
        self.json_mode = json_mode
        self.lost: OSError | None = None
        for stream in (sys.stdout, sys.stderr):
            # A letter that the terminal cannot write is printed as its number: a crash after a repayment would be
            # worse.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    @cached_property
    def console(self) -> Console:
        """Return stdout as a console for people."""
        return _console(stderr=False)

    @cached_property
    def errors(self) -> Console:
        """Return stderr as a console for people."""
        return _console(stderr=True)

    def document(self, value: Mapping[str, object]) -> None:
        """Print one JSON document; amounts are text, so that no reader rounds them."""
        # Letters that the stream cannot write are escaped as JSON does; `backslashreplace` would not give JSON.
        utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
        text = json.dumps(value, indent=2, default=_plain, ensure_ascii=not utf8)
        self._write(lambda: print(text, flush=True))

    def line(self, text: str, *, style: str | None = None) -> None:
        """Print a sentence for a person; square brackets in it are just brackets.

        Args:
            text: The sentence; foreign text in it is escaped.
            style: A style of rich, such as "bold".
        """
        if not self.json_mode:
            folded = self._folded(shown(text))
            self._write(lambda: self.console.print(folded, style=style, markup=False, soft_wrap=True))

    def _folded(self, text: str) -> str:
        """Fold a long line under its own beginning in a terminal; print it unfolded elsewhere."""
        if not self.console.is_terminal:
            return text
        return "\n".join(
            folded
            for line in text.splitlines()
            for folded in textwrap.wrap(
                line,
                max(20, self.console.width),
                subsequent_indent=" " * (len(line) - len(line.lstrip()) + 4),
                break_long_words=False,
                break_on_hyphens=False,
                replace_whitespace=False,
                drop_whitespace=True,
            )
            or [""]
        )

    def note(self, text: str) -> None:
        """Print a remark on stderr, in both modes."""
        # A terminal folds a long sentence; in a log it stays on one line.
        escaped = shown(text)
        self._remark(lambda: self.errors.print(escaped, markup=False, soft_wrap=not self.errors.is_terminal))

    def table(self, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
        """Print a table.

        Args:
            title: Its title; empty for none.
            columns: Pairs of heading and "left", "right" or "whole", which is left and never broken.
            rows: The cells of each row, as text.
        """
        from rich import box
        from rich.table import Table
        from rich.text import Text

        named = Text(on_one_line(title)) if title else None
        table = Table(title=named, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading, justify in columns:
            # A long amount is folded: one that is cut short would be a wrong amount.
            table.add_column(
                heading,
                justify="right" if justify == "right" else "left",
                overflow="fold",
                no_wrap=justify == "whole",
            )
        for row in rows:
            # Cells are text, not markup: an asset called "[bold]BNB" is shown with its brackets.
            table.add_row(*(Text(on_one_line(cell)) for cell in row))
        self._write(lambda: self.console.print(table))

    def failure(self, error: PaydownError) -> None:
        """Print what went wrong, what is known about the debt, and what to do."""
        if self.json_mode:
            self.document({"ok": False, "error": describe(error)})
            return
        from rich.text import Text

        colour = "yellow" if isinstance(error, OutcomeUnknown) else "red"
        text = Text.assemble((type(error).__name__, f"bold {colour}"), ": ", shown(str(error)))
        self._remark(lambda: self.errors.print(text, soft_wrap=not self.errors.is_terminal))

    def refusal(self, text: str, *, exit_code: int) -> None:
        """Print why the command itself did not go on.

        Args:
            text: The reason, with what to write instead.
            exit_code: The exit code that the command will end with.
        """
        if self.json_mode:
            self.document(
                {
                    "ok": False,
                    "error": {"class": None, "outcome": "not sent", "message": text, "exit_code": exit_code},
                }
            )
        else:
            self.note(text)

    def report(self, report: Report, settled: Sequence[Progress] = ()) -> None:
        """Print the report of a plan; a doubt also goes to stderr, with the command that settles it.

        Args:
            report: The report.
            settled: How attempts in doubt were settled meanwhile. A person has read it; a machine gets it here.
        """
        if self.json_mode:
            code = report.exit_code
            self.document(
                {
                    "ok": code == 0,
                    "exit_code": code,
                    "outcome": outcome_of(code),
                    "report": report.to_json(),
                    "settled": [one.to_json() for one in settled],
                }
            )
            return
        self.line(str(report), style="green" if report else None)
        doubt = next((line.id for line in report.attempts if line.state in {"UNKNOWN", "INTENT"}), None)
        if doubt is not None:
            from rich.text import Text

            advice = (
                f": attempt {doubt} may have happened. Run `paydown reconcile {doubt}` before anything else."
            )
            text = Text.assemble(("OutcomeUnknown", "bold yellow"), shown(advice))
            self._remark(lambda: self.errors.print(text))

    def confirm(self, question: str) -> bool | None:
        """Ask a person a question; return `None` when stdin is no terminal, so that no person can be asked."""
        if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]  # None if closed at the start
            return None
        asked = shown(question)
        self._remark(lambda: self.errors.print(asked, markup=False, end=" "))
        try:
            answer = input()
        except EOFError:
            return False
        return answer.strip().lower() in {"y", "yes"}

    def end(self, exit_code: int) -> int:
        """Flush what is still buffered, and return the exit code; a failure to write turns 0 into 1."""
        self._write(lambda: None if sys.stdout is None else sys.stdout.flush())  # pyright: ignore[reportUnnecessaryComparison]  # None if closed at the start
        if self.lost is None:
            return exit_code
        # Text that stays in the buffer would make the interpreter complain when it closes stdout, and exit with 120.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(self.lost, BrokenPipeError):
            return exit_code  # the reader wanted no more: `paydown debts | head`
        self.note(
            f"The output could not be written: {self.lost.strerror}. `paydown history` shows what was done."
        )
        return exit_code or 1

    def _write(self, write: Callable[[], object]) -> None:
        """Write to stdout, unless it is known to be lost."""
        if self.lost is None:
            try:
                write()
            except OSError as error:
                self.lost = error

    @staticmethod
    def _remark(write: Callable[[], object]) -> None:
        with suppress(OSError):
            write()


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Plain(Console):
        """Report a broken pipe like any other failure; rich would end the process."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    # Markup and emoji codes are off: neither [bold] nor :smile: in a text means anything.
    return Plain(stderr=stderr, highlight=False, markup=False, emoji=False)


def describe(error: PaydownError) -> dict[str, object]:
    """Describe an error as data for JSON: programs decide by the class name, the other members explain it."""
    described: dict[str, object] = {
        "class": type(error).__name__,
        "outcome": outcome_of(error.exit_code),
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


_OUTCOMES = {
    0: "executed",
    3: "not sent",
    4: "rejected",
    5: "unknown",
    6: "read failed",
    7: "partly executed",
    8: "nothing owed",
    9: "stopped, partly executed",
}


def outcome_of(exit_code: int) -> str:
    """Return the name of the outcome that an exit code stands for; the names do not change."""
    return _OUTCOMES.get(exit_code, "failed")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # any tuple
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
