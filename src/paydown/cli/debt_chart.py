"""The debt over time: blocks in a terminal, or a PNG.

The PNG is matplotlib's work (the extra `plot`); the terminal chart is a step line of block characters, since nothing is
known about the debt between two snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from importlib import import_module
from pathlib import Path

from paydown.cli.output import decimal_text
from paydown.errors import InvalidRequest
from paydown.timestamps import utc

Point = tuple[int, Decimal, Decimal]  # UTC milliseconds, principal, interest

_HEIGHT = 10
_BLOCKS = " ▁▂▃▄▅▆▇█"  # eighths of a line


def terminal_chart(asset: str, points: Sequence[Point], *, width: int) -> str:
    """Draw the debt (principal and interest) as text.

    Args:
        asset: The asset owed.
        points: The debt at each time it was read, oldest first; at least one.
        width: Columns of the terminal.
    """
    debts = [principal + interest for _, principal, interest in points]
    top = max(debts)
    labels = [f"{decimal_text(top)} {asset}", "0"]
    margin = max(len(label) for label in labels)
    columns = max(10, min(width - margin - 3, 100))
    levels = _levels(points, debts, top, columns)
    lines: list[str] = []
    for row in range(_HEIGHT, 0, -1):
        label = labels[0] if row == _HEIGHT else labels[1] if row == 1 else ""
        cells = "".join(_BLOCKS[max(0, min(8, level - 8 * (row - 1)))] for level in levels)
        lines.append(f"{label:>{margin}} │{cells}")
    first, last = (f"{utc(points[index][0]):%Y-%m-%d %H:%M:%S}Z" for index in (0, -1))
    gap = max(1, columns - len(first) - len(last))
    lines.append(f"{'':>{margin}} └{'─' * columns}")
    lines.append(f"{'':>{margin}}  {first}{' ' * gap}{last}")
    return "\n".join(lines)


def _levels(points: Sequence[Point], debts: Sequence[Decimal], top: Decimal, columns: int) -> list[int]:
    """Return the height of each column in eighths of a line: the debt as last seen at that column's time."""
    start, end = points[0][0], points[-1][0]
    levels: list[int] = []
    seen = 0
    for column in range(columns):
        at = start + (end - start) * column // max(1, columns - 1)
        while seen + 1 < len(points) and points[seen + 1][0] <= at:
            seen += 1
        share = Decimal(0) if top == 0 else debts[seen] / top
        level = int(share * 8 * _HEIGHT)
        levels.append(max(level, 1) if debts[seen] > 0 else 0)  # the smallest debt still shows
    return levels


def write_png(path: Path, asset: str, points: Sequence[Point]) -> None:
    """Write the chart as a PNG.

    Args:
        path: The file to write.
        asset: The asset owed.
        points: The debt at each time it was read, oldest first; at least one.

    Raises:
        InvalidRequest: matplotlib is not installed, or the file cannot be written.
    """
    try:
        # The module is imported by its name, because matplotlib's own annotations are only partly typed.
        figures = import_module("matplotlib.figure")
    except ImportError:
        raise InvalidRequest(
            "--png needs matplotlib: pip install 'paydown[plot]'.", parameter="png"
        ) from None
    figure = figures.Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    times = [utc(at) for at, _, _ in points]
    axes.step(
        times, [float(p + i) for _, p, i in points], where="post", label="principal and interest"
    )  # pixels, not money
    axes.step(
        times, [float(p) for _, p, _ in points], where="post", label="principal", linestyle="--"
    )  # pixels, not money
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"{asset} owed")
    axes.set_title(f"Debt in {asset}, as seen (UTC)")
    axes.legend()
    figure.autofmt_xdate()
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be written: {error.strerror or error}.", parameter="png"
        ) from error
