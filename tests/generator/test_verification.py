"""A finished tree is refused if it do not match the document."""

from __future__ import annotations

from functools import cache

import pytest

from generator.problems import GeneratorFault
from generator.render.renderer import render
from generator.render.verification import verify
from tests.generator.small_document import client, joined, small

Files = dict[str, bytes]


@cache
def _rendered() -> dict[str, str]:
    return render(client(small()), joined(small()).document)


def tree() -> Files:
    """Return the rendered, unformatted files of the small document."""
    return {name: text.encode() for name, text in _rendered().items()}


def check(files: Files) -> None:
    """Verify files against the small document."""
    verify(files, client(small()), joined(small()).document)


def test_what_was_rendered_is_accepted() -> None:
    """
    The tree as it is written has no fault.
    """
    check(tree())


CODEC = "paydown_wire/codec.py"
OPERATIONS = "paydown_wire/operations.py"
MARKET = "paydown_wire/resources/market.py"
DAMAGE = {
    "header": (CODEC, "# Written by", "# Made by", "codec.py: has no header that names its generator"),
    "leak of the parser": (CODEC, "_SHOWN = 40", "_SHOWN = '<UntrustedString>'", "holds 'UntrustedString'"),
    "foreign import": (CODEC, "import re\n", "import re\nimport httpx\n", "codec.py: imports httpx"),
    "import of the runtime": (
        CODEC,
        "import re\n",
        "import re\nfrom paydown import Client\n",
        "imports paydown",
    ),
    "lost operation": (
        OPERATIONS,
        '"repayDebt": ',
        '"payDebt": ',
        "operation repayDebt of the document is not in",
    ),
    "invented operation": (
        OPERATIONS,
        '"repayDebt": ',
        '"payDebt": ',
        "operation payDebt of operations.py is not in",
    ),
    "lost method": (MARKET, "operations.PING", "operations.NOTHING", "operation ping has 0 methods, not 2"),
}


@pytest.mark.parametrize(("file", "old", "new", "fault"), DAMAGE.values(), ids=DAMAGE)
def test_a_fault_is_named(file: str, old: str, new: str, fault: str) -> None:
    """
    Each kind of damage is a fault that names the file or the call.
    """
    files = tree()
    assert old.encode() in files[file]
    files[file] = files[file].replace(old.encode(), new.encode())

    with pytest.raises(GeneratorFault, match="do not match the document") as caught:
        check(files)

    assert fault in str(caught.value)
