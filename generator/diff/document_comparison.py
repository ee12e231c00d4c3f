"""Compare two versions of the client, and say what changes for the people who use it.

A rename is a removal and an addition: code that uses the old name breaks. What breaks code, or changes what
an exception means, is marked breaking; a change of a weight or a timeout is not.
"""

from __future__ import annotations

from generator.client.client_model import Client
from generator.diff.answer_changes import changed_answers
from generator.diff.change import Change
from generator.diff.operation_changes import changed_calls
from generator.diff.protocol_changes import changed_protocol


def compare(old: Client, new: Client) -> list[Change]:
    """Return every user-visible change from `old` to `new`: breaking ones first, then by subject."""
    found = [*changed_calls(old, new), *changed_answers(old, new), *changed_protocol(old, new)]
    return sorted(found, key=lambda change: (-change.effect, change.subject, change.text))
