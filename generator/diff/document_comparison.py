"""Compare two versions of the document by what changes for the users of the client.

A rename is a removal and an addition: code that uses the old name breaks. A change that breaks code, or alters what
an exception means, is marked breaking; a change of a weight or a timeout is not.
"""

from __future__ import annotations

from generator.client.client_model import Client
from generator.diff.answer_changes import changed_answers
from generator.diff.change import Change
from generator.diff.operation_changes import changed_calls
from generator.diff.protocol_changes import changed_protocol


def compare(old: Client, new: Client) -> list[Change]:
    """Return every user-visible change: breaking ones first, then by subject.

    Args:
        old: Client of the older version.
        new: Client of the newer version.
    """
    found = [*changed_calls(old, new), *changed_answers(old, new), *changed_protocol(old, new)]
    return sorted(found, key=lambda change: (-change.effect, change.subject, change.text))
