"""List the clients that are compared, and those whose environment cannot be made on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.result import Section, Settings
from tests.interop import environments
from tests.interop.peer import BY_NAME, PEERS, Peer

BASELINE = "raw httpx"  # what every ratio is over
OURS = "paydown"


def clients(section: Section, settings: Settings, quick: Sequence[str]) -> list[Peer]:
    """Return all clients, or those of a quick run; the section notes which are left out.

    Args:
        section: Result that receives the note.
        settings: How much to measure.
        quick: Names of the clients of a quick run.
    """
    wanted = [BY_NAME[name] for name in quick] if settings.quick else list(PEERS)
    if settings.quick:
        section.left_out.append("the other clients (quick)")
    able = can_be_made(section, {peer.environment for peer in wanted})
    return [peer for peer in wanted if peer.environment in able]


def can_be_made(section: Section, names: set[str]) -> set[str]:
    """Make these environments, and return the names of those that could be made.

    Args:
        section: Result that notes the environments that could not be made.
        names: Names of the environments.

    Raises:
        EnvironmentFailed: One that everything is compared with, or our own.
    """
    able: set[str] = set()
    for name in sorted(names):
        try:
            environments.python(name)
        except environments.EnvironmentFailed as error:
            if name in (BY_NAME[BASELINE].environment, BY_NAME[OURS].environment):
                raise
            section.left_out.append(f"{name}: its environment cannot be made: {str(error).splitlines()[-1]}")
        else:
            able.add(name)
    return able
