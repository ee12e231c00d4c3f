"""What a tool sees that prints the variables of every frame of an error, such as a crash reporter."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType

TESTS = str(Path(__file__).resolve().parents[2])
_MOST = 200_000


def linked(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that it was raised from or during, each once: also what `from None` hides."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def frames(error: BaseException) -> Iterator[FrameType]:
    """Every frame that the error and those it came from went through, but for those of the tests themselves."""
    for one in linked(error):
        trace = one.__traceback__
        while trace is not None:
            if not trace.tb_frame.f_code.co_filename.startswith(TESTS):
                yield trace.tb_frame
            trace = trace.tb_next


def shown(value: object, depth: int = 4) -> Iterator[str]:
    """What is printed of a value: its repr, and that of what plain containers hold, however long."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        yield bytes(value).decode("latin-1")
    elif isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for name, member in list(value.items()):
            yield from shown(name, depth - 1)
            yield from shown(member, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for member in list(value):
            yield from shown(member, depth - 1)
    try:
        yield repr(value)[:_MOST]
    except Exception as error:  # noqa: BLE001  # a half-made object may have no repr
        yield repr(error)


def leaks(error: BaseException, secrets: Iterable[str]) -> list[str]:
    """Where a secret is seen, in any spelling: "file:line name" for variables, the class for errors themselves."""
    spelled = {
        spelling
        for secret in secrets
        for spelling in (secret, urllib.parse.quote(secret, safe=""), secret.encode().hex(), secret.upper())
    }
    secret = re.compile("|".join(map(re.escape, sorted(spelled))))
    found = [
        f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name} {name}"
        for frame in frames(error)
        for name, value in frame.f_locals.items()
        if any(secret.search(text) for text in shown(value))
    ]
    for one in linked(error):
        texts = [str(one), repr(one), *shown(one.args), *shown(vars(one))]
        texts += getattr(one, "__notes__", [])
        if any(secret.search(text) for text in texts):
            found.append(type(one).__name__)
    return sorted(set(found))
