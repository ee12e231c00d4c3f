"""`paydown sandbox`: run the sandbox as a process.

The sandbox has its own command line (`python -m paydown_sandbox`), since it must not share code with this
package; the words after `sandbox` are handed to it as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands

USAGE_ERROR = 2


def add_parser(commands: Commands) -> None:
    """List `sandbox` in the help; its options are listed by `paydown sandbox --help`."""
    commands.add_parser(
        "sandbox", help="run the sandbox, a local exchange: no key, no network, no money", add_help=False
    )


def run(words: Sequence[str]) -> int:
    """Run the sandbox until a signal stops it.

    Args:
        words: The command line after `sandbox`.

    Returns:
        The sandbox's own exit code, or 2 when the extra that it needs is not installed.
    """
    try:
        from paydown_sandbox.serving.process import main as run_sandbox
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.partition(".")[0] in {"paydown", "paydown_sandbox"}:
            raise
        print(
            f"The sandbox needs {missing.name}, which is not installed: pip install 'paydown[sandbox]'",
            file=sys.stderr,
        )
        return USAGE_ERROR
    return run_sandbox(list(words), prog="paydown sandbox")
