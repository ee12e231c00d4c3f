"""State lives where the platform wants it, in a directory that is its owner's alone."""

from __future__ import annotations

import os
import stat

import pytest

from paydown.state_directory import StateDirectoryUnusable, private_directory, state_directory

# XDG Base Directory Specification 0.8; Apple, File System Programming Guide; FOLDERID_LocalAppData.
PLACES = [
    ("linux", {"HOME": "/home/u"}, "/home/u/.local/state/paydown"),
    ("linux", {"HOME": "/home/u", "XDG_STATE_HOME": "/var/state"}, "/var/state/paydown"),
    ("linux", {"HOME": "/home/u", "XDG_STATE_HOME": "relative"}, "/home/u/.local/state/paydown"),
    ("freebsd14", {"HOME": "/home/u", "XDG_STATE_HOME": ""}, "/home/u/.local/state/paydown"),
    ("darwin", {"HOME": "/Users/u", "XDG_STATE_HOME": "/x"}, "/Users/u/Library/Application Support/paydown"),
    ("win32", {"LOCALAPPDATA": "/C/Users/u/AppData/Local"}, "/C/Users/u/AppData/Local/paydown"),
    ("win32", {"HOME": "/C/Users/u"}, "/C/Users/u/AppData/Local/paydown"),
]


@pytest.mark.parametrize(("platform", "environment", "expected"), PLACES)
def test_each_platform_has_its_place(platform, environment, expected):
    """The directory follows the platform's own convention."""
    assert state_directory(environment, platform).as_posix() == expected


def test_the_directory_is_for_its_owner_alone(tmp_path):
    """It is made with its parents, and permissions of others are taken away from one that exists."""
    place = tmp_path / "a" / "paydown"
    assert stat.S_IMODE(private_directory(place).stat().st_mode) == 0o700

    place.chmod(0o755)

    assert stat.S_IMODE(private_directory(place).stat().st_mode) == 0o700


def test_a_file_in_the_way_is_named(tmp_path):
    """The error says which path cannot be used."""
    (tmp_path / "paydown").write_text("")

    with pytest.raises(StateDirectoryUnusable, match=r"paydown cannot be used"):
        private_directory(tmp_path / "paydown")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path):
    """A ledger that somebody else can write is no ledger."""
    place = tmp_path / "paydown"
    place.mkdir()
    os.chown(place, 12345, 12345)

    with pytest.raises(StateDirectoryUnusable, match="another user"):
        private_directory(place)
