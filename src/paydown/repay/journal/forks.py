"""Give up in a forked child what must not be shared: an open journal and a held lock.

A child made by fork inherits both, and either would pay twice. SQLite forbids a connection to be used, or even
closed, in another process than the one that opened it: closing it there can remove a -wal file that belongs to
another process. And a descriptor of a locked file keeps the lock after the process that took it has died. So in the
child the lock's descriptors are closed at once, the connection is left alone for ever, and everything that was
opened before the fork refuses to work.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["close_in_children", "leave_open"]


class _Inherited(Protocol):
    def forked(self) -> None:
        """Give up the parent's resources. Called in the child, before anything else runs there."""
        ...


_inherited: weakref.WeakSet[_Inherited] = weakref.WeakSet()
_left_open: list[object] = []


def close_in_children(thing: _Inherited) -> None:
    """Call `thing.forked()` in every child that is forked from now on, as long as `thing` exists."""
    _inherited.add(thing)


def leave_open(connection: object) -> None:
    """Keep an object of the parent from ever being finalized in this process."""
    _left_open.append(connection)
    try:
        from ctypes import py_object, pythonapi
    except ImportError:  # a Python without ctypes: the list above lasts until the interpreter ends
        return
    # One reference too many is counted, so that not even the end of the interpreter finalizes the object.
    pythonapi.Py_IncRef(py_object(connection))


def _in_child() -> None:
    for thing in list(_inherited):
        thing.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
