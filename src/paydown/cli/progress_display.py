"""The display of a running plan: pieces, weight, the reason for a wait, and the time it may still take.

On a terminal one live line on stderr; elsewhere a line per event, so that a log shows the whole run. stdout
stays free for the result.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from paydown.cli.output import Output, decimal_text, on_one_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from paydown.events import Event
    from paydown.repay.progress import Progress

# The events that a person following a log wants to read; a live line shows all of them.
_WORTH_A_LINE = frozenset(
    {"waiting", "sending", "executed", "rejected", "not-sent", "unknown", "reconciling"}
    | {"proven-executed", "proven-not-executed", "undecided", "stopping"}
)

# The verdict on a doubt stays on the terminal, too: it may belong to another plan than the report.
_STAYS = frozenset({"reconciling", "proven-executed", "proven-not-executed", "undecided"})

_ROOM_FOR_A_BAR = 110


class LiveProgress:
    """Show `Progress` of the repayer and waits of the client. A context manager.

    Args:
        output: Where to show; in JSON mode nothing is shown.

    Attributes:
        settled: How each attempt in doubt was settled: proven one way or the other, or undecided still.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self.settled: list[Progress] = []
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if not self._output.json_mode and self._output.errors.is_terminal:
            from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
            from rich.table import Column

            def text(field: str) -> TextColumn:
                return TextColumn(f"{{task.{field}}}", markup=False, table_column=Column(no_wrap=True))

            console = self._output.errors
            # Pieces, weight and time left are never cut short; a narrow terminal drops the bar first, then cuts the end
            # of the sentence.
            shown = (text(f"fields[{field}]") for field in ("pieces", "weight", "left"))
            columns: list[ProgressColumn] = [SpinnerColumn(), *shown]
            if console.width >= _ROOM_FOR_A_BAR:
                columns.insert(2, BarColumn(bar_width=24))
            sentence = Column(no_wrap=True, overflow="ellipsis", ratio=1)
            columns.append(TextColumn("{task.description}", markup=False, table_column=sentence))
            self._bar = Progress(*columns, console=console, transient=True, expand=True)
            self._task = self._bar.add_task(
                "reading the account", total=None, pieces="pieces -/-", weight="weight 0", left=""
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def repaying(self, progress: Progress) -> None:
        """Show one event of the repayer."""
        if progress.kind in _STAYS and progress.kind != "reconciling":
            self.settled.append(progress)
        text = on_one_line(progress.message or progress.kind)
        left_s = 0 if progress.finish_ms is None else max(0, progress.finish_ms - progress.at_ms) // 1000
        left = f"{_duration(left_s)} left" if left_s else ""
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                description=text,
                total=progress.pieces_total,
                completed=progress.pieces_done,
                pieces=f"pieces {progress.pieces_done}/{progress.pieces_total}",
                weight=f"weight {progress.weight_used:,}",
                left=left,
            )
        worth = _WORTH_A_LINE if self._bar is None else _STAYS
        if not self._output.json_mode and progress.kind in worth:
            text += f"; at least {left}" if left else ""
            repaid = f", {decimal_text(progress.repaid)} {progress.asset} repaid"
            self._output.note(
                f"[{progress.pieces_done}/{progress.pieces_total}] {progress.kind}: {text}{repaid}"
            )

    def calling(self, event: Event) -> None:
        """Show that the client waits for room in the weight budget."""
        if event.name != "waiting" or event.wait_s is None:
            return
        until = time.strftime("%H:%M:%S", time.localtime(time.time() + event.wait_s))
        text = f"room for {event.operation} at {until} local time, in {event.wait_s:.0f} s"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text)
        elif not self._output.json_mode:
            self._output.note(text)


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
